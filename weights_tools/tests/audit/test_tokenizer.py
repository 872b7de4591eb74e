"""The tokenizer's audit, with a stand-in for hewn that is right, and one for each way to lie."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from weights_tools.audit import tokenizer
from weights_tools.audit.__main__ import main
from weights_tools.audit.tokenizer_texts import random_texts
from weights_tools.tests.support.stand_in_tokenize import CharacterTokenizer

StandIn = Callable[..., Path]


@pytest.fixture
def without_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in's tokenizer takes the place of open_clip's."""
    monkeypatch.setattr(tokenizer, "load_open_clip", CharacterTokenizer)


def audit(hewn: Path, *more: str) -> int:
    return main(["tokenizer", "--weights", "any", "--count", "100", "--hewn", str(hewn), *more])


def test_the_same_tokenizer_agrees(
    stand_in: StandIn,
    without_vocabulary: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "audit.json"
    assert audit(stand_in("stand_in_tokenize"), "--json", str(report)) == 0
    assert "hewn and open_clip agree" in capsys.readouterr().out
    document = json.loads(report.read_text())
    assert document["counts"]["Greek"] == {"texts": 4, "disagreements": 0, "guesses": 0}
    assert sum(count["texts"] for count in document["counts"].values()) == 100 + 2231
    assert document["disagreements"] == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("token", "disagreement: "),
        ("truncated", "disagreement: "),
        ("guess", "disagreement: "),
        ("missing-text", "texts that went in, in their order"),
        ("no-json", "expected the JSON of hewn tokenize: KeyError('texts')"),
        ("crash", "exit status 1: hewn: out of luck"),
    ],
)
def test_each_fault_is_found(
    fault: str,
    message: str,
    stand_in: StandIn,
    without_vocabulary: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert audit(stand_in("stand_in_tokenize", "--fault", fault)) == 1
    assert message in capsys.readouterr().err


def test_without_open_clip_it_is_skipped(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tokenizer, "load_open_clip", lambda: None)
    assert audit(stand_in("stand_in_tokenize")) == 0
    assert "SKIP tokenizer: open_clip is not installed" in capsys.readouterr().out


def test_open_clip_with_and_without_its_guess() -> None:
    pytest.importorskip("open_clip")
    open_clip = tokenizer.OpenClip()
    cat = tokenizer.Tokens([49406, 320, 2368, 49407], False)
    assert open_clip.default("A cat") == cat
    assert open_clip.without_guess("A cat") == cat
    long = open_clip.without_guess("cat " * 76)
    assert (len(long.tokens), long.tokens[-1], long.truncated) == (77, 49407, True)
    assert not open_clip.without_guess("cat " * 75).truncated
    assert open_clip.default("sÃ³") == open_clip.without_guess("só")
    assert open_clip.without_guess("sÃ³") != open_clip.without_guess("só")


def test_the_same_seed_gives_the_same_texts() -> None:
    assert list(random_texts(100, seed=5)) == list(random_texts(100, seed=5))
    assert list(random_texts(100, seed=5)) != list(random_texts(100, seed=6))


def test_long_lists_of_disagreements_are_cut() -> None:
    assert tokenizer.shown(["a", "b"]) == ["a", "b"]
    assert tokenizer.shown(["x"] * 50) == ["x"] * 20 + ["and 30 more"]
