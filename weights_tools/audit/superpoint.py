"""Audits SuperPoint: `hewn keypoints` against PyTorch on the same weights and the same input."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.audit import layer_rows, pictures
from weights_tools.audit.keypoint_json import check_report
from weights_tools.audit.keypoints import KeypointComparison, compare_keypoints
from weights_tools.audit.layer_rows import LayerRow
from weights_tools.audit.program import run_program
from weights_tools.checkpoints import canonical_config
from weights_tools.errors import ToolError
from weights_tools.nets.superpoint import CELL, POOLED, SuperPointOutput, superpoint
from weights_tools.nets.superpoint_keypoints import KeypointOptions

# The project's promise for every dense output, at any of the sizes it is tested at.
RELATIVE_L2_LIMIT = 2e-5


@dataclass(frozen=True)
class HewnRun:
    """What one run of `hewn keypoints` left behind."""

    dump: dict[str, Tensor]
    trace: dict[str, Tensor]
    report: Any


@dataclass(frozen=True)
class SuperPointAudit:
    """The whole comparison; `disagreements` is empty when hewn passes."""

    layers: list[LayerRow]
    keypoints: KeypointComparison
    disagreements: list[str]


def audit_superpoint(
    hewn: Path, weights: Path, image: Path, extra_options: list[str]
) -> SuperPointAudit:
    """Runs hewn and PyTorch and compares every layer, the dense outputs and the keypoints."""
    contents = safetensors_file.read(weights)
    sampling = str(
        canonical_config(weights, contents.metadata, "superpoint", "descriptor_sampling")
    )
    picture = pictures.open_picture(image, minimum=CELL)
    run = _run_hewn(hewn, weights, image, extra_options)

    disagreements = _check_input(run.trace, picture)

    truth = _run_pytorch(contents.tensors, run.trace["input"], torch.float64)
    pytorch = _run_pytorch(contents.tensors, run.trace["input"], torch.float32)
    expected = _named_outputs(truth)
    actual = _named_outputs(pytorch)
    layers = layer_rows.compare_layers(
        run.trace | run.dump, actual, expected, limit=lambda _: RELATIVE_L2_LIMIT
    )
    disagreements += layer_rows.beyond_limits(layers)
    keypoints = compare_keypoints(run.dump, pytorch, sampling, KeypointOptions())
    disagreements += keypoints.disagreements()
    disagreements += check_report(run.report, run.dump["keypoints"], run.dump["keypoint_scores"])
    return SuperPointAudit(layers, keypoints, disagreements)


def as_json(audit: SuperPointAudit) -> str:
    """The comparison as a JSON document; an infinite ratio becomes null."""
    document = {
        "layers": layer_rows.as_documents(audit.layers),
        "keypoints": asdict(audit.keypoints),
        "disagreements": audit.disagreements,
    }
    return json.dumps(document, indent=2)


def as_table(audit: SuperPointAudit) -> str:
    """The comparison as text, one line a layer."""
    return f"{layer_rows.as_table(audit.layers)}\n\n{audit.keypoints.summary()}"


def _run_hewn(hewn: Path, weights: Path, image: Path, extra_options: list[str]) -> HewnRun:
    with tempfile.TemporaryDirectory(prefix="hewn-audit-") as folder:
        dump, trace = Path(folder, "dump.safetensors"), Path(folder, "trace.safetensors")
        report = Path(folder, "keypoints.json")
        command = [hewn, "keypoints", image, "--weights", weights]
        command += ["--dump", dump, "--trace", trace, "--json", report]
        run_program([*command, *extra_options])
        try:
            keypoints = json.loads(report.read_text())
        except (OSError, ValueError) as error:
            raise ToolError(f"hewn --json: expected a JSON document: {error}") from error
        dumped, traced = safetensors_file.read(dump), safetensors_file.read(trace)
        return HewnRun(dumped.tensors, traced.tensors, keypoints)


def _run_pytorch(
    weights: Mapping[str, Tensor], image: Tensor, dtype: torch.dtype
) -> SuperPointOutput:
    cast = {name: tensor.to(dtype) for name, tensor in weights.items()}
    with torch.inference_mode():
        return superpoint(cast, image.to(dtype))


def _named_outputs(output: SuperPointOutput) -> dict[str, Tensor]:
    """What hewn shows too: where a convolution writes 2x2 maxima, it never has the map before."""
    named = {
        name: tensor
        for name, tensor in output.trace.items()
        if name != "input" and name + POOLED not in output.trace
    }
    named |= {"semi": output.semi, "scores": output.scores}
    if output.descriptors is not None:
        named["descriptors"] = output.descriptors
    return named


def _check_input(trace: Mapping[str, Tensor], picture: Image.Image) -> list[str]:
    """The traced input must be the picture; its values are compared where no decoder has a say."""
    layer_rows.check_shape(trace, "input", (1, 1, picture.height, picture.width))
    if not pictures.is_exact(picture, modes=("L",)):
        return []
    expected = pictures.unit_values(picture, "L")
    return pictures.difference(trace["input"], expected, "the picture's gray / 255")
