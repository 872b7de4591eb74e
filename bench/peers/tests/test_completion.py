"""The race of image completion on a small picture."""

import json
from pathlib import Path

import pytest

from bench.peers.networks.completion import prepare
from bench.peers.networks.network import Setup, Size
from bench.peers.programs import PEERS, Peer
from bench.peers.tests.conftest import Race
from weights_tools import safetensors_file
from weights_tools.convert.completion import RELU_BN, Options, convert
from weights_tools.convert.random_completion import random_checkpoint


@pytest.fixture
def race(small_race: Race) -> Race:
    def run(*options: str, fault: str = "none") -> int:
        return small_race("completion", "--size", "40x48", "--rounds", "1", *options, fault=fault)

    return run


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.package)
def test_race_against_each_peer(peer: Peer, race: Race, tmp_path: Path) -> None:
    if missing := peer.missing_packages():
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert race("--peer", peer.package) == 0
    document = json.loads((tmp_path / "out" / "completion.json").read_text())
    assert document["size"] == "40x48"
    assert [result["program"] for result in document["results"]] == ["hewn", peer.title]
    assert list(document["relative_l2"][peer.title]) == ["raw"]


def test_the_other_order(race: Race, tmp_path: Path) -> None:
    """Its scale and shift are layers of their own to the peers."""
    weights = tmp_path / "relu-bn.safetensors"
    safetensors_file.write(weights, *convert(random_checkpoint(RELU_BN, 3), Options(RELU_BN)))
    peers = [peer.package for peer in PEERS if not peer.missing_packages()]
    options = [word for package in peers for word in ("--peer", package)]
    assert race("--weights", str(weights), *options) == 0
    document = json.loads((tmp_path / "out" / "completion.json").read_text())
    assert len(document["results"]) == 1 + len(peers)


def test_a_wrong_picture_ends_the_race(race: Race, capfd: pytest.CaptureFixture[str]) -> None:
    assert race("--peer", "torch", fault="wrong") == 1
    assert "no race: hewn: raw: relative L2 distance 1.0e-03" in capfd.readouterr().err


def test_nothing_is_padded(race: Race, capsys: pytest.CaptureFixture[str]) -> None:
    assert race("--peer", "torch", "--size", "40x46") == 1
    assert "expected multiples of 4 for image completion" in capsys.readouterr().err


def test_the_input_has_a_hole(tmp_path: Path) -> None:
    network = prepare(Setup(None, Size(32, 48), tmp_path, None))
    mask = network.inputs["inputs"][0, 3]
    assert mask[8:24, 12:36].all()
    assert mask.sum() == 16 * 24
    assert (network.inputs["inputs"][0, :3, 8:24, 12:36] == 0.5).all()
