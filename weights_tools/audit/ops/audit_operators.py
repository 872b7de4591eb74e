"""Draws the cases of each operator, has hewn's op runner compute them, and reports.

All cases of an operator travel in one safetensors file: the metadata's `cases` is a JSON array of
{"id", "op", "params"}, and the arguments are tensors named `<id>.<argument>`, float32, in PyTorch's
layouts. The answer holds `<id>.y`, and more for operators of several outputs.
"""

import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from weights_tools import safetensors_file
from weights_tools.audit.ops.case import Case, Draw, Operator, Tensors
from weights_tools.audit.ops.judge import judge
from weights_tools.audit.ops.operators import OPERATORS
from weights_tools.audit.program import run_program
from weights_tools.errors import ToolError

_LISTED = 3  # failures shown of one operator; the JSON report has them all


@dataclass(frozen=True)
class OperatorAudit:
    """One operator on one instruction set (None: the one hewn chooses), worst over its cases."""

    op: str
    isa: str | None
    cases: int
    relative_l2_ratio: float
    max_abs_ratio: float
    failures: list[str]


def audit_operators(
    runner: Path,
    names: Sequence[str],
    count: int,
    seed: int,
    instruction_sets: Sequence[str | None],
    options: list[str],
) -> list[OperatorAudit]:
    """Audits the named operators, `count` cases each, on each of the instruction sets."""
    audits: list[OperatorAudit] = []
    for name in names:
        operator = OPERATORS[name]
        cases = [operator.draw(Draw(f"{seed}/{name}/{index}")) for index in range(count)]
        for isa in instruction_sets:
            audits.append(_audit_operator(runner, name, operator, cases, isa, options))
    return audits


def disagreements(audits: Sequence[OperatorAudit]) -> list[str]:
    """One line a failure, the first few of each operator."""
    lines: list[str] = []
    for audit in audits:
        where = f"{audit.op} ({audit.isa})" if audit.isa else audit.op
        lines += [f"{where}: {failure}" for failure in audit.failures[:_LISTED]]
        if len(audit.failures) > _LISTED:
            lines.append(f"{where}: {len(audit.failures) - _LISTED} more")
    return lines


def as_table(audits: Sequence[OperatorAudit]) -> str:
    """The figures as text, one line an operator and instruction set."""
    lines = [
        "error against float64, hewn's over PyTorch's, worst of all cases",
        "operator         isa        cases   failed         L2    max-abs",
    ]
    for audit in audits:
        lines.append(
            f"{audit.op:<16} {audit.isa or 'default':<8}{audit.cases:8d} {len(audit.failures):8d}"
            f" {audit.relative_l2_ratio:10.2f} {audit.max_abs_ratio:10.2f}"
        )
    return "\n".join(lines)


def run_cases(
    runner: Path, name: str, cases: Sequence[Case], isa: str | None, options: list[str]
) -> list[Tensors]:
    """The outputs of each case of the named operator, in the order of the cases."""
    with tempfile.TemporaryDirectory(prefix="hewn-audit-") as folder:
        question, answer = Path(folder, "cases.safetensors"), Path(folder, "outputs.safetensors")
        _write_cases(question, name, cases)
        run_program([runner, question, answer, *options], {"HEWN_ISA": isa} if isa else None)
        outputs: list[Tensors] = [{} for _ in cases]
        for tensor_name, tensor in safetensors_file.read(answer).tensors.items():
            index, _, output = tensor_name.partition(".")
            if not index.isdecimal() or int(index) >= len(cases):
                raise ToolError(f"{runner.name}: expected <id>.<output>, but got {tensor_name}")
            outputs[int(index)][output] = tensor
        return outputs


def as_json(audits: Sequence[OperatorAudit]) -> str:
    """The figures as a JSON document; an infinite ratio becomes null."""
    rows = [
        {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(audit).items()
        }
        for audit in audits
    ]
    return json.dumps({"operators": rows}, indent=2)


def _audit_operator(
    runner: Path,
    name: str,
    operator: Operator,
    cases: Sequence[Case],
    isa: str | None,
    options: list[str],
) -> OperatorAudit:
    try:
        answers = run_cases(runner, name, cases, isa, options)
    except ToolError as error:
        # One operator that cannot be run is a finding, not a reason to leave out the others.
        return OperatorAudit(name, isa, len(cases), 0.0, 0.0, [str(error)])
    verdicts = [judge(operator, *pair) for pair in zip(cases, answers, strict=True)]
    failures = [
        f"case {index}: {verdict.failure}; {cases[index].describe()}"
        for index, verdict in enumerate(verdicts)
        if verdict.failure
    ]
    return OperatorAudit(
        name,
        isa,
        len(cases),
        max(verdict.relative_l2_ratio for verdict in verdicts),
        max(verdict.max_abs_ratio for verdict in verdicts),
        failures,
    )


def _write_cases(path: Path, name: str, cases: Sequence[Case]) -> None:
    listing = [
        {"id": str(index), "op": name, "params": case.params} for index, case in enumerate(cases)
    ]
    tensors = {
        f"{index}.{argument}": tensor
        for index, case in enumerate(cases)
        for argument, tensor in case.tensors.items()
    }
    safetensors_file.write(path, tensors, {"cases": json.dumps(listing)})
