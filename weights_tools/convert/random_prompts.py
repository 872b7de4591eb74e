"""Learned prompts with random values, for tests: as large as what they take the place of.

Then leaving one out, or taking one for another, shows in the features.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert.clip import Sizes
from weights_tools.convert.prompts import COCOOP, COOP, IVLP, MAPLE, VPT
from weights_tools.errors import ToolError

_DEFAULT_LENGTHS = {COOP: 16, COCOOP: 4, VPT: 8, IVLP: 4, MAPLE: 2}
_DEPTH = 9

# Of the embedding of texts, of tokens between the blocks of either tower, and of the image tower's
# tokens before its first norm.
_CONTEXT, _DEEP, _IMAGE = 0.05, 1.0, 0.3
_META_NET_REDUCTION = 16


@dataclass(frozen=True)
class Amounts:
    """None for the method's own."""

    length: int | None = None
    depth: int | None = None
    classes: int | None = None


def random_checkpoint(method: str, sizes: Sizes, amounts: Amounts, seed: int) -> Checkpoint:
    """Under the names in which the method is published; the same seed gives the same tensors."""
    length = amounts.length or _DEFAULT_LENGTHS[method]
    blocks = min(sizes.image.blocks, sizes.text.blocks)
    depth = amounts.depth or min(_DEPTH, blocks)
    if depth > blocks:
        raise ToolError(f"--depth: expected at most the {blocks} blocks of CLIP, but got {depth}")
    if method in (COOP, COCOOP) and amounts.depth is not None:
        raise ToolError(f"--depth: {method} has prompts before the first block alone")
    if method != COOP and amounts.classes is not None:
        raise ToolError(f"--classes: only coop has a context for each class, not {method}")
    generator = torch.Generator().manual_seed(seed)

    def draw(deviation: float, *shape: int) -> Tensor:
        return deviation * torch.randn(shape, generator=generator)

    tensors: dict[str, Tensor] = {}
    text, image = sizes.text.width, sizes.image.width
    if method == COOP:
        classes = () if amounts.classes is None else (amounts.classes,)
        tensors["ctx"] = draw(_CONTEXT, *classes, length, text)
    if method == COCOOP:
        hidden = max(sizes.embedding // _META_NET_REDUCTION, 1)
        tensors["ctx"] = draw(_CONTEXT, length, text)
        # The features it reads have length 1.
        tensors["meta_net.linear1.weight"] = draw(1.0, hidden, sizes.embedding)
        tensors["meta_net.linear1.bias"] = draw(0.1, hidden)
        tensors["meta_net.linear2.weight"] = draw(_CONTEXT * hidden**-0.5, text, hidden)
        tensors["meta_net.linear2.bias"] = draw(0.1 * _CONTEXT, text)
    if method in (IVLP, MAPLE):
        tensors["prompt_learner.ctx"] = draw(_CONTEXT, length, text)
    if method in (VPT, IVLP):
        tensors["image_encoder.VPT"] = draw(_IMAGE, length, image)
        for i in range(1, depth):
            block = f"transformer.resblocks.{i}.VPT_shallow"
            tensors[f"image_encoder.{block}"] = draw(_DEEP, length, image)
            if method == IVLP:
                tensors[f"text_encoder.{block}"] = draw(_DEEP, length, text)
    if method == MAPLE:
        tensors["prompt_learner.proj.weight"] = draw(_IMAGE / _CONTEXT * text**-0.5, image, text)
        tensors["prompt_learner.proj.bias"] = draw(0.1 * _IMAGE, image)
        for i in range(depth - 1):
            tensors[f"prompt_learner.compound_prompts_text.{i}"] = draw(_DEEP, length, text)
            coupling = f"prompt_learner.compound_prompt_projections.{i}"
            tensors[f"{coupling}.weight"] = draw(_DEEP * text**-0.5, image, text)
            tensors[f"{coupling}.bias"] = draw(0.1 * _DEEP, image)
    return Checkpoint(f"random {method}, seed {seed}", "", tensors)
