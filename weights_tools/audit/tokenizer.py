"""Audits hewn's tokenizer of CLIP against open_clip's, text by text.

hewn takes UTF-8 at its word, and leaves out ftfy's guess at text that was decoded wrongly; so
open_clip is run without that switch (`fix_encoding`), and how often it matters is counted.
"""

import html
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from weights_tools import torchvision_operators
from weights_tools.audit.program import run_program
from weights_tools.audit.tokenizer_texts import Text, every_entity, left_out, random_texts
from weights_tools.errors import ToolError

_MOST_SHOWN = 20
_ARGUMENT_BYTES = 100_000  # of texts on one command line: well below any system's limit


@dataclass(frozen=True)
class Tokens:
    """A text's tokens from start to end of text, and whether some are missing."""

    tokens: list[int]
    truncated: bool


@dataclass
class Count:
    """Of one kind of text."""

    texts: int = 0
    disagreements: int = 0
    guesses: int = 0  # texts that open_clip by default has other tokens for: fix_encoding


@dataclass(frozen=True)
class TokenizerAudit:
    """The whole comparison; `disagreements` is empty when hewn passes."""

    counts: dict[str, Count]
    left_out: list[str]
    disagreements: list[str]


class OpenClip:
    """open_clip's tokenizer, as it is and without fix_encoding."""

    def __init__(self) -> None:
        import ftfy
        from open_clip.tokenizer import SimpleTokenizer, whitespace_clean

        config = ftfy.TextFixerConfig(fix_encoding=False, explain=False)

        def clean(text: str) -> str:
            text = html.unescape(html.unescape(ftfy.fix_text(text, config)))
            return whitespace_clean(text.strip()).lower()

        self._default, self._without_guess = SimpleTokenizer(), SimpleTokenizer()
        self._without_guess.clean_fn = clean

    def without_guess(self, text: str) -> Tokens:
        return self._tokens(self._without_guess, text)

    def default(self, text: str) -> Tokens:
        return self._tokens(self._default, text)

    @staticmethod
    def _tokens(tokenizer: Any, text: str) -> Tokens:
        count = len(tokenizer.encode(text)) + 2
        row = tokenizer(text)[0].tolist()
        return Tokens(row[:count], count > len(row))


def load_open_clip() -> OpenClip | None:
    """None where open_clip is not installed."""
    torchvision_operators.declare_missing()
    try:
        return OpenClip()
    except ImportError:
        return None


def audit_tokenizer(
    hewn: Path, weights: Path, open_clip: OpenClip, count: int, seed: int
) -> TokenizerAudit:
    """Compares `count` random texts, and every HTML entity."""
    texts = [*random_texts(count, seed), *every_entity()]
    counts: dict[str, Count] = {}
    disagreements: list[str] = []
    for text, got in zip(texts, _run_hewn(hewn, weights, texts), strict=True):
        expected = open_clip.without_guess(text.text)
        kind = counts.setdefault(text.kind, Count())
        kind.texts += 1
        kind.guesses += open_clip.default(text.text) != expected
        if got != expected:
            kind.disagreements += 1
            disagreements.append(
                f"{text.kind}: {text.text!a}: open_clip has {expected}, hewn {got}"
            )
    return TokenizerAudit(counts, left_out(), disagreements)


def as_json(audit: TokenizerAudit) -> str:
    return json.dumps(asdict(audit), indent=2)


def as_table(audit: TokenizerAudit) -> str:
    lines = [f"{'texts':30}{'compared':>10}{'different':>11}{'fix_encoding':>14}"]
    total = Counter[str]()
    for kind, count in audit.counts.items():
        lines.append(_row(kind, **asdict(count)))
        total.update(asdict(count))
    lines.append(_row("all", **total))
    lines += [f"left out: {reason}" for reason in audit.left_out]
    guesses = total["guesses"]
    lines.append(
        f"fix_encoding: open_clip by default has other tokens for {guesses} of these texts, "
        f"because ftfy takes them for wrongly decoded; compared is open_clip without that"
    )
    return "\n".join(lines)


def _row(kind: str, texts: int, disagreements: int, guesses: int) -> str:
    return f"{kind:30}{texts:10}{disagreements:11}{guesses:14}"


def shown(disagreements: list[str]) -> list[str]:
    """The first of them, and how many more there are."""
    more = len(disagreements) - _MOST_SHOWN
    return disagreements[:_MOST_SHOWN] + ([f"and {more} more"] if more > 0 else [])


def _run_hewn(hewn: Path, weights: Path, texts: list[Text]) -> list[Tokens]:
    """Lines of a file where it can be, arguments where a text has lines of its own."""
    results: dict[str, Tokens] = {}
    with tempfile.TemporaryDirectory(prefix="hewn-audit-") as folder:

        def tokenize(batch: list[str], *arguments: str | Path) -> None:
            report = Path(folder, "tokens.json")
            command = [hewn, "tokenize", "--weights", weights, "--quiet", "--json", report]
            run_program([*command, *arguments])
            results.update(zip(batch, _read_report(report, batch), strict=True))

        lines = [text.text for text in texts if "\n" not in text.text]
        path = Path(folder, "texts.txt")
        path.write_bytes("".join(line + "\n" for line in lines).encode())
        tokenize(lines, "--texts-file", path)
        for batch in _batches(text.text for text in texts if "\n" in text.text):
            tokenize(batch, "--", *batch)
    return [results[text.text] for text in texts]


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        size += len(text.encode())
        if batch and size > _ARGUMENT_BYTES:
            yield batch
            batch, size = [], len(text.encode())
        batch.append(text)
    if batch:
        yield batch


def _read_report(path: Path, texts: list[str]) -> list[Tokens]:
    try:
        entries = json.loads(path.read_text())["texts"]
        got = [entry["text"] for entry in entries]
        tokens = [Tokens(entry["tokens"], entry["truncated"]) for entry in entries]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ToolError(f"{path.name}: expected the JSON of hewn tokenize: {error!r}") from error
    if got != texts:
        raise ToolError(
            f"{path.name}: expected the {len(texts)} texts that went in, in their order"
        )
    return tokens
