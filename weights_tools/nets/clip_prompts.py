"""Prompts that were learned for CLIP, by five methods, as tokens of the text and of the picture.

    coop     Zhou et al., 2022a: a context of the text, shared by all classes or one for each
    cocoop   Zhou et al., 2022b: a shared context, and a small network that adds to it what it makes
             of the picture
    vpt      Jia et al., 2022: tokens of the picture, before the first block or before several
    ivlp     tokens of the text and of the picture, independent of each other
    maple    Khattak et al., 2023: tokens of the text, and the picture's as linear maps of them

The canonical tensors, which weights_tools.convert writes, run in their precision, as the towers do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.nets.clip import (
    Settings,
    image_tower,
    logits,
    replaced,
    text_ends,
    text_tower,
    unit_length,
)

METHODS = ("coop", "cocoop", "vpt", "ivlp", "maple")
END, MIDDLE, FRONT = "end", "middle", "front"
CLASS_POSITIONS = (END, MIDDLE, FRONT)


@dataclass(frozen=True)
class LearnedPrompts:
    """A converted file: its tensors, and what they do not tell. Without tensors, CLIP as it is."""

    tensors: Mapping[str, Tensor]
    method: str | None = None
    template: str | None = None  # whose tokens are replaced; None where none of the text's are
    class_position: str = END
    labels: Sequence[str] | None = None

    def text(self) -> dict[int, Tensor]:
        return self._numbered(lambda i: self.tensors.get(f"text.prompts.{i}"))

    def image(self) -> dict[int, Tensor]:
        return self._numbered(self._image)

    def _image(self, i: int) -> Tensor | None:
        if f"coupling.{i}.weight" not in self.tensors:
            return self.tensors.get(f"image.prompts.{i}")
        weight, bias = (self.tensors[f"coupling.{i}.{part}"] for part in ("weight", "bias"))
        return F.linear(self.tensors[f"text.prompts.{i}"], weight, bias)

    def _numbered(self, get: Callable[[int], Tensor | None]) -> dict[int, Tensor]:
        prompts = {i: get(i) for i in range(len(self.tensors))}
        return {i: prompt for i, prompt in prompts.items() if prompt is not None}


@dataclass(frozen=True)
class Texts:
    """What is asked of a picture, as tokens."""

    tokens: Tensor  # (labels, templates, tokens)
    name_lengths: Sequence[int]  # tokens of each label's name, which may change its place


@dataclass(frozen=True)
class Answer:
    """Features of length 1, and the logits (pictures, labels)."""

    image_features: Tensor  # (pictures, embedding)
    text_features: Tensor  # (labels, embedding), or (pictures, labels, embedding) of cocoop
    logits: Tensor


def classify(
    weights: Mapping[str, Tensor],
    settings: Settings,
    prompts: LearnedPrompts,
    inputs: Tensor,
    texts: Texts,
    trace: dict[str, Tensor] | None = None,
) -> Answer:
    """Normalised pictures (n, 3, side, side) against all labels; `trace` is the image tower's."""
    images = unit_length(image_tower(weights, settings, inputs, prompts.image(), trace))
    features = text_features(weights, settings, prompts, texts, images)
    return Answer(images, features, logits(weights, images, features))


def text_features(
    weights: Mapping[str, Tensor],
    settings: Settings,
    prompts: LearnedPrompts,
    texts: Texts,
    image_features: Tensor,
) -> Tensor:
    """(labels, embedding), or (pictures, labels, embedding) where each picture has its context."""
    deep = prompts.text()
    context = deep.pop(0, None)
    tokens = texts.tokens.flatten(0, 1)
    embedded = weights["token_embedding.weight"][tokens]

    def run(embedded: Tensor) -> Tensor:
        features = text_tower(weights, settings, embedded, text_ends(tokens), deep)
        return ensemble(features.unflatten(0, texts.tokens.shape[:2]))

    if context is None:
        return run(embedded)
    if "meta_net.linear1.weight" in prompts.tensors:
        contexts = context + _meta_net(prompts.tensors, image_features)[:, None]
        return torch.stack([run(replaced(embedded, of_picture)) for of_picture in contexts])
    order = [
        _order(prompts.class_position, context.shape[-2], name, tokens.shape[1])
        for name in texts.name_lengths
    ]
    rows = torch.arange(len(tokens))[:, None]
    return run(replaced(embedded, context)[rows, torch.tensor(order)])


def ensemble(features: Tensor) -> Tensor:
    """Of (labels, templates, embedding) the mean over templates, each of length 1, as the mean."""
    return unit_length(unit_length(features).mean(dim=1))


def _meta_net(tensors: Mapping[str, Tensor], image_features: Tensor) -> Tensor:
    """What is added to each token of a picture's context: (pictures, text width)."""

    def linear(name: str, x: Tensor) -> Tensor:
        return F.linear(x, tensors[f"meta_net.{name}.weight"], tensors[f"meta_net.{name}.bias"])

    return linear("linear2", torch.relu(linear("linear1", image_features)))


def _order(class_position: str, context: int, name: int, tokens: int) -> list[int]:
    """In which order the tokens of a text are read that has its name behind the context.

    Whatever is behind the name, a full stop and end of text, stays where it is.
    """
    before = {END: context, MIDDLE: context // 2, FRONT: 0}[class_position]
    end = 1 + context + name
    names = range(1 + context, end)
    return [0, *range(1, 1 + before), *names, *range(1 + before, 1 + context), *range(end, tokens)]
