"""Checkpoints of image completion with random weights, made once for all tests."""

from functools import cache

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert.random_completion import random_checkpoint, random_discriminators


@cache
def checkpoint(order: str, channels: int = 4) -> Checkpoint:
    """Not to be changed: copy its tensors first."""
    random = random_checkpoint(order, seed=7)
    first = random.tensors["conv1.weight"]
    return Checkpoint("in.pth", "", random.tensors | {"conv1.weight": first[:, :channels]})


@cache
def discriminators(order: str) -> Checkpoint:
    """Not to be changed either."""
    return random_discriminators(order, seed=7)
