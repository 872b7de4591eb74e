"""Audits RAFT: `hewn flow` against PyTorch on the same weights and the same input.

Both run all iterations on their own, so the error of an iteration contains what the iterations
before it left behind.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from weights_tools import flow_file, safetensors_file
from weights_tools.audit import layer_rows, pictures
from weights_tools.audit.layer_rows import LayerRow, check_shape
from weights_tools.audit.program import run_program
from weights_tools.audit.raft_trace import traced_run
from weights_tools.convert.raft import load_network
from weights_tools.errors import ToolError
from weights_tools.nets.raft import CELL, MINIMUM_SIZE, Padding

# The project's promise for every dense output holds for the encoders.
ENCODER_LIMIT = 2e-5

# What errors may grow to over the iterations, in each of which they move the places that the next
# one looks up. It holds for what every iteration computes, and for the flow.
FLOW_LIMIT = 1e-4

# Of these iterations, and the last, the table shows the layers; all are compared.
_SHOWN_ITERATIONS = (1, 4)

# An error early on is in everything after it.
_NAMED_LAYERS = 5


@dataclass(frozen=True)
class FlowOptions:
    """What the audit itself must know of how hewn is run."""

    iterations: int = 20
    initial_flow: Path | None = None  # a .flo of the size of flow_low
    padding: str = "sintel"


@dataclass(frozen=True)
class RaftAudit:
    """The whole comparison; `disagreements` is empty when hewn passes."""

    layers: list[LayerRow]
    iterations: int
    disagreements: list[str]


@dataclass(frozen=True)
class _HewnRun:
    dump: dict[str, Tensor]
    trace: dict[str, Tensor]


def audit_raft(
    hewn: Path,
    weights: Path,
    images: tuple[Path, Path],
    options: FlowOptions,
    extra_options: list[str],
) -> RaftAudit:
    """Runs hewn and PyTorch and compares every layer and the flow of every iteration."""
    network = load_network(weights)
    pair = _open_pair(images)
    padding = Padding.for_size(pair[0].height, pair[0].width, options.padding)
    padded = _padded_size(pair[0], padding)
    initial_flow = _read_initial_flow(options.initial_flow, padded)
    run = _run_hewn(hewn, weights, images, options, extra_options)

    disagreements = _check_input(run.trace, pair, padding)
    disagreements += _check_dump(run, pair[0], padded, options.iterations)

    def pytorch(dtype: torch.dtype) -> dict[str, Tensor]:
        flow = None if initial_flow is None else initial_flow.to(dtype)
        inputs = run.trace["input"].to(dtype)
        return traced_run(network.to(dtype), inputs, padding, options.iterations, flow)

    flows = {f"{i}.flow": flow for i, flow in enumerate(run.dump["flows"].split(1))}
    layers = layer_rows.compare_layers(
        run.trace | flows, pytorch(torch.float32), pytorch(torch.float64), _limit
    )
    disagreements += _first(layer_rows.beyond_limits(layers))
    return RaftAudit(layers, options.iterations, disagreements)


def as_json(audit: RaftAudit) -> str:
    """The comparison as a JSON document, with the layers of all iterations."""
    document = {
        "layers": layer_rows.as_documents(audit.layers),
        "disagreements": audit.disagreements,
    }
    return json.dumps(document, indent=2)


def as_table(audit: RaftAudit) -> str:
    """The comparison as text, one line a layer."""
    shown = {None, *(done - 1 for done in (*_SHOWN_ITERATIONS, audit.iterations))}
    rows = [row for row in audit.layers if _iteration(row.name) in shown]
    note = f"i.layer is of iteration i of {audit.iterations}, counted from 0"
    return f"{layer_rows.as_table(rows)}\n\n{note}"


def _open_pair(images: tuple[Path, Path]) -> tuple[Image.Image, Image.Image]:
    first, second = (pictures.open_picture(image, minimum=1) for image in images)
    if first.size != second.size:
        raise ToolError(
            f"{images[1]}: expected {first.width} x {first.height} pixels like {images[0]}, "
            f"but it is {second.width} x {second.height}"
        )
    if any(-(-side // CELL) * CELL < MINIMUM_SIZE for side in first.size):
        raise ToolError(
            f"{images[0]}: expected at least {MINIMUM_SIZE} x {MINIMUM_SIZE} pixels with the "
            f"padding to multiples of {CELL}, but it is {first.width} x {first.height}"
        )
    return first, second


def _padded_size(picture: Image.Image, padding: Padding) -> tuple[int, int]:
    height = picture.height + padding.top + padding.bottom
    return height, picture.width + padding.left + padding.right


def _read_initial_flow(path: Path | None, padded: tuple[int, int]) -> Tensor | None:
    if path is None:
        return None
    flow = flow_file.read(path)
    height, width = (side // CELL for side in padded)
    if flow.shape != (1, 2, height, width):
        raise ToolError(
            f"{path}: expected {width} x {height} pixels, an eighth of the padded picture, "
            f"but it is {flow.shape[3]} x {flow.shape[2]}"
        )
    return flow


def _run_hewn(
    hewn: Path,
    weights: Path,
    images: tuple[Path, Path],
    options: FlowOptions,
    extra_options: list[str],
) -> _HewnRun:
    with tempfile.TemporaryDirectory(prefix="hewn-audit-") as folder:
        dump, trace = Path(folder, "dump.safetensors"), Path(folder, "trace.safetensors")
        command = [hewn, "flow", *images, "--weights", weights, "--all-iterations"]
        command += ["--iters", str(options.iterations), "--pad", options.padding]
        command += ["--dump", dump, "--trace", trace]
        if options.initial_flow is not None:
            command += ["--init", options.initial_flow]
        run_program([*command, *extra_options])
        return _HewnRun(safetensors_file.read(dump).tensors, safetensors_file.read(trace).tensors)


def _check_input(
    trace: dict[str, Tensor], pair: tuple[Image.Image, Image.Image], padding: Padding
) -> list[str]:
    """The traced input must be the padded pictures; values are compared where they are exact."""
    check_shape(trace, "input", (2, 3, *_padded_size(pair[0], padding)))
    if not all(pictures.is_exact(picture, pictures.COLOUR_MODES) for picture in pair):
        return []
    values = torch.cat([pictures.unit_values(picture, "RGB") for picture in pair])
    return pictures.difference(
        trace["input"], padding.pad(values), "the padded pictures' RGB / 255"
    )


def _check_dump(
    run: _HewnRun, picture: Image.Image, padded: tuple[int, int], iterations: int
) -> list[str]:
    """The dump's shapes; and what is dumped or traced twice must be the same, bit for bit."""
    size = picture.height, picture.width
    low = padded[0] // CELL, padded[1] // CELL
    check_shape(run.dump, "flow", (1, 2, *size))
    check_shape(run.dump, "flow_low", (1, 2, *low))
    check_shape(run.dump, "flows", (iterations, 2, *size))
    check_shape(run.dump, "flows_low", (iterations, 2, *low))
    lines = [
        f"{name}: differs from the last of {name.replace('flow', 'flows')}"
        for name in ("flow", "flow_low")
        if not torch.equal(run.dump[name][0], run.dump[name.replace("flow", "flows")][-1])
    ]
    for i, flow in enumerate(run.dump["flows_low"].split(1)):
        name = f"{i}.flow_low"
        check_shape(run.trace, name, (1, 2, *low))
        if not torch.equal(run.trace[name], flow):
            lines.append(f"{name}: the trace differs from flows_low of the dump")
    return lines


def _limit(name: str) -> float:
    return ENCODER_LIMIT if name.startswith(("fnet.", "cnet.")) else FLOW_LIMIT


def _iteration(name: str) -> int | None:
    """The iteration that a layer belongs to, from 0; None for the encoders."""
    number = name.partition(".")[0]
    return int(number) if number.isdecimal() else None


def _first(lines: list[str]) -> list[str]:
    more = len(lines) - _NAMED_LAYERS
    return lines if more <= 0 else [*lines[:_NAMED_LAYERS], f"{more} more layers"]
