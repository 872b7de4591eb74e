"""Opens the pictures that hewn is run on, and compares what hewn read with what Pillow reads."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from weights_tools.audit.distance import distance
from weights_tools.errors import ToolError

# A value of 8 bits times 1/255 instead of divided by 255: one more rounding, of a number up to 1.
_VALUE_TOLERANCE = 2.0**-23

_LOSSLESS_FORMATS = ("PNG", "PPM")

_HOLE_FROM = 128  # the least gray of the hole in a mask

COLOUR_MODES = ("L", "RGB", "P")


def open_picture(path: Path, minimum: int) -> Image.Image:
    """A picture, decoded, whose sides have at least so many pixels."""
    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, SyntaxError) as error:  # Pillow raises either for a damaged file
        raise ToolError(f"{path}: cannot be read as a picture: {error}") from error
    if min(picture.size) < minimum:
        raise ToolError(
            f"{path}: expected at least {minimum} x {minimum} pixels, "
            f"but it is {picture.width} x {picture.height}"
        )
    return picture


def open_mask(path: Path, picture: Image.Image) -> Tensor:
    """A mask of the picture's size: (1, 1, height, width), float64, 1 in the hole and 0 else."""
    mask = open_picture(path, minimum=1)
    if mask.size != picture.size:
        raise ToolError(
            f"{path}: expected {picture.width} x {picture.height} pixels like the picture, "
            f"but it is {mask.width} x {mask.height}"
        )
    gray = torch.from_numpy(np.asarray(mask.convert("L")).copy())
    return (gray >= _HOLE_FROM).double()[None, None]


def is_exact(picture: Image.Image, modes: tuple[str, ...]) -> bool:
    """Whether every decoder reads the same values, because none has a say in any of them."""
    return picture.mode in modes and picture.format in _LOSSLESS_FORMATS


def unit_values(picture: Image.Image, mode: str) -> Tensor:
    """Values 0 to 1 of the picture in this mode, float64: (1, channels, height, width)."""
    values = np.asarray(picture.convert(mode), dtype=np.float64) / 255
    return torch.from_numpy(values).reshape(1, picture.height, picture.width, -1).movedim(-1, 1)


def difference(traced: Tensor, expected: Tensor, what: str) -> list[str]:
    """A line when a traced input is not what was expected, but for one rounding."""
    error = distance(traced, expected).max_abs
    if error <= _VALUE_TOLERANCE:
        return []
    return [f"input: differs from {what} by {error:.2e}"]
