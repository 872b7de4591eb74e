"""From SuperPoint's heat map and dense descriptors to keypoints and their descriptors.

The rules are those of the public implementations: Magic Leap's and, for the sampling called
half-pixel, the open reimplementation's.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.nets.superpoint import CELL


@dataclass(frozen=True)
class KeypointOptions:
    """What becomes a keypoint; distances in pixels."""

    nms_radius: int = 4
    threshold: float = 0.005
    border: int = 4
    max_keypoints: int | None = None


@dataclass(frozen=True)
class Keypoints:
    """K keypoints of one image, best first."""

    positions: Tensor  # (K, 2), x then y, in pixels from the centre of the top left one
    scores: Tensor  # (K)


def local_maxima(scores: Tensor, radius: int) -> Tensor:
    """The mask of the pixels of a heat map (H, W) that survive non-maximum suppression.

    A pixel survives when no other within `radius`, in x and in y, is higher. Then, twice, those
    that only a suppressed pixel outdid are recovered. Equal pixels survive together.
    """
    maxima = scores == _window_maximum(scores, radius)
    for _ in range(2):
        suppressed = _window_maximum(maxima.to(scores.dtype), radius) > 0
        remaining = torch.where(suppressed, torch.zeros_like(scores), scores)
        recovered = remaining == _window_maximum(remaining, radius)
        maxima = maxima | (recovered & ~suppressed)
    return maxima


def extract_keypoints(scores: Tensor, options: KeypointOptions) -> Keypoints:
    """The keypoints of a heat map (H, W), by falling score; equal ones in row-major order."""
    height, width = scores.shape
    kept = local_maxima(scores, options.nms_radius) & (scores > options.threshold)
    y, x = torch.nonzero(kept, as_tuple=True)
    inside = _within_border(x, width, options.border) & _within_border(y, height, options.border)
    y, x = y[inside], x[inside]
    values, order = torch.sort(scores[y, x], descending=True, stable=True)
    limit = options.max_keypoints
    positions = torch.stack([x, y], dim=1).to(scores.dtype)
    return Keypoints(positions[order][:limit], values[:limit])


def sample_descriptors(positions: Tensor, descriptors: Tensor, convention: str) -> Tensor:
    """Unit descriptors (K, 256) at positions (K, 2), from dense ones (256, h, w)."""
    _, height, width = descriptors.shape
    size = positions.new_tensor([width, height])
    if convention == "magicleap":
        grid = (positions - CELL / 2 + 0.5) / (size * CELL - CELL / 2 - 0.5) * 2 - 1
    elif convention == "half-pixel":
        grid = (positions + 0.5) / (size * CELL) * 2 - 1
    else:
        raise ValueError(f"unknown descriptor sampling {convention!r}")
    sampled = F.grid_sample(
        descriptors[None],
        grid[None, None],
        mode="bilinear",
        padding_mode="zeros",
        align_corners=convention == "magicleap",
    )
    return F.normalize(sampled[0, :, 0], dim=0).T


def _window_maximum(x: Tensor, radius: int) -> Tensor:
    # Padding with minus infinity is max_pool2d's own.
    return F.max_pool2d(x[None, None], 2 * radius + 1, stride=1, padding=radius)[0, 0]


def _within_border(coordinate: Tensor, size: int, border: int) -> Tensor:
    return (coordinate >= border) & (coordinate < size - border)
