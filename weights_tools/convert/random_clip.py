"""CLIP checkpoints with random weights, for tests, at the scale of a trained network.

Attention is neither uniform nor at a single token: of 200 the greatest has about a fifth. What a
block adds is less than what it adds to, so activations grow by a small factor from the first block
to the last. Texts start as small as trained ones, where the epsilon of the first norm counts.
"""

import math
import re

import torch
from torch import Generator, Tensor

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert.clip import Sizes, TowerSizes, specs
from weights_tools.convert.random_tensors import uniform

FORMS = {
    "vit-b-16": Sizes(TowerSizes(768, 3072, 12), TowerSizes(512, 2048, 12), 512, 16, 14, 49408, 77),
    "vit-b-32": Sizes(TowerSizes(768, 3072, 12), TowerSizes(512, 2048, 12), 512, 32, 7, 49408, 77),
    "vit-l-14": Sizes(
        TowerSizes(1024, 4096, 24), TowerSizes(768, 3072, 12), 768, 14, 16, 49408, 77
    ),
    "tiny": Sizes(TowerSizes(128, 512, 3), TowerSizes(64, 256, 2), 48, 8, 4, 49408, 77),
}

_LOGIT_DEVIATION = 2.5

# Deviations of what a layer makes of inputs of deviation 1; means over tokens, and what is left of
# activations, have less.
_GAINS = {
    "attn.out_proj.weight": 0.7,
    "mlp.c_fc.weight": 1.0,
    "mlp.c_proj.weight": 1.0,
    "visual.proj": 1.0,
    "text_projection": 1.0,
    "visual.conv1.weight": 0.5,
}
_EMBEDDINGS = {
    "token_embedding.weight": 0.02,
    "visual.positional_embedding": 0.2,
    "positional_embedding": 0.01,
    "visual.class_embedding": 0.2,
}

# OpenAI has stored these as float16: the parameters of convolutions, of linear layers and of
# attention, and both projections.
_HALF = re.compile(
    r".*(conv1\.weight|in_proj_\w+|(out_proj|c_fc|c_proj)\.\w+|visual\.proj|text_projection)"
)


def random_checkpoint(sizes: Sizes, seed: int, half: bool = False) -> Checkpoint:
    """The same seed gives the same tensors; with `half` they are stored as OpenAI's are."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {name: _random(name, spec.shape, generator) for name, spec in specs(sizes).items()}
    if half:
        tensors = {name: t.half() if _HALF.fullmatch(name) else t for name, t in tensors.items()}
    return Checkpoint(f"random CLIP, seed {seed}", "", tensors)


def _random(name: str, shape: tuple[int, ...], generator: Generator) -> Tensor:
    if name == "logit_scale":
        return torch.tensor(math.log(100))
    if name.endswith("bias"):
        return uniform(shape, -0.1, 0.1, generator)
    if ".ln_" in name or name.startswith("ln_"):
        return uniform(shape, 0.8, 1.2, generator)
    values = torch.randn(shape, generator=generator)
    if name.endswith("in_proj_weight"):
        return values * _joint_deviations(shape)
    for end, deviation in _EMBEDDINGS.items():
        if name == end:
            return deviation * values
    gain = next(gain for end, gain in _GAINS.items() if name.endswith(end))
    inputs = shape[0] if name.endswith(("visual.proj", "text_projection")) else math.prod(shape[1:])
    return gain * inputs**-0.5 * values


def _joint_deviations(shape: tuple[int, ...]) -> Tensor:
    """A column: query and key for logits of their deviation, the value for one of 1."""
    width = shape[1]
    of_each = torch.tensor([_LOGIT_DEVIATION**0.5, _LOGIT_DEVIATION**0.5, 1.0])
    return (of_each * width**-0.5).repeat_interleave(width)[:, None]
