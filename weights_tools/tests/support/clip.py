"""A checkpoint of a tiny CLIP, and what its conversion has to bring."""

from functools import cache

import torch
from torch import Tensor

from weights_tools.convert import clip
from weights_tools.convert.random_clip import FORMS, random_checkpoint
from weights_tools.nets.clip import OPENAI_MEAN, OPENAI_STD
from weights_tools.tests.support.tensors import assert_same

SIZES = FORMS["tiny"]
CONFIG = {
    "form": "openai",
    "activation": "quick_gelu",
    "image_heads": 2,
    "text_heads": 1,
    "mean": [*OPENAI_MEAN],
    "std": [*OPENAI_STD],
}


@cache
def published(half: bool = False) -> dict[str, Tensor]:
    """Under OpenAI's names. Not to be changed: copy it first."""
    return random_checkpoint(SIZES, seed=11, half=half).tensors


def extras() -> dict[str, Tensor]:
    """What OpenAI's files hold beside the weights."""
    sizes = {"input_resolution": 32, "context_length": 77, "vocab_size": 49408}
    return {name: torch.tensor(size) for name, size in sizes.items()}


def assert_same_weights(actual: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """And merges beside them."""
    assert clip.MERGES in actual
    assert_same({name: t for name, t in actual.items() if name != clip.MERGES}, expected)
