"""RAFT's race on a small pair of pictures, and the form of the lookup that its peers run."""

import json
from pathlib import Path

import pytest
import torch

from bench.peers.networks.raft import lookup_by_windows
from bench.peers.programs import PEERS, Peer
from bench.peers.tests.conftest import Race
from weights_tools.convert.__main__ import main as convert
from weights_tools.nets.raft_correlation import correlation_pyramid, lookup

RACING = [peer for peer in PEERS if peer.package != "ncnn"]


@pytest.fixture
def race(small_race: Race) -> Race:
    def run(network: str, *options: str, fault: str = "none") -> int:
        return small_race(
            network, "--size", "64x72", "--iters", "2", "--rounds", "1", *options, fault=fault
        )

    return run


@pytest.mark.parametrize("peer", RACING, ids=lambda peer: peer.package)
def test_race_against_each_peer(peer: Peer, race: Race, tmp_path: Path) -> None:
    if missing := peer.missing_packages():
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert race("raft-small", "--peer", peer.package) == 0
    document = json.loads((tmp_path / "out" / "raft-small.json").read_text())
    assert (document["size"], document["iterations"]) == ("64x72", 2)
    assert [result["program"] for result in document["results"]] == ["hewn", peer.title]
    assert list(document["relative_l2"][peer.title]) == ["flow", "flow_low"]


def test_the_large_network(race: Race, capsys: pytest.CaptureFixture[str]) -> None:
    assert race("raft", "--peer", "torch") == 0
    assert "raft, 64x72, 2 iterations, float32" in capsys.readouterr().out


def test_a_wrong_flow_ends_the_race(race: Race, capfd: pytest.CaptureFixture[str]) -> None:
    assert race("raft-small", "--peer", "torch", fault="wrong") == 1
    assert "no race: hewn: flow_low: relative L2 distance" in capfd.readouterr().err


def test_ncnn_is_left_out(race: Race, capsys: pytest.CaptureFixture[str]) -> None:
    assert race("raft-small", "--peer", "ncnn") == 0
    assert "ncnn: left out: it has no gather" in capsys.readouterr().out


def test_what_cannot_race(race: Race, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    large = tmp_path / "large.safetensors"
    assert convert(["random-raft", "large", str(large)]) == 0
    for options, message in (
        (["--size", "64x76"], "expected multiples of 8 from 64 on"),
        (["--size", "56x64"], "expected multiples of 8 from 64 on"),
        (["--weights", str(large)], "expected weights of RAFT's small network"),
    ):
        assert race("raft-small", "--peer", "torch", *options) == 1
        assert message in capsys.readouterr().err


def test_superpoint_has_no_iterations(small_race: Race) -> None:
    with pytest.raises(SystemExit) as stopped:
        small_race("superpoint", "--iters", "2")
    assert stopped.value.code == 2


def test_the_lookup_by_windows_is_the_lookup() -> None:
    """Around places inside, across every border, whole ones, and far outside."""
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(2, 2, 8, 9, 13, generator=generator, dtype=torch.float64)
    pyramid = correlation_pyramid(*features)
    places = 40 * torch.rand(2, 2, 9, 13, generator=generator, dtype=torch.float64) - 12
    places[:, :, 0] = places[:, :, 0].round()
    places[:, :, 1, :2] = torch.tensor([1e6, -1e6])
    for radius in (3, 4):
        expected = lookup(pyramid, places, radius)
        actual = lookup_by_windows(pyramid, places, radius)
        assert torch.allclose(actual, expected, rtol=0, atol=1e-12)
