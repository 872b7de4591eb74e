"""Byte pair encoding of few words, as CLIP's tokenizer wants it (Sennrich et al., 2016)."""

import itertools
from collections import Counter
from collections.abc import Iterable

import torch
from torch import Tensor

from weights_tools.convert.merges import FIRST_MERGE

_FIRST_BYTE = ord("!")  # of token 0
_AT_END = 256  # added to a byte's token at the end of a word


def learn_merges(words: Iterable[str], most: int = 1000) -> Tensor:
    """int64 [merges, 2]: merge i joins two tokens to token 512 + i.

    The commonest pair is merged again and again, until each word of printable ASCII is one token
    or there are `most` merges. A pair that would make what another made already is passed over.
    """
    counts = Counter(words)
    parts = {word: [ord(letter) - _FIRST_BYTE for letter in word] for word in counts}
    for tokens in parts.values():
        tokens[-1] += _AT_END
    made: dict[int, str] = {}
    merges: list[tuple[int, int]] = []

    def text(token: int) -> str:
        return made.get(token) or f"{token} "  # a byte, in a form that concatenates uniquely

    while len(merges) < most:
        pairs: Counter[tuple[int, int]] = Counter()
        for word, tokens in parts.items():
            for pair in itertools.pairwise(tokens):
                if text(pair[0]) + text(pair[1]) not in made.values():
                    pairs[pair] += counts[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        token = FIRST_MERGE + len(merges)
        made[token] = text(best[0]) + text(best[1])
        merges.append(best)
        parts = {word: _merged(tokens, best, token) for word, tokens in parts.items()}
    return torch.tensor(merges, dtype=torch.int64).reshape(-1, 2)


def _merged(tokens: list[int], pair: tuple[int, int], token: int) -> list[int]:
    """With the pair joined wherever it is, from the left."""
    result: list[int] = []
    for following in tokens:
        if result and (result[-1], following) == pair:
            result[-1] = token
        else:
            result.append(following)
    return result
