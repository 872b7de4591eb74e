"""Reads and writes safetensors files; a write either completes or leaves nothing behind."""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from weights_tools.errors import ToolError


@dataclass(frozen=True)
class Contents:
    """All tensors of a file, and its string metadata (empty when the file has none)."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]


def read(path: Path) -> Contents:
    """Reads the whole file into memory."""
    try:
        with safetensors.safe_open(path, framework="pt", device="cpu") as file:
            names = file.keys()
            return Contents({name: file.get_tensor(name) for name in names}, file.metadata() or {})
    except (OSError, safetensors.SafetensorError) as error:
        raise ToolError(f"{path}: cannot be read as a safetensors file: {error}") from error


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Writes beside `path` under a temporary name, then renames: `path` is never half written.

    The same tensors and metadata give the same bytes.
    """
    if path.is_dir():
        raise ToolError(f"{path}: expected the name of a file to write, but it is a directory")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    data = _with_sorted_metadata(safetensors.torch.save(contiguous, metadata=dict(metadata)))
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        raise ToolError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _with_sorted_metadata(data: bytes) -> bytes:
    """The same file with its metadata in alphabetical order.

    The safetensors package writes them in the order of a hash that changes with every run. A file
    is the header's length (8 bytes, little endian), the header (JSON, padded with spaces), and the
    tensors, whose offsets count from the header's end and so are not touched here.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]
