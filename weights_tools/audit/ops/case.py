"""What a random case is, what an operator of the audit consists of, and how cases are drawn."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from weights_tools.audit.distance import RATIO_LIMIT

Params = dict[str, Any]
Tensors = dict[str, Tensor]

_T = TypeVar("_T")

# Around the widths of vectors (4, 8, 16 floats) and of tiles, and the smallest sizes of all.
_EDGE_SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65)
_LARGE_EDGE_SIZES = (127, 128, 129, 255, 256, 257)


@dataclass(frozen=True)
class Case:
    """One call of an operator: its parameters, and its arguments in float32."""

    params: Params
    tensors: Tensors

    def describe(self) -> str:
        shapes = {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}
        return f"{self.params} {shapes}"


def magnitude_of_output(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    """The magnitude of an operator whose terms do not cancel: its output's own."""
    return y.abs()


def never(params: Params) -> bool:
    return False


def always(params: Params) -> bool:
    return True


def as_near_as_pytorch(params: Params) -> float:
    return RATIO_LIMIT


def no_more_outputs(case: Case, outputs: Tensors) -> str | None:
    return None


@dataclass(frozen=True)
class Operator:
    """How to draw a case of an operator, and how to judge the answer.

    reference(params, tensors) computes `y` in the tensors' own precision. magnitude(params,
    tensors, y), in float64, is the size of the terms that are summed to get each element of y: one
    rounding there, which no float32 evaluation escapes, moves y by the unit roundoff times it.
    Where exact(params), values are only selected or rounded once, and y must equal PyTorch's.
    ratio_limit(params) is how many times PyTorch's error hewn's may be in the L2 norm,
    max_abs_limit(params) the same for the largest difference. check_more says what is wrong with
    outputs beside y, or None.
    """

    draw: Callable[["Draw"], Case]
    reference: Callable[[Params, Tensors], Tensor]
    magnitude: Callable[[Params, Tensors, Tensor], Tensor] = magnitude_of_output
    exact: Callable[[Params], bool] = never
    ratio_limit: Callable[[Params], float] = as_near_as_pytorch
    max_abs_limit: Callable[[Params], float] = as_near_as_pytorch
    check_more: Callable[[Case, Tensors], str | None] = no_more_outputs


class Draw:
    """The random choices of one case; the same key always makes the same ones."""

    def __init__(self, key: str) -> None:
        self._random = random.Random(key)
        self._generator = torch.Generator().manual_seed(self._random.getrandbits(63))

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def choice(self, options: Sequence[_T]) -> _T:
        return self._random.choice(options)

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return self._random.randint(low, high)

    def number(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def size(self, limit: int) -> int:
        """A size from 1 to limit, mostly one at which kernels change their path."""
        if self.chance(0.3):
            return self.integer(1, limit)
        if limit >= _LARGE_EDGE_SIZES[0] and self.chance(0.5):
            return self.choice([size for size in _LARGE_EDGE_SIZES if size <= limit])
        return self.choice([size for size in _EDGE_SIZES if size <= limit])

    def batch(self) -> int:
        """A batch size, now and then 0."""
        return self.choice((0, *[1] * 12, *[2] * 5, 3, 3))

    def maps(self, channels: int, height: int, width: int) -> tuple[int, int, int, int]:
        """The shape of a batch of feature maps within these limits."""
        return (self.batch(), self.size(channels), self.size(height), self.size(width))

    def normal(self, *shape: int, scale: float = 1.0) -> Tensor:
        return scale * torch.randn(shape, generator=self._generator)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=self._generator)

    def salted(self, tensor: Tensor, values: Sequence[float] = ()) -> Tensor:
        """A copy with some elements replaced by NaN, both infinities, or the given values."""
        salt = torch.tensor(values or (float("nan"), float("inf"), float("-inf")))
        salted = tensor.clone().flatten()
        for _ in range(min(4, salted.numel())):
            salted[self.integer(0, salted.numel() - 1)] = salt[self.integer(0, len(salt) - 1)]
        return salted.reshape(tensor.shape)
