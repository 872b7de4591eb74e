"""Poisson blending (Pérez, Gangnet, Blake, 2003) by conjugate gradients in float64.

The unknowns f are the pixels of the hole. For each of them, over its neighbours q in the picture,

    sum of (f_p - f_q) = sum of (g_p - g_q)

where g is the guide, and f_q the picture's own value where q is not in the hole.
"""

import numpy as np

_RELATIVE_RESIDUAL = 1e-13
_MOST_STEPS = 100_000


class PoissonEquation:
    """A f = b for pictures (channels, H, W) and a hole (H, W) of zeros and ones, all in float64.

    Some of the picture must be known, or f has no unique solution. f and b are 0 outside of the
    hole.
    """

    def __init__(self, picture: np.ndarray, hole: np.ndarray, guide: np.ndarray) -> None:
        self.hole = hole
        self.neighbours = _sum_of_neighbours(np.ones_like(hole))
        known = _sum_of_neighbours((1 - hole) * picture)
        self.right = hole * (self.neighbours * guide - _sum_of_neighbours(guide) + known)

    def left(self, f: np.ndarray) -> np.ndarray:
        """A f."""
        return self.hole * (self.neighbours * f - _sum_of_neighbours(f))

    def relative_residual(self, f: np.ndarray) -> float:
        """|A f - b| / |b| of the worst channel; of f the hole alone counts."""
        residual = self.left(np.where(self.hole > 0, f, 0)) - self.right
        return float(_quotient(_dot(residual, residual), _dot(self.right, self.right)).max() ** 0.5)

    def solve(self) -> np.ndarray:
        """f, by the method of Hestenes and Stiefel (1952), each channel with steps of its own."""
        f = np.zeros_like(self.right)
        residual = direction = self.right
        remaining = _dot(residual, residual)
        enough = _RELATIVE_RESIDUAL**2 * remaining
        for _ in range(_MOST_STEPS):
            if not (remaining > enough).any():  # so that NaN ends it too
                return f
            image = self.left(direction)
            step = _quotient(remaining, _dot(direction, image))
            f = f + step * direction
            residual = residual - step * image
            before, remaining = remaining, _dot(residual, residual)
            direction = residual + _quotient(remaining, before) * direction
        raise ArithmeticError(f"no solution of Poisson's equation after {_MOST_STEPS} steps")


def _sum_of_neighbours(x: np.ndarray) -> np.ndarray:
    """Of the pixels above, below, to the left and to the right, as far as there are any."""
    total = np.zeros_like(x)
    total[..., 1:, :] += x[..., :-1, :]
    total[..., :-1, :] += x[..., 1:, :]
    total[..., 1:] += x[..., :-1]
    total[..., :-1] += x[..., 1:]
    return total


def _dot(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x * y).sum(axis=(1, 2), keepdims=True)


def _quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """0 over 0 is 0: a channel that is solved stays as it is. NaN stays NaN."""
    return numerator / np.where(numerator == 0, 1, denominator)
