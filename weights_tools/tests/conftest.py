"""Fixtures that several test files share."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from weights_tools import torchvision_operators

torchvision_operators.declare_missing()  # before a test imports open_clip

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def shared_data() -> Path:
    """The folder of real weights and pictures, which is not part of the repository."""
    shared = Path(os.environ.get("HEWN_SHARED") or REPOSITORY.parent / "shared")
    if not (shared / "data").is_dir():
        pytest.skip(f"no real data: {shared}/data is missing; set HEWN_SHARED to the folder")
    return shared / "data"


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[..., Path]:
    """Makes a program that runs a module of support/ with some options in front."""

    def make(module: str, *options: str) -> Path:
        program = tmp_path / module
        command = [sys.executable, "-m", f"weights_tools.tests.support.{module}", *options]
        program.write_text(f'#!/bin/sh\ncd "{REPOSITORY}" && exec {" ".join(command)} "$@"\n')
        program.chmod(0o755)
        return program

    return make


@pytest.fixture
def one_thread() -> Iterator[None]:
    """For pictures that are too small for more threads to help."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def on_one_thread(one_thread: None) -> Iterator[None]:
    """And without gradients."""
    with torch.inference_mode():
        yield
