"""The converter's command line, as the tests of every network call it."""

import json
from pathlib import Path
from typing import Any

import torch

from weights_tools import safetensors_file
from weights_tools.convert.__main__ import main


def saved(folder: Path, checkpoint: object, name: str = "in.pth") -> Path:
    """As PyTorch saves it."""
    torch.save(checkpoint, folder / name)
    return folder / name


def converted(network: str, source: Path, *options: str) -> safetensors_file.Contents:
    """What the command wrote, to out.safetensors beside the source."""
    output = source.with_name("out.safetensors")
    assert main([network, str(source), str(output), *options]) == 0
    return safetensors_file.read(output)


def config(contents: safetensors_file.Contents) -> dict[str, Any]:
    """What the file says of its network."""
    return json.loads(contents.metadata["hewn.config"])


def drawn(folder: Path, command: str, form: str, *options: str) -> list[Path]:
    """Three random files: two of one seed, which must be the same, and one of another."""
    paths = [folder / name for name in "abc"]
    for path, seed in zip(paths, "556", strict=True):
        assert main([command, form, str(path), *options, "--seed", seed]) == 0
    assert paths[0].read_bytes() == paths[1].read_bytes() != paths[2].read_bytes()
    return paths
