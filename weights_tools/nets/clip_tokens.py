"""CLIP's tokens of plain English texts.

Byte pair encoding by the merges of a converted file. Only ASCII is read: what other texts need
before they are split, open_clip's own tokenizer has, and the audit compares with it where it is
installed.
"""

import functools
import html
import itertools
import re
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from weights_tools.errors import ToolError
from weights_tools.nets.clip import CONTEXT_LENGTH

_WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+")
_FIRST = ord("!")  # the byte of token 0; those of ASCII follow in their order
_AT_END = 256  # what is added to a byte's token at the end of a word
_FIRST_MERGE = 512


class Tokenizer:
    """Merge i of a file joins two tokens to token 512 + i; the earliest is done first."""

    def __init__(self, merges: Tensor) -> None:
        self._merged = {
            pair: _FIRST_MERGE + i for i, pair in enumerate(map(tuple, merges.tolist()))
        }
        self._start = _FIRST_MERGE + len(merges)
        self._end = self._start + 1
        self._word = functools.cache(self._word_tokens)

    def encode(self, text: str) -> list[int]:
        """The tokens between start and end of text."""
        if not (text.isascii() and text.isprintable()):
            raise ToolError(f"{text!r}: expected a text of printable ASCII characters")
        words = _WORDS.findall(html.unescape(html.unescape(text)).lower())
        return [token for word in words for token in self._word(word)]

    def tokens(self, texts: Iterable[str]) -> Tensor:
        """(texts, 77) with start and end of text, zeros behind; what is too long is cut."""
        rows = [[self._start, *self.encode(text)][: CONTEXT_LENGTH - 1] for text in texts]
        return torch.tensor(
            [[*row, self._end] + [0] * (CONTEXT_LENGTH - 1 - len(row)) for row in rows]
        )

    def _word_tokens(self, word: str) -> Sequence[int]:
        tokens = [ord(character) - _FIRST for character in word]
        tokens[-1] += _AT_END
        while len(tokens) > 1:
            pairs = list(itertools.pairwise(tokens))
            merged = min(
                (self._merged[pair] for pair in pairs if pair in self._merged), default=None
            )
            if merged is None:
                break
            tokens = self._with(merged, tokens)
        return tokens

    def _with(self, merged: int, tokens: list[int]) -> list[int]:
        """The tokens with this merge done wherever it applies, from the left."""
        result: list[int] = []
        for token in tokens:
            if result and self._merged.get((result[-1], token)) == merged:
                result[-1] = merged
            else:
                result.append(token)
        return result
