"""The races of CLIP's towers, with a tiny network."""

import json
from pathlib import Path

import pytest

from bench.peers.networks.labels import LABELS
from bench.peers.programs import PEERS, Peer
from bench.peers.tests import stand_in_hewn
from bench.peers.tests.conftest import Race
from weights_tools.convert.__main__ import main as convert

WITHOUT_NCNN = [peer for peer in PEERS if peer.package != "ncnn"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    assert convert(["random-clip", "tiny", str(path), "--half"]) == 0
    return path


@pytest.fixture
def race(small_race: Race, weights: Path) -> Race:
    def run(network: str, *options: str, fault: str = "none") -> int:
        options = ("--weights", str(weights), "--rounds", "1", *options)
        return small_race(network, *options, fault=fault)

    return run


def _skip_without(peer: Peer) -> None:
    if missing := peer.missing_packages():
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.package)
def test_pictures_against_each_peer(
    peer: Peer, race: Race, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _skip_without(peer)
    assert race("clip-image", "--peer", peer.package) == 0
    assert "clip-image, batch 1, float32" in capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "clip-image.json").read_text())
    assert (document["size"], document["batch"], document["labels"]) == (None, 1, None)
    hewn, other = document["results"]
    assert (hewn["program"], other["program"]) == ("hewn", peer.title)
    assert hewn["median_seconds"] == stand_in_hewn.MEDIAN_SECONDS
    assert list(document["relative_l2"][peer.title]) == ["image_features"]


@pytest.mark.parametrize("peer", WITHOUT_NCNN, ids=lambda peer: peer.package)
def test_texts_against_each_peer(
    peer: Peer, race: Race, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _skip_without(peer)
    assert race("clip-text", "--peer", peer.package, "--labels", "7") == 0
    assert "clip-text, 7 labels, float32" in capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "clip-text.json").read_text())
    assert (document["batch"], document["labels"]) == (None, 7)
    assert document["results"][0]["median_seconds"] == 7 * stand_in_hewn.MEDIAN_SECONDS
    assert list(document["relative_l2"][peer.title]) == ["text_features"]


def test_a_batch_of_pictures(
    race: Race, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They differ, and go to hewn in the peers' order, or its features would be others'."""
    assert race("clip-image", "--batch", "3", "--peer", "torch", "--peer", "ncnn") == 0
    printed = capsys.readouterr().out
    assert "clip-image, batch 3, float32" in printed
    assert "ncnn: left out: it takes one picture at a time" in printed
    document = json.loads((tmp_path / "out" / "clip-image.json").read_text())
    assert document["results"][0]["median_seconds"] == 3 * stand_in_hewn.MEDIAN_SECONDS
    pictures = {path.read_bytes() for path in (tmp_path / "out").glob("clip-image/*.ppm")}
    assert len(pictures) == 3


@pytest.mark.parametrize("network", ["clip-image", "clip-text"])
def test_wrong_features_end_the_race(
    network: str, race: Race, capfd: pytest.CaptureFixture[str]
) -> None:
    labels = ["--labels", "2"] if network == "clip-text" else []
    assert race(network, "--peer", "torch", *labels, fault="wrong") == 1
    assert "_features: relative L2 distance 1.0e-03" in capfd.readouterr().err


def test_what_cannot_race(race: Race, capsys: pytest.CaptureFixture[str]) -> None:
    assert race("clip-text", "--labels", "9999") == 1
    assert f"--labels: expected at most {len(LABELS)}, but got 9999" in capsys.readouterr().err
    assert race("clip-text", "--labels", "2", "--peer", "ncnn") == 0
    assert "ncnn: left out: it has neither argmax nor gather" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        race("clip-image", "--size", "224x224")


def test_labels_are_those_that_people_write() -> None:
    assert len(LABELS) == len(set(LABELS)) > 1000
    assert all(label == label.strip() and "," not in label for label in LABELS)
