"""Audits image completion: `hewn complete` against PyTorch on the same weights and input."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.audit import layer_rows, pictures
from weights_tools.audit.layer_rows import LayerRow, check_shape
from weights_tools.audit.program import run_program
from weights_tools.convert.completion import load_network
from weights_tools.nets.completion import (
    LAST,
    Preparation,
    completed,
    completion,
    cropped,
    prepared,
)

# The project's promise for every dense output, at any of the sizes it is tested at.
RELATIVE_L2_LIMIT = 2e-5


@dataclass(frozen=True)
class CompletionAudit:
    """The whole comparison; `disagreements` is empty when hewn passes."""

    layers: list[LayerRow]
    disagreements: list[str]


@dataclass(frozen=True)
class _HewnRun:
    dump: dict[str, Tensor]
    trace: dict[str, Tensor]


def audit_completion(
    hewn: Path, weights: Path, image: Path, mask: Path, extra_options: list[str]
) -> CompletionAudit:
    """Runs hewn and PyTorch and compares every layer, and what becomes of the picture."""
    tensors, preparation = load_network(weights)
    picture = pictures.open_picture(image, minimum=1)
    hole = pictures.open_mask(mask, picture)
    run = _run_hewn(hewn, weights, image, mask, extra_options)

    disagreements = _check_input(run.trace, picture, hole, preparation)

    def pytorch(dtype: torch.dtype) -> dict[str, Tensor]:
        cast = {name: tensor.to(dtype) for name, tensor in tensors.items()}
        with torch.inference_mode():
            trace = completion(cast, run.trace["input"].to(dtype))
        del trace["input"]
        return trace | {"raw": cropped(trace[LAST], hole)}

    layers = layer_rows.compare_layers(
        run.trace | run.dump,
        pytorch(torch.float32),
        pytorch(torch.float64),
        limit=lambda _: RELATIVE_L2_LIMIT,
    )
    disagreements += layer_rows.beyond_limits(layers)
    disagreements += _check_dump(run, picture, hole)
    return CompletionAudit(layers, disagreements)


def as_json(audit: CompletionAudit) -> str:
    """The comparison as a JSON document; an infinite ratio becomes null."""
    document = {
        "layers": layer_rows.as_documents(audit.layers),
        "disagreements": audit.disagreements,
    }
    return json.dumps(document, indent=2)


def as_table(audit: CompletionAudit) -> str:
    """The comparison as text, one line a layer."""
    return layer_rows.as_table(audit.layers)


def check_known(result: Tensor, picture: Image.Image, hole: Tensor) -> list[str]:
    """Outside of the hole a completed picture is the picture, to the bit."""
    check_shape({"completed": result}, "completed", (1, 3, picture.height, picture.width))
    if not pictures.is_exact(picture, pictures.COLOUR_MODES):
        return []
    expected = completed(pictures.unit_values(picture, "RGB").float(), hole, result)
    changed = int((result != expected).any(dim=1).sum())
    return [f"completed: {changed} pixels outside of the hole differ"] if changed else []


def _run_hewn(
    hewn: Path, weights: Path, image: Path, mask: Path, extra_options: list[str]
) -> _HewnRun:
    with tempfile.TemporaryDirectory(prefix="hewn-audit-") as folder:
        dump, trace = Path(folder, "dump.safetensors"), Path(folder, "trace.safetensors")
        command = [hewn, "complete", image, "--mask", mask, "--weights", weights]
        command += ["--postprocess", "none", "--quiet", "--dump", dump, "--trace", trace]
        run_program([*command, *extra_options])
        return _HewnRun(safetensors_file.read(dump).tensors, safetensors_file.read(trace).tensors)


def _check_input(
    trace: Mapping[str, Tensor], picture: Image.Image, hole: Tensor, preparation: Preparation
) -> list[str]:
    """The traced input must be the prepared picture; values are compared where they are exact."""
    expected = prepared(pictures.unit_values(picture, "RGB"), hole, preparation)
    check_shape(trace, "input", tuple(expected.shape))
    if not pictures.is_exact(picture, pictures.COLOUR_MODES):
        return []
    what = f"the picture, {preparation.form} and padded"
    return pictures.difference(trace["input"], expected, what)


def _check_dump(run: _HewnRun, picture: Image.Image, hole: Tensor) -> list[str]:
    """The picture is kept, the hole filled, and what is traced and dumped is the same."""
    check_shape(run.dump, "completed", (1, 3, picture.height, picture.width))
    result, raw = run.dump["completed"], run.dump["raw"]
    lines = check_known(result, picture, hole)
    if not torch.equal(result, completed(result, hole, raw)):
        lines.append("completed: in the hole it differs from raw")
    if not torch.equal(raw, cropped(run.trace[LAST], hole)):
        lines.append(f"raw: differs from {LAST} of the trace")
    return lines
