"""RAFT with random weights, made once for all tests, and a pair of pictures."""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert import raft as converter
from weights_tools.convert.random_raft import random_checkpoint
from weights_tools.nets.raft import VARIANTS, Raft


@cache
def checkpoint(variant: str) -> Checkpoint:
    """Not to be changed: copy its tensors first."""
    return random_checkpoint(VARIANTS[variant], seed=7)


@cache
def network(variant: str) -> Raft:
    """The network of a converted file, in float64."""
    tensors, _ = converter.convert(checkpoint(variant))
    return loaded(Raft(VARIANTS[variant], folded=True), tensors)


def loaded(net: Raft, tensors: dict[str, Tensor]) -> Raft:
    """In float64, with these tensors."""
    net.double().load_state_dict(tensors)
    return net


def pictures(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Smooth noise, and the same with other noise in it, moved by (4, -2)."""
    generator = torch.Generator().manual_seed(11)
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=generator, dtype=torch.float64)
    fine = torch.rand(2, 3, height, width, generator=generator, dtype=torch.float64)
    first = 200 * F.interpolate(coarse, (height, width), mode="bilinear") + 50 * fine[:1]
    return first, (0.9 * first + 20 * fine[1:]).roll((-2, 4), dims=(2, 3))
