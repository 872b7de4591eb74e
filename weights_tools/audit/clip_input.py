"""What CLIP's towers are given: pictures as PIL prepares them, and texts as tokens."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from weights_tools.audit import pictures
from weights_tools.audit.tokenizer import load_open_clip
from weights_tools.errors import ToolError
from weights_tools.nets.clip import Settings
from weights_tools.nets.clip_tokens import Tokenizer

_COLOUR_MODES = ("L", "RGB")  # PIL does not blend the colours of a palette

# Of the 256 gray levels; float32 has each of them to 1e-4.
_ONE_LEVEL, _EQUAL = 1.001, 0.001


@dataclass(frozen=True)
class Comparison:
    """Of so many values or texts so many are not what they should be."""

    compared: int
    unequal: int
    disagreements: list[str]


def prepared(picture: Image.Image, side: int) -> Tensor:
    """Gray levels (3, side, side) as torchvision's Resize and CenterCrop make them of a picture.

    The shorter side becomes `side`, by bicubic interpolation that takes in all pixels.
    """
    short = min(picture.size)
    size = [side if length == short else int(side * length / short) for length in picture.size]
    resized = picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)
    left, top = (round((length - side) / 2) for length in size)
    middle = resized.crop((left, top, left + side, top + side)).convert("RGB")
    return torch.from_numpy(np.asarray(middle).copy()).permute(2, 0, 1)


def compare_pictures(
    inputs: Tensor, opened: Sequence[Image.Image], settings: Settings
) -> Comparison:
    """hewn's input (n, 3, side, side); values that depend on a picture's decoder are left out."""
    compared = unequal = 0
    lines: list[str] = []
    mean, std = (torch.tensor(c).double()[:, None, None] for c in (settings.mean, settings.std))
    for i, (values, picture) in enumerate(zip(inputs.double(), opened, strict=True)):
        if not pictures.is_exact(picture, _COLOUR_MODES):
            continue
        levels = 255 * (values * std + mean)
        error = (levels - prepared(picture, values.shape[-1])).abs()
        compared += error.numel()
        unequal += int((~(error <= _EQUAL)).sum())
        if not error.max() <= _ONE_LEVEL:
            lines.append(
                f"input: picture {i + 1} differs from what PIL makes of it by {error.max():.1f} "
                f"gray levels, expected at most 1"
            )
    return Comparison(compared, unequal, lines)


class ReferenceTokens:
    """Our tokenizer where the text is ASCII, open_clip's where it is not or a witness is wanted."""

    def __init__(self, merges: Tensor, witness: bool) -> None:
        self._ours, self._witness = Tokenizer(merges), witness
        self._open_clip = functools.cache(load_open_clip)  # which takes seconds

    def count(self, text: str) -> int:
        """How many tokens a text has without its ends."""
        if text.isascii():
            return len(self._ours.encode(text))
        open_clip = self._open_clip()
        if open_clip is None:
            raise ToolError(f"{text!r}: only open_clip, which is not installed, tells its tokens")
        return len(open_clip.without_guess(text).tokens) - 2

    def compare(self, actual: Tensor, texts: Sequence[str]) -> Comparison:
        """hewn's tokens (texts, 77)."""
        compared = 0
        lines: list[str] = []
        for text, row in zip(texts, actual, strict=True):
            expected = self._expected(text)
            compared += bool(expected)
            lines += [
                f"tokens: those of {text!r} are not {name}"
                for name, tokens in expected.items()
                if row.tolist() != tokens + [0] * (len(row) - len(tokens))
            ]
        return Comparison(compared, len(lines), lines)

    def _expected(self, text: str) -> dict[str, list[int]]:
        expected: dict[str, list[int]] = {}
        if text.isascii():
            row = self._ours.tokens([text])[0]
            expected["ours"] = row[: 1 + row.argmax()].tolist()
        if self._witness or not expected:
            open_clip = self._open_clip()
            if open_clip is not None:
                expected["open_clip's"] = open_clip.without_guess(text).tokens
        return expected
