"""Audits what fills a hole without a network, and what blends a network's filling in.

The fast marching method (Telea, 2004) is held against OpenCV's, which works on bytes and visits
pixels in an order of its own: the two are alike, but not the same. Poisson blending has one
solution, and is held against that.
"""

import json
import math
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.audit import pictures
from weights_tools.audit.completion import check_known
from weights_tools.audit.layer_rows import check_shape
from weights_tools.audit.poisson import PoissonEquation
from weights_tools.audit.program import run_program
from weights_tools.errors import ToolError

TELEA_RADIUS = 1  # pixels around a pixel that have a say in it, as in hewn
# Two implementations that choose differently where the definition leaves a choice
# (models/tasks/inpainting/README.md) are nearer to each other than to the truth. Half as far, at
# most: over photographs it is a tenth to two fifths.
TELEA_SHARE_OF_ERROR = 0.5
POISSON_RESIDUAL_LIMIT = 1e-6

_GRAY_LEVELS = 255


@dataclass(frozen=True)
class TeleaFigures:
    """Of hewn and OpenCV, in gray levels; the signal-to-noise ratios (dB) are to the original."""

    mean_difference: float
    rms_difference: float
    max_difference: float
    opencv_rms_error: float
    hewn_psnr: float
    opencv_psnr: float


@dataclass(frozen=True)
class PoissonFigures:
    """Relative residuals |A f - b| / |b|, and the largest difference of the solutions."""

    hewn_residual: float
    rounded_residual: float  # of our own solution in float32: what no float32 can be below
    max_difference: float


@dataclass(frozen=True)
class InpaintingAudit:
    """The whole comparison; `disagreements` is empty when hewn passes."""

    telea: TeleaFigures
    poisson: PoissonFigures
    disagreements: list[str]


def audit_inpainting(
    hewn: Path, image: Path, mask: Path, extra_options: list[str]
) -> InpaintingAudit:
    """Runs hewn with either postprocessing, on random weights, and the independent ones."""
    picture = pictures.open_picture(image, minimum=1)
    hole = pictures.open_mask(mask, picture)
    if not 0 < hole.mean() < 1:
        raise ToolError(f"{mask}: expected a mask with a hole and with something around it")
    marched = _run_hewn(hewn, image, mask, "fmm", extra_options)
    blended = _run_hewn(hewn, image, mask, "poisson", extra_options)

    telea, lines = _compare_telea(marched, picture, hole)
    poisson, more_lines = _compare_poisson(blended, picture, hole)
    return InpaintingAudit(telea, poisson, lines + more_lines)


def as_json(audit: InpaintingAudit) -> str:
    """The comparison as a JSON document; an infinite ratio becomes null."""
    telea = {
        name: value if math.isfinite(value) else None for name, value in asdict(audit.telea).items()
    }
    document = {
        "telea": telea,
        "poisson": asdict(audit.poisson),
        "disagreements": audit.disagreements,
    }
    return json.dumps(document, indent=2)


def as_table(audit: InpaintingAudit) -> str:
    telea, poisson = audit.telea, audit.poisson
    return (
        f"fast marching: {telea.mean_difference:.2f} gray levels from OpenCV's in the mean, "
        f"{telea.rms_difference:.2f} RMS (OpenCV's error: {telea.opencv_rms_error:.2f}), "
        f"{telea.max_difference:.1f} at most;\n"
        f"  to the original hewn {telea.hewn_psnr:.2f} dB, OpenCV {telea.opencv_psnr:.2f} dB\n"
        f"Poisson blending: relative residual {poisson.hewn_residual:.1e}, "
        f"of the solution in float32 {poisson.rounded_residual:.1e};\n"
        f"  {poisson.max_difference:.1e} from the solution at most"
    )


def _run_hewn(
    hewn: Path, image: Path, mask: Path, way: str, extra_options: list[str]
) -> dict[str, Tensor]:
    with tempfile.TemporaryDirectory(prefix="hewn-audit-") as folder:
        dump = Path(folder, "dump.safetensors")
        command = [hewn, "complete", image, "--mask", mask, "--random-weights", "1"]
        run_program([*command, "--postprocess", way, "--dump", dump, "--quiet", *extra_options])
        return safetensors_file.read(dump).tensors


def _compare_telea(
    dump: dict[str, Tensor], picture: Image.Image, hole: Tensor
) -> tuple[TeleaFigures, list[str]]:
    check_shape(dump, "completed", (1, 3, picture.height, picture.width))
    lines = check_known(dump["completed"], picture, hole)

    def in_hole(values: Tensor) -> Tensor:
        return _GRAY_LEVELS * values.double()[:, :, hole[0, 0].bool()]

    original = in_hole(pictures.unit_values(picture, "RGB"))
    hewn, opencv = in_hole(dump["completed"]), in_hole(_opencv_telea(picture, hole))
    difference = (hewn - opencv).abs()
    figures = TeleaFigures(
        float(difference.mean()),
        float(difference.square().mean().sqrt()),
        float(difference.max()),
        float((opencv - original).square().mean().sqrt()),
        _psnr(hewn, original),
        _psnr(opencv, original),
    )
    limit = TELEA_SHARE_OF_ERROR * figures.opencv_rms_error
    if not figures.rms_difference <= limit:  # so that NaN fails too
        lines.append(
            f"fast marching: {figures.rms_difference:.2f} gray levels (RMS) from OpenCV's, "
            f"expected at most {limit:.2f}, half of OpenCV's own error"
        )
    return figures, lines


def _opencv_telea(picture: Image.Image, hole: Tensor) -> Tensor:
    try:
        import cv2  # this audit alone needs it
    except ImportError as error:
        raise ToolError("no OpenCV: pip install -r weights_tools/requirements.txt") from error
    colour = np.asarray(picture.convert("RGB"))
    bytes_of_mask = hole[0, 0].to(torch.uint8).numpy()
    filled = cv2.inpaint(colour, bytes_of_mask, TELEA_RADIUS, cv2.INPAINT_TELEA)
    return pictures.unit_values(Image.fromarray(filled), "RGB")


def _psnr(values: Tensor, original: Tensor) -> float:
    """Peak signal-to-noise ratio in decibels."""
    error = float((values - original).square().mean())
    return 10 * math.log10(_GRAY_LEVELS**2 / error) if error > 0 else math.inf


def _compare_poisson(
    dump: dict[str, Tensor], picture: Image.Image, hole: Tensor
) -> tuple[PoissonFigures, list[str]]:
    for name in ("raw", "blended", "completed"):
        check_shape(dump, name, (1, 3, picture.height, picture.width))
    lines = check_known(dump["completed"], picture, hole)
    blended, inside = dump["blended"], hole.bool()
    clamped = torch.where(inside, blended.clamp(0, 1), dump["completed"])
    if not torch.equal(clamped, dump["completed"]):
        lines.append("completed: in the hole it differs from blended, clamped to 0 to 1")

    # Outside of the hole the completed picture is the picture.
    known, raw, f = (dump[name][0].double().numpy() for name in ("completed", "raw", "blended"))
    equation = PoissonEquation(known, hole[0, 0].numpy(), raw)
    solution = equation.solve()
    figures = PoissonFigures(
        equation.relative_residual(f),
        equation.relative_residual(solution.astype(np.float32).astype(np.float64)),
        float(np.abs(f - solution)[:, equation.hole > 0].max()),
    )
    if not figures.hewn_residual < POISSON_RESIDUAL_LIMIT:
        lines.append(
            f"blended: relative residual {figures.hewn_residual:.1e} of Poisson's equation, "
            f"expected less than {POISSON_RESIDUAL_LIMIT:.0e}"
        )
    return figures, lines
