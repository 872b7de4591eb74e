"""RAFT's correlation layer: how alike every two pixels are, and its lookup around a flow.

Places are pixel coordinates (x, y) of a feature map: an integer is the centre of a pixel.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 4

Lookup = Callable[[list[Tensor], Tensor, int], Tensor]


def correlation_pyramid(features1: Tensor, features2: Tensor, levels: int = LEVELS) -> list[Tensor]:
    """All pairs of pixels of two (N, C, h, w), each level l of (N, h, w, h >> l, w >> l).

    Element (n, i, j, k, l) of level 0 is the dot product of pixel (i, j) of the first map and
    (k, l) of the second, over sqrt(C). The next levels are means of 2 by 2 of the last two axes.
    """
    n, channels, h, w = features1.shape
    products = torch.einsum("ncij,nckl->nijkl", features1, features2)
    level = (products / channels**0.5).reshape(n * h * w, 1, h, w)
    pyramid = [level]
    for _ in range(levels - 1):
        level = F.avg_pool2d(level, kernel_size=2, stride=2)
        pyramid.append(level)
    return [level.reshape(n, h, w, *level.shape[-2:]) for level in pyramid]


def lookup(pyramid: list[Tensor], coordinates: Tensor, radius: int) -> Tensor:
    """Samples each pixel's own maps around `coordinates` (N, 2, h, w).

    With d = 2 * radius + 1, channel level * d * d + (dx + radius) * d + (dy + radius) of the
    result (N, levels * d * d, h, w) is the map of that level at (x, y) / 2**level + (dx, dy). The
    order of dx and dy is that of the public checkpoints, whose motion encoder is trained on it.
    """
    offsets = torch.arange(-radius, radius + 1, dtype=coordinates.dtype)
    dx, dy = (offset.flatten() for offset in torch.meshgrid(offsets, offsets, indexing="ij"))
    x, y = coordinates.unsqueeze(-1).unbind(dim=1)
    samples = [
        sample(maps, x / 2**level + dx, y / 2**level + dy) for level, maps in enumerate(pyramid)
    ]
    return torch.cat(samples, dim=-1).permute(0, 3, 1, 2)


def sample(maps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Bilinear values of maps (..., H, W) at places x, y (..., K); outside of a map all is zero."""
    height, width = maps.shape[-2:]
    pixels = maps.flatten(-2)

    def pixel(column: Tensor, row: Tensor) -> Tensor:
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        index = torch.where(inside, row * width + column, 0).long()
        return torch.where(inside, pixels.gather(-1, index), 0)

    left, top = x.floor(), y.floor()
    right_part, bottom_part = x - left, y - top
    upper = (1 - right_part) * pixel(left, top) + right_part * pixel(left + 1, top)
    lower = (1 - right_part) * pixel(left, top + 1) + right_part * pixel(left + 1, top + 1)
    return (1 - bottom_part) * upper + bottom_part * lower
