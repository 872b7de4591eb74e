"""Reads and writes .flo files, the flow fields of the Middlebury benchmark (Baker et al., 2011).

Little endian: the number 202021.25 as float32, width and height as int32, then (x, y) of each
pixel as float32, row by row.
"""

import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from weights_tools.errors import ToolError

_MAGIC = 202021.25
_HEADER = struct.Struct("<fii")


def read(path: Path) -> Tensor:
    """The flow as (1, 2, height, width), x before y."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: cannot be read: {error.strerror}") from error
    magic, width, height = _HEADER.unpack_from(data.ljust(_HEADER.size, b"\0"))
    if magic != _MAGIC or min(width, height) < 1:
        raise ToolError(f"{path}: expected a .flo file, but its first bytes are not those of one")
    expected = _HEADER.size + 2 * 4 * width * height
    if len(data) != expected:
        raise ToolError(
            f"{path}: expected {expected} bytes for {width} x {height} pixels, "
            f"but it has {len(data)}"
        )
    values = np.frombuffer(data, dtype="<f4", offset=_HEADER.size).astype(np.float32)
    return torch.from_numpy(values).reshape(1, height, width, 2).permute(0, 3, 1, 2)


def write(path: Path, flow: Tensor) -> None:
    """Writes a flow (1, 2, height, width)."""
    height, width = flow.shape[2:]
    values = flow[0].permute(1, 2, 0).numpy().astype("<f4")
    try:
        path.write_bytes(_HEADER.pack(_MAGIC, width, height) + values.tobytes())
    except OSError as error:
        raise ToolError(f"{path}: cannot be written: {error.strerror}") from error
