"""How far a float32 result is from the float64 truth."""

import math
from dataclasses import dataclass

from torch import Tensor

# Rounding to float32 changes a number by at most this part of it (half a unit in the last place).
UNIT_ROUNDOFF = 2.0**-24

# Nothing in hewn may be further from the truth than this many times PyTorch's own float32.
RATIO_LIMIT = 4.0


@dataclass(frozen=True)
class Distance:
    """The largest absolute difference, and the norm of the difference over that of the truth."""

    max_abs: float
    relative_l2: float


def distance(actual: Tensor, truth: Tensor) -> Distance:
    """The distance of two tensors of one shape; NaN anywhere makes it NaN."""
    if truth.numel() == 0:
        return Distance(0.0, 0.0)
    difference = actual.double() - truth.double()
    norm = difference.norm().item()
    return Distance(difference.abs().max().item(), quotient(norm, truth.double().norm().item()))


def quotient(numerator: float, denominator: float) -> float:
    """A ratio of two distances: 0 over 0 is 0, and anything else over 0 is infinite."""
    if numerator == 0.0:
        return 0.0
    return numerator / denominator if denominator != 0.0 else math.inf
