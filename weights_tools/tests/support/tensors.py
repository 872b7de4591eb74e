"""What tests of several networks do with tensors."""

from collections.abc import Mapping

import torch
from torch import Tensor


def relative_l2(actual: Tensor, expected: Tensor) -> float:
    """The norm of the difference over that of what was expected."""
    return float((actual - expected).norm() / expected.norm())


def double(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """In float64, but for whole numbers."""
    return {n: t.double() if t.is_floating_point() else t for n, t in tensors.items()}


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """To be changed, where the original is cached."""
    return {name: tensor.clone() for name, tensor in tensors.items()}


def assert_same(actual: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """The same names, types and values."""
    assert actual.keys() == expected.keys()
    for name, tensor in expected.items():
        assert actual[name].dtype == tensor.dtype, name
        assert torch.equal(actual[name], tensor), name
