"""Audits SuperPoint: `hewn keypoints` against PyTorch on the same weights and the same input."""

import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.audit.distance import Distance, distance, quotient
from weights_tools.audit.keypoint_json import check_report
from weights_tools.audit.keypoints import KeypointComparison, compare_keypoints
from weights_tools.audit.program import run_program
from weights_tools.errors import ToolError
from weights_tools.nets.superpoint import CELL, SuperPointOutput, superpoint
from weights_tools.nets.superpoint_keypoints import KeypointOptions

# The project's promise for every dense output, at any of the sizes it is tested at.
RELATIVE_L2_LIMIT = 2e-5

# 8-bit gray times 1/255 instead of divided by 255: one more rounding, of a number up to 1.
_PIXEL_TOLERANCE = 2.0**-23

_LOSSLESS_FORMATS = ("PNG", "PPM")


@dataclass(frozen=True)
class HewnRun:
    """What one run of `hewn keypoints` left behind."""

    dump: dict[str, Tensor]
    trace: dict[str, Tensor]
    report: Any


@dataclass(frozen=True)
class LayerRow:
    """One layer's distance to PyTorch in float64: hewn's, and PyTorch's own in float32."""

    name: str
    hewn: Distance
    pytorch: Distance

    @property
    def max_abs_ratio(self) -> float:
        return quotient(self.hewn.max_abs, self.pytorch.max_abs)

    @property
    def relative_l2_ratio(self) -> float:
        return quotient(self.hewn.relative_l2, self.pytorch.relative_l2)


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
    sampling = _descriptor_sampling(weights, contents.metadata)
    picture = _open_picture(image)
    run = _run_hewn(hewn, weights, image, extra_options)
    if "input" not in run.trace:
        raise ToolError("hewn --trace: expected the tensor input, but it is missing")

    disagreements = _check_input(run.trace["input"], picture)

    truth = _run_pytorch(contents.tensors, run.trace["input"], torch.float64)
    pytorch = _run_pytorch(contents.tensors, run.trace["input"], torch.float32)
    expected = _named_outputs(truth)
    actual = _named_outputs(pytorch)
    layers = _compare_layers(run.trace | run.dump, actual, expected, disagreements)
    keypoints = compare_keypoints(run.dump, pytorch, sampling, KeypointOptions())
    disagreements += keypoints.disagreements()
    disagreements += check_report(run.report, run.dump["keypoints"], run.dump["keypoint_scores"])
    return SuperPointAudit(layers, keypoints, disagreements)


def as_json(audit: SuperPointAudit) -> str:
    """The comparison as a JSON document; an infinite ratio becomes null."""
    layers = [
        {
            "name": row.name,
            "hewn": asdict(row.hewn),
            "pytorch_float32": asdict(row.pytorch),
            "max_abs_ratio": _finite(row.max_abs_ratio),
            "relative_l2_ratio": _finite(row.relative_l2_ratio),
        }
        for row in audit.layers
    ]
    document = {
        "layers": layers,
        "keypoints": asdict(audit.keypoints),
        "disagreements": audit.disagreements,
    }
    return json.dumps(document, indent=2)


def as_table(audit: SuperPointAudit) -> str:
    """The comparison as text, one line a layer."""
    lines = [
        "distance to PyTorch in float64    max-abs                        relative L2",
        "layer                  hewn   PyTorch     ratio       hewn   PyTorch     ratio",
    ]
    for row in audit.layers:
        lines.append(
            f"{row.name:<16} {row.hewn.max_abs:10.2e}{row.pytorch.max_abs:10.2e}"
            f"{row.max_abs_ratio:10.2f} {row.hewn.relative_l2:10.2e}"
            f"{row.pytorch.relative_l2:10.2e}{row.relative_l2_ratio:10.2f}"
        )
    return "\n".join([*lines, "", audit.keypoints.summary()])


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
    named = {name: tensor for name, tensor in output.trace.items() if name != "input"}
    named |= {"semi": output.semi, "scores": output.scores}
    if output.descriptors is not None:
        named["descriptors"] = output.descriptors
    return named


def _compare_layers(
    hewn: Mapping[str, Tensor],
    pytorch: Mapping[str, Tensor],
    truth: Mapping[str, Tensor],
    disagreements: list[str],
) -> list[LayerRow]:
    rows: list[LayerRow] = []
    for name, expected in truth.items():
        if name not in hewn:
            raise ToolError(f"hewn --dump and --trace: expected the tensor {name}, it is missing")
        if hewn[name].shape != expected.shape:
            raise ToolError(
                f"hewn's {name}: expected the shape {tuple(expected.shape)}, "
                f"but it is {tuple(hewn[name].shape)}"
            )
        row = LayerRow(name, distance(hewn[name], expected), distance(pytorch[name], expected))
        rows.append(row)
        if not row.hewn.relative_l2 <= RELATIVE_L2_LIMIT:  # so that NaN fails too
            disagreements.append(
                f"{name}: relative L2 distance {row.hewn.relative_l2:.2e} to PyTorch's float64, "
                f"expected at most {RELATIVE_L2_LIMIT:.0e}"
            )
    return rows


def _check_input(traced: Tensor, picture: Image.Image) -> list[str]:
    """The traced input must be the picture; its values are compared where no decoder has a say."""
    expected = (1, 1, picture.height, picture.width)
    if traced.shape != expected:
        raise ToolError(
            f"hewn --trace: expected input of the shape {expected}, but it is {tuple(traced.shape)}"
        )
    if picture.mode != "L" or picture.format not in _LOSSLESS_FORMATS:
        return []
    pixels = torch.from_numpy(np.asarray(picture, dtype=np.float64) / 255.0)
    error = distance(traced[0, 0], pixels).max_abs
    if error <= _PIXEL_TOLERANCE:
        return []
    return [f"input: differs from the picture's gray / 255 by {error:.2e}"]


def _open_picture(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, SyntaxError) as error:  # Pillow raises either for a damaged file
        raise ToolError(f"{path}: cannot be read as a picture: {error}") from error
    if min(picture.size) < CELL:
        raise ToolError(
            f"{path}: expected at least {CELL} x {CELL} pixels, "
            f"but it is {picture.width} x {picture.height}"
        )
    return picture


def _descriptor_sampling(path: Path, metadata: Mapping[str, str]) -> str:
    if metadata.get("hewn.model") != "superpoint":
        raise ToolError(
            f"{path}: expected hewn.model superpoint in the metadata, "
            f"but it is {metadata.get('hewn.model', 'missing')}"
        )
    try:
        return str(json.loads(metadata["hewn.config"])["descriptor_sampling"])
    except (KeyError, TypeError, ValueError) as error:
        raise ToolError(f"{path}: hewn.config names no descriptor_sampling") from error


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
