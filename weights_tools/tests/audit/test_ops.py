"""The operators' audit: with PyTorch in hewn's place it passes, and a spoilt answer fails."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from weights_tools.audit.__main__ import main
from weights_tools.audit.ops.case import Case, Draw
from weights_tools.audit.ops.judge import judge
from weights_tools.audit.ops.operators import OPERATORS
from weights_tools.audit.ops.selection import largest_first

StandIn = Callable[..., Path]

# Operators whose first element is seldom 0, NaN or infinite, which would hide a relative fault.
_SPOILABLE = ("conv2d", "softmax", "concat")


def test_pytorch_agrees_with_itself(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "ops.json"
    runner = stand_in("stand_in_op_runner")
    options = ["--cases", "12", "--seed", "1", "--threads", "1", "--json", str(report)]
    assert main(["ops", "--runner", str(runner), *options]) == 0
    rows = json.loads(report.read_text())["operators"]
    assert [row["op"] for row in rows] == list(OPERATORS)
    # The same library with the same threads, in another process: at most its own error.
    assert all(row["relative_l2_ratio"] <= 1.0 for row in rows)
    assert "hewn and PyTorch agree" in capsys.readouterr().out


def test_a_fault_is_found_in_every_case_and_instruction_set(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = stand_in("stand_in_op_runner", "--fault", "0.01")
    names = [word for name in _SPOILABLE for word in ("--op", name)]
    options = ["--cases", "8", "--isa", "avx2,scalar", "--runner", str(runner)]
    assert main(["ops", *names, *options]) == 1
    errors = capsys.readouterr().err
    for name in _SPOILABLE:
        assert f"{name} (avx2): case " in errors
        assert f"{name} (scalar): case " in errors


def test_a_runner_that_fails_is_reported_for_each_operator(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = stand_in("stand_in_op_runner", "--no-such-option")
    names = ["--op", "slice", "--op", "concat"]
    assert main(["ops", *names, "--cases", "2", "--runner", str(runner)]) == 1
    errors = capsys.readouterr().err
    assert "slice: stand_in_op_runner: exit status 2" in errors
    assert "concat: stand_in_op_runner: exit status 2" in errors


@pytest.mark.parametrize("name", OPERATORS)
def test_a_case_is_its_key(name: str) -> None:
    first, second = (OPERATORS[name].draw(Draw(f"9/{name}/4")) for _ in range(2))
    assert first.params == second.params
    for argument, tensor in first.tensors.items():
        assert torch.equal(tensor.nan_to_num(7.0), second.tensors[argument].nan_to_num(7.0))


@pytest.mark.parametrize("name", OPERATORS)
def test_cases_can_be_computed_and_travel(name: str) -> None:
    for index in range(40):
        case = OPERATORS[name].draw(Draw(f"2/{name}/{index}"))
        assert json.loads(json.dumps(case.params)) == case.params
        assert all(tensor.dtype == torch.float32 for tensor in case.tensors.values())
        assert OPERATORS[name].reference(case.params, case.tensors).dtype == torch.float32


# The judge.


def exp_of(*values: float) -> Case:
    return Case({"kind": "exp"}, {"x": torch.tensor(values)})


def test_four_half_units_in_the_last_place_pass_and_more_do_not() -> None:
    """exp(0) = 1, where PyTorch's error is 0 and the floor, half a unit at 1, takes its place."""
    unary = OPERATORS["unary"]
    unit = 2.0**-23
    assert judge(unary, exp_of(0.0), {"y": torch.tensor([1 + 2 * unit])}).failure is None
    failed = judge(unary, exp_of(0.0), {"y": torch.tensor([1 + 3 * unit])})
    assert failed.failure is not None
    assert failed.max_abs_ratio == pytest.approx(6.0)


@pytest.mark.parametrize("wrong", [1.0, math.inf, -math.inf])
def test_nan_must_stand_where_pytorch_has_it(wrong: float) -> None:
    verdict = judge(OPERATORS["unary"], exp_of(1.0, math.nan), {"y": torch.tensor([math.e, wrong])})
    assert verdict.failure is not None
    assert "differs at 1 of 2 places, first at (1,)" in verdict.failure


def test_infinities_have_a_sign() -> None:
    unary, case = OPERATORS["unary"], exp_of(math.inf)
    assert judge(unary, case, {"y": torch.tensor([math.inf])}).failure is None
    assert judge(unary, case, {"y": torch.tensor([-math.inf])}).failure is not None


def test_missing_and_misshapen_outputs() -> None:
    unary, case = OPERATORS["unary"], exp_of(0.0, 0.0)
    assert judge(unary, case, {}).failure == "expected the tensor y, but it is missing"
    failure = judge(unary, case, {"y": torch.ones(3)}).failure
    assert failure == "expected y of float32 (2,), but it is float32 (3,)"


def test_cancelling_terms_raise_the_floor() -> None:
    """1e4 - 1e4 + 1: no float32 sum owes more than the rounding of its terms."""
    case = Case(
        {"transpose_b": False},
        {"a": torch.tensor([[[1e4, -1e4, 1.0]]]), "b": torch.ones(1, 3, 1)},
    )
    rounded_once_at_1e4 = torch.full((1, 1, 1), 1.0 + 1e4 * 2.0**-24)
    assert judge(OPERATORS["matmul"], case, {"y": rounded_once_at_1e4}).failure is None


def test_one_output_of_winograds_may_stand_out() -> None:
    """1 + 1 with one output in a hundred off by 6 roundings of a term: 0.6 in the L2 norm."""
    geometry = {"stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1}
    tensors = {"x": torch.ones(1, 2, 10, 10), "weight": torch.ones(1, 2, 1, 1)}
    y = torch.full((1, 1, 10, 10), 2.0)
    y[0, 0, 3, 4] += 6 * 2 * 2.0**-24

    def failure(algorithm: str) -> str | None:
        case = Case({**geometry, "activation": "none", "algorithm": algorithm}, tensors)
        return judge(OPERATORS["conv2d"], case, {"y": y}).failure

    assert failure("auto") is None
    assert "6.0 (max-abs)" in str(failure("direct"))
    y += 7 * 2 * 2.0**-23
    assert "(L2)" in str(failure("auto"))


def test_topk_indices() -> None:
    x = torch.tensor([2.0, math.nan, 5.0, 2.0, 5.0])
    case = Case({"k": 4}, {"x": x})
    assert largest_first(case.params, case.tensors).tolist() == [1, 2, 4, 0]
    y = torch.tensor([math.nan, 5.0, 5.0, 2.0])
    topk = OPERATORS["topk"]
    assert judge(topk, case, {"y": y, "indices": torch.tensor([1, 2, 4, 0])}).failure is None
    for indices in ([1, 4, 2, 0], [1, 2, 4, 3]):
        verdict = judge(topk, case, {"y": y, "indices": torch.tensor(indices)})
        assert "ties by rising index" in str(verdict.failure)
    assert "int64 tensor indices" in str(judge(topk, case, {"y": y}).failure)
