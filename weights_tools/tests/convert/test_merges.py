"""The list of merges: as it should be, and as it should not."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from weights_tools.convert import merges
from weights_tools.convert.merges import byte_letters, load_merges
from weights_tools.errors import ToolError

LETTERS = list(byte_letters().values())


def long_list() -> list[str]:
    """As many merges as CLIP has: of two bytes each, and no two alike."""
    return [f"{a} {b}" for a in LETTERS for b in LETTERS][: merges.COUNT]


def write(tmp_path: Path, lines: list[str], *, title: str = "#version: 0.2") -> Path:
    path = tmp_path / "merges.txt"
    path.write_text("\n".join([title, *lines]))
    return path


def test_the_bytes_come_in_the_order_of_gpt_2() -> None:
    assert LETTERS[:3] == ["!", '"', "#"]
    assert LETTERS[93:95] == ["~", "¡"]
    assert byte_letters()[0x20] == "Ġ"
    assert len(set(LETTERS)) == 256


def test_merges_are_pairs_of_tokens(tmp_path: Path) -> None:
    lines = long_list()
    lines[1:4] = ["a b</w>", "!! ab</w>", "\u0120 \u0120</w>"]
    loaded = load_merges(write(tmp_path, lines))
    assert loaded.dtype == torch.int64
    assert loaded.shape == (merges.COUNT, 2)
    space = LETTERS.index("\u0120")
    assert loaded[:4].tolist() == [[0, 0], [64, 65 + 256], [512, 513], [space, space + 256]]


def test_the_list_may_be_compressed_and_longer(tmp_path: Path) -> None:
    path = write(tmp_path, [*long_list(), "never read"])
    compressed = tmp_path / "merges.txt.gz"
    compressed.write_bytes(gzip.compress(path.read_bytes()))
    assert torch.equal(load_merges(path), load_merges(compressed))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:-1], "expected a title and 48894 merges, a line each, but there are"),
        (lambda lines: ["! !", "! !", *lines[2:]], "merges.txt:3: makes what is there already"),
        (lambda lines: ["! !?", *lines[1:]], "merges.txt:2: expected two symbols that the lines"),
        (lambda lines: ["!", *lines[1:]], "merges.txt:2: expected two symbols"),
        (lambda lines: ["! ! !", *lines[1:]], "merges.txt:2: expected two symbols"),
        (lambda lines: ["漢 !", *lines[1:]], "merges.txt:2: expected two symbols"),
    ],
)
def test_other_lists_are_refused(
    change: Callable[[list[str]], list[str]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ToolError, match=message):
        load_merges(write(tmp_path, change(long_list())))


@pytest.mark.parametrize("data", [b"\x1f\x8bnot gzip", b"\x1f\x8b", b"\xff\xfe\x00"])
def test_files_that_are_no_text_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "merges.txt"
    path.write_bytes(data)
    with pytest.raises(ToolError, match=r"merges.txt: cannot be read"):
        load_merges(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"nowhere.txt: cannot be read: No such file"):
        load_merges(tmp_path / "nowhere.txt")


def test_without_open_clip_a_path_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolError, match="expected a path to bpe_simple_vocab"):
        load_merges(None)


def test_the_list_of_open_clip_gives_its_tokens() -> None:
    tokenizer = pytest.importorskip("open_clip.tokenizer").SimpleTokenizer()
    symbols = {token: symbol for symbol, token in tokenizer.encoder.items()}
    for i, (left, right) in enumerate(load_merges(None).tolist()):
        assert symbols[left] + symbols[right] == symbols[merges.FIRST_MERGE + i]
