"""The merges of CLIP's tokenizer, as pairs of tokens.

OpenAI's list, bpe_simple_vocab_16e6.txt.gz, has a merge a line: two symbols, in letters that stand
for bytes (`bytes_to_unicode` of GPT-2), with </w> at the end of a word. The first line is a title,
and of the others CLIP uses the first 48,894.
"""

import gzip
import importlib.util
import zlib
from pathlib import Path

import torch
from torch import Tensor

from weights_tools.errors import ToolError

COUNT = 48_894
FIRST_MERGE = 512  # after the bytes, and the bytes at the end of a word

_FILE = "bpe_simple_vocab_16e6.txt.gz"
_GZIP = b"\x1f\x8b"
_END_OF_WORD = "</w>"


def load_merges(path: Path | None) -> Tensor:
    """int64 [48894, 2]: merge i joins two tokens to token 512 + i.

    Reads the list, as it is or compressed by gzip; without a path, that of the installed open_clip.
    """
    path = path or _list_of_open_clip()
    lines = _read_lines(path)[1 : COUNT + 1]
    if len(lines) < COUNT:
        raise ToolError(
            f"{path}: expected a title and {COUNT} merges, a line each, but there are {len(lines)}"
        )
    tokens = _byte_tokens()
    merges = torch.empty(COUNT, 2, dtype=torch.int64)
    for i, line in enumerate(lines):
        symbols = line.split()
        if len(symbols) != 2 or not tokens.keys() >= set(symbols):
            raise ToolError(
                f"{path}:{i + 2}: expected two symbols that the lines before have made, "
                f"but got {line[:60]!r}"
            )
        merges[i] = torch.tensor([tokens[symbol] for symbol in symbols])
        if tokens.setdefault("".join(symbols), FIRST_MERGE + i) != FIRST_MERGE + i:
            raise ToolError(f"{path}:{i + 2}: makes what is there already: {line[:60]!r}")
    return merges


def byte_letters() -> dict[int, str]:
    """The letter of each byte, in the order of the tokens 0 to 255.

    Bytes that are printed in Latin-1 are their own letters; the others follow, from U+0100 on.
    """
    printed = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printed]
    return {byte: chr(byte) for byte in printed} | {
        byte: chr(0x100 + i) for i, byte in enumerate(others)
    }


def _byte_tokens() -> dict[str, int]:
    letters = list(byte_letters().values())
    ends = [letter + _END_OF_WORD for letter in letters]
    return {symbol: token for token, symbol in enumerate(letters + ends)}


def _list_of_open_clip() -> Path:
    package = importlib.util.find_spec("open_clip")
    path = Path(package.origin or "").with_name(_FILE) if package is not None else None
    if path is None or not path.is_file():
        raise ToolError(
            f"--merges: expected a path to {_FILE}, or the package open_clip_torch, which has it; "
            f"there is neither"
        )
    return path


def _read_lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
        text = gzip.decompress(data) if data.startswith(_GZIP) else data
        return text.decode("utf-8").split("\n")
    except OSError as error:
        reason = error.strerror or str(error)
        raise ToolError(f"{path}: cannot be read: {reason}") from error
    except (EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: cannot be read as a list of merges: {error}") from error
