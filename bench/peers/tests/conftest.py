"""Fixtures that several test files share."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.peers.__main__ import main

_REPOSITORY = Path(__file__).resolve().parents[3]

Race = Callable[..., int]


@pytest.fixture
def small_race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Race:
    """Runs a short race of the stand-in, with a fault, and the peers that are asked for."""
    monkeypatch.chdir(_REPOSITORY)

    def run(network: str, *options: str, fault: str = "none") -> int:
        program = tmp_path / "hewn"
        module = "bench.peers.tests.stand_in_hewn"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} --fault {fault} "$@"\n')
        program.chmod(0o755)
        short = ["--rounds", "2", "--repeat", "2", "--threads", "1"]
        places = ["--hewn", str(program), "--out", str(tmp_path / "out")]
        return main([network, *short, *places, *options])

    return run
