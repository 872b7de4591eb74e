"""Texts that tokenizers trip over, drawn at random, by kind."""

import html.entities
import random
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

# utf8proc 2.8 knows Unicode 15.0, and `regex` is often ahead: what one takes for a letter another
# does not know. So random characters are those of Python's tables, where these are old enough.
_KNOWN_TO_ALL = ("14.0.0", "15.0.0")
_NO_CHARACTERS = "\ufdd0\ufffe\uffff\U0001fffe\U0010ffff"  # and never will be


@dataclass(frozen=True)
class Text:
    """A text and the kind of trouble that it is."""

    kind: str
    text: str


def random_texts(count: int, seed: int) -> Iterator[Text]:
    """`count` texts of all kinds in turn, the same for the same seed."""
    source = random.Random(seed)
    kinds = _kinds()
    for i in range(count):
        kind = list(kinds)[i % len(kinds)]
        text = kinds[kind](source)
        while not _has_known_characters(text):
            text = kinds[kind](source)
        yield Text(kind, _passable(text))


def every_entity() -> Iterator[Text]:
    """The names of HTML, each alone, within a word, and in capitals."""
    for name in html.entities.html5:
        yield Text("every entity", f"&{name} x&{name}y &{name.upper()} <&{name}")


def left_out() -> list[str]:
    """The kinds that cannot be compared here, each with the reason."""
    version = unicodedata.unidata_version
    if version in _KNOWN_TO_ALL:
        return []
    return [f"{', '.join(_OF_ANY_CHARACTER)}: this Python's Unicode is {version}, too new for some"]


def _has_known_characters(text: str) -> bool:
    """References to characters, within each other as well, may be to any."""
    while (unescaped := html.unescape(text)) != text:
        text = unescaped
    return all(unicodedata.category(c) != "Cn" or c in _NO_CHARACTERS for c in text)


def _passable(text: str) -> str:
    """A text of several lines goes to hewn as an argument, where not everything can be."""
    if "\n" not in text:
        return text
    text = text.replace("\0", "")
    return text + " " if text.startswith("[") and text.endswith("]") else text


_Draw = Callable[[random.Random], str]

_RANGES: dict[str, list[tuple[int, int]]] = {
    "Latin": [(0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x250, 0x2AF), (0x1E00, 0x1EFF)],
    "Greek": [(0x391, 0x3A1), (0x3A3, 0x3CE), (0x3A3, 0x3A3), (0x1F00, 0x1F15), (0x1FB2, 0x1FB4)],
    "Cyrillic": [(0x400, 0x52F)],
    "Arabic": [(0x621, 0x64A), (0x64B, 0x652), (0x660, 0x669), (0xFE70, 0xFE74)],
    "Hebrew": [(0x5D0, 0x5EA), (0x5B0, 0x5BD), (0xFB1D, 0xFB36)],
    "Devanagari": [(0x904, 0x939), (0x93C, 0x94D), (0x958, 0x95F), (0x966, 0x96F)],
    "Thai": [(0xE01, 0xE3A), (0xE40, 0xE4E), (0xE50, 0xE59)],
    "Chinese and Japanese": [
        (0x4E00, 0x9FFF),
        (0x3041, 0x3096),
        (0x30A1, 0x30FA),
        (0xF900, 0xFA6D),
    ],
    "Hangul": [(0xAC00, 0xD7A3), (0x1100, 0x1112), (0x1161, 0x1175), (0x11A7, 0x11C2)],
    "Turkish": [(0x130, 0x131), (0x49, 0x49), (0x69, 0x69), (0x11E, 0x11F), (0x15E, 0x15F)],
    "marks": [(0x300, 0x34E), (0x345, 0x345), (0x61, 0x7A), (0x3B1, 0x3C9), (0x591, 0x5AF)],
}
_SPACES = [" ", "  ", "\r\n", *"\t\n\r\v\f\x1c\x1f\x85\xa0\u1680", *map(chr, range(0x2000, 0x200C))]
_SPACES += [*"\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"]
_PUNCTUATION = [*".,;:!?-_/()[]{}<>\"'#%&*+=@\\^`|~$", "...", "--", "·", "¿", "—", "€", "„"]
_WORDS = ["a", "photo", "of", "the", "cat", "Dog", "LARGE", "don't", "it's", "origami", "2024", "x"]
_CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE", "'Ve", "'LL", "'D"]
_CONTRACTIONS += [
    "'\u017f",
    "\u2019s",
    "\u2018d",
    "\u02bcm",
    "\uff07ll",
    "''s",
    "'sS",
    "'",
    "'l",
    "'r e",
]
_SPECIAL = [
    "<start_of_text>",
    "<end_of_text>",
    "<END_OF_TEXT>",
    "<\u017ftart_of_text>",
    "<|endoftext|>",
]
_SPECIAL += ["&lt;end_of_text&gt;", "<end_of_text", "!<end_of_text>", "</w>", "<start_of_text >"]
_QUOTES = [
    *"\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f'\"`\u00b4\u00ab\u00bb\u2039\u203a\u02bc\u2032\u2033\uff02\uff07",
    "&rsquo;",
    "&ldquo",
    "&#x201c;",
]
_LIGATURES = [*"ĲĳŉǱǲǳǄǅǆǇǈǉǊǋǌﬀﬁﬂﬃﬄﬅﬆŒœßẞﬓﬗ"]
_EMOJI = [
    *"😀🐈🚀❤☀✂1#",
    "❤️",
    "👩‍🚀",
    "👨‍👩‍👧‍👦",
    "👍🏽",
    "🇩🇪",
    "1️⃣",
    "🏴󠁧󠁢󠁷󠁬󠁳󠁿",
    "🏳️‍🌈",
    "🧑🏿‍🤝‍🧑🏻",
    "\ufe0f",
    "\u200d",
]
_ESCAPES = ["\x1b[31m", "\x1b[0m", "\x1b[1;3٣4m", "\x1b[", "\x1b", "\x1b[;;K", "\x1b[x", "\x1b[3 m"]


def _kinds() -> dict[str, _Draw]:
    kinds = {script: _of_script(ranges) for script, ranges in _RANGES.items()}
    kinds |= {
        "accents": _accents,
        "emoji": _of_pieces(_EMOJI),
        "contractions": _of_pieces(_CONTRACTIONS),
        "control characters": _controls,
        "quotes": _of_pieces(_QUOTES),
        "ligatures": _of_pieces(_LIGATURES),
        "widths": _widths,
        "white space": _of_pieces(_SPACES),
        "special tokens": _of_pieces(_SPECIAL),
        "long words": _long_word,
        "wrongly decoded": _wrongly_decoded,
        "everything": _everything,
    }
    if unicodedata.unidata_version in _KNOWN_TO_ALL:
        return kinds | _OF_ANY_CHARACTER
    return kinds


def _characters(source: random.Random, ranges: list[tuple[int, int]], count: int) -> str:
    return "".join(chr(source.randint(*source.choice(ranges))) for _ in range(count))


def _joined(source: random.Random, pieces: list[str]) -> str:
    """With nothing, white space or punctuation between the pieces."""
    text = ""
    for piece in pieces:
        chance = source.random()
        if chance < 0.5:
            text += source.choice(_SPACES) if chance < 0.15 else " "
        elif chance < 0.65:
            text += source.choice(_PUNCTUATION)
        text += piece
    return text


def _of_script(ranges: list[tuple[int, int]]) -> _Draw:
    def draw(source: random.Random) -> str:
        words = [
            _characters(source, ranges, source.randint(1, 8)) for _ in range(source.randint(1, 8))
        ]
        return _joined(source, words)

    return draw


def _of_pieces(pieces: list[str]) -> _Draw:
    def draw(source: random.Random) -> str:
        count = source.randint(1, 12)
        return _joined(
            source, [source.choice(source.choice([_WORDS, pieces])) for _ in range(count)]
        )

    return draw


def _accents(source: random.Random) -> str:
    """Composed, decomposed, or a mixture."""
    text = _of_script(_RANGES[source.choice(["Latin", "Greek", "Cyrillic"])])(source)
    form = source.choice(["NFC", "NFD", "NFKD", "NFKC"])
    return "".join(unicodedata.normalize(form, c) if source.random() < 0.8 else c for c in text)


def _entities(source: random.Random) -> str:
    """Right, broken, in capitals, without semicolons, and within each other."""

    def number() -> str:
        few = [(0, 0x2FF), (0x7E, 0xA1), (0xD7F0, 0xE010), (0x10FFF0, 0x11FFFF)]
        ranges = [*few, *[(ord(c), ord(c)) for c in source.choices(_all_characters(), k=4)]]
        value = source.randint(*source.choice(ranges))
        zeros = "0" * source.choice([0, 0, 0, 2, 30])
        return (
            f"#{zeros}{value}"
            if source.random() < 0.5
            else f"#{source.choice('xX')}{zeros}{value:x}"
        )

    def entity() -> str:
        name = source.choice(_entity_names()) if source.random() < 0.6 else number()
        change = source.random()
        if change < 0.15:
            name = name.upper()
        elif change < 0.25:
            name = name[: source.randint(0, len(name))]
        elif change < 0.3:
            name += source.choice(["x", "1", "é", "#"])
        text = "&" + name + (";" if source.random() < 0.7 else source.choice(["", " ", "=", "a"]))
        for _ in range(source.choice([0, 0, 0, 1, 2, 5])):
            text = text.replace("&", source.choice(["&amp;", "&AMP;", "&#38;", "&amp"]))
        return text

    pieces = [entity() if source.random() < 0.7 else source.choice(_WORDS) for _ in range(6)]
    bracket = source.choice(["", "", "", "<b>", "\n<", "<\n"])
    return _joined(source, [*pieces[:3], bracket, *pieces[3:]])


@cache
def _entity_names() -> list[str]:
    return [name.rstrip(";") for name in html.entities.html5]


def _controls(source: random.Random) -> str:
    pieces = [*_ESCAPES, *map(chr, range(0x20)), *map(chr, range(0x7F, 0xA1))]
    pieces += map(chr, [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)])
    return _of_pieces([*pieces, "\ufffa", "\ufffc", "\ufffd", "\xad"])(source)


def _widths(source: random.Random) -> str:
    return _characters(
        source, [(0xFF01, 0xFF5E), (0xFF5F, 0xFFEE), (0x3000, 0x3000), (0x20, 0x7E)], 20
    )


def _long_word(source: random.Random) -> str:
    letters = source.choice(["ab", "aehlot", "abcdefghijklmnopqrstuvwxyz", "!?.", "äöü", "猫犬"])
    return "".join(source.choice(letters) for _ in range(source.randint(50, 2000)))


def _wrongly_decoded(source: random.Random) -> str:
    """UTF-8 that somebody took for another encoding."""
    text = _of_script(_RANGES["Latin"])(source) + source.choice("—\u2019…éü")
    return text.encode().decode(source.choice(["latin-1", "cp1252", "cp437"]), "replace")


def _everything(source: random.Random) -> str:
    kinds = {name: draw for name, draw in _kinds().items() if draw is not _everything}
    parts = [source.choice(list(kinds.values()))(source) for _ in range(4)]
    return "".join(part[: source.randint(1, 40)] for part in parts)


def _random_characters(source: random.Random) -> str:
    return _joined(source, ["".join(source.choices(_all_characters(), k=3)) for _ in range(5)])


@cache
def _all_characters() -> list[str]:
    """What is assigned, on all planes, and some that never will be."""
    unassigned = ("Cn", "Cs")
    characters = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in unassigned]
    # A quarter of a million of them are for private use or Chinese and Korean: the others are
    # worth more.
    others = [c for c in characters if unicodedata.category(c) not in ("Lo", "Co")]
    return characters + 20 * others + 100 * list(_NO_CHARACTERS)


_OF_ANY_CHARACTER: dict[str, _Draw] = {
    "entities": _entities,
    "random characters": _random_characters,
}
