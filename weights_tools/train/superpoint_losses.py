"""SuperPoint's two losses (DeTone et al., 2018, section 3.4)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.nets.superpoint import CELL

POSITIVE_MARGIN, NEGATIVE_MARGIN = 1.0, 0.2  # m_p and m_n
DUSTBIN = CELL * CELL


def detector_loss(semi: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    """Equation 2: cross-entropy over the 64 pixels and the dustbin, mean over the valid cells.

    `semi` (N, 65, h, w), `labels` (N, h, w) of 0 to 64, `valid` (N, h, w) of bool.
    """
    losses = F.cross_entropy(semi, labels, reduction="none")
    return losses[valid].mean()


def cell_labels(points: Tensor, height: int, width: int, generator: torch.Generator) -> Tensor:
    """The class (h, w) of each cell of a picture: one of its points (K, 2), or the dustbin."""
    labels = torch.full((height // CELL, width // CELL), DUSTBIN, dtype=torch.long)
    order = torch.randperm(len(points), generator=generator)
    x, y = points[order].round().long().unbind(dim=1)
    inside = (x >= 0) & (y >= 0) & (x < width // CELL * CELL) & (y < height // CELL * CELL)
    x, y = x[inside], y[inside]
    labels[y // CELL, x // CELL] = y % CELL * CELL + x % CELL
    return labels


def descriptor_loss(
    first: Tensor, second: Tensor, places: Tensor, moved: Tensor, apart: float = CELL
) -> tuple[Tensor, Tensor]:
    """Equation 5, as its two parts: (positive, negative).

    Dense descriptors of two pictures, (256, h, w) each, at places (K, 2) of the first and where
    these are in the second, in pixels. The paper pairs cells whose centres come within 8 pixels of
    each other; here each place meets its true partner by the bilinear sampling that inference has,
    so that descriptors are right between the centres too. Of the negatives, pairs more than `apart`
    pixels from each other, each place has the one most like it, either way (as HardNet has it;
    Mishchuk et al., 2017): that one decides about a match, and with all K * K of them, most below
    the margin, the weight that the paper gives by lambda_d would change from step to step.
    """
    similarity = _sampled(first, places) @ _sampled(second, moved).T
    positive = F.relu(POSITIVE_MARGIN - similarity.diagonal()).mean()
    others = similarity.masked_fill(torch.cdist(moved, moved) <= apart, -1)
    hardest = torch.cat([others.amax(dim=0), others.amax(dim=1)])
    negative = F.relu(hardest - NEGATIVE_MARGIN).mean()
    return positive, negative


def _sampled(descriptors: Tensor, places: Tensor) -> Tensor:
    """Unit vectors (K, 256), as nets.superpoint_keypoints samples them by the half-pixel rule."""
    size = places.new_tensor([descriptors.shape[2], descriptors.shape[1]]) * CELL
    grid = (places + 0.5) / size * 2 - 1
    sampled = F.grid_sample(descriptors[None], grid[None, None], align_corners=False)
    return F.normalize(sampled[0, :, 0], dim=0).T
