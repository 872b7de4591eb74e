"""A fixture of all tests of conversion."""

from pathlib import Path
from typing import Protocol

import pytest

from weights_tools.convert.__main__ import main


class Refusal(Protocol):
    """What `convert NETWORK SOURCE OUTPUT OPTIONS` says when it fails, as it must."""

    def __call__(
        self, network: str, source: Path, *options: str, output: Path | None = None
    ) -> str: ...


@pytest.fixture
def refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refusal:
    """Sees to it that a file at the output stays as it was, and that nothing is left beside it."""

    def refused(network: str, source: Path, *options: str, output: Path | None = None) -> str:
        kept = tmp_path / "kept.safetensors"
        kept.write_text("as it was")
        capsys.readouterr()
        assert main([network, str(source), str(output or kept), *options]) == 1
        assert kept.read_text() == "as it was"
        assert not list(tmp_path.glob(".*.tmp"))
        message = capsys.readouterr().err
        assert message.startswith("convert: ")
        return message

    return refused
