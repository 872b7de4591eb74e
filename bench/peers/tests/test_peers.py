"""SuperPoint's whole race on a small picture, with a stand-in for hewn; and its parts."""

import json
import math
from pathlib import Path

import pytest

from bench.peers import report
from bench.peers.programs import PEERS, Peer, Turn
from bench.peers.race import Entry, disagreements
from bench.peers.tests import stand_in_hewn
from bench.peers.tests.conftest import Race
from weights_tools import safetensors_file
from weights_tools.convert.random_superpoint import random_checkpoint
from weights_tools.convert.superpoint import FORMS, convert


@pytest.fixture
def race(small_race: Race) -> Race:
    def run(*options: str, fault: str = "none") -> int:
        return small_race("superpoint", "--size", "40x48", *options, fault=fault)

    return run


def _turn(seconds: float, megabytes: int = 1, note: str = "") -> Turn:
    return Turn(seconds, megabytes * 1_000_000, "1.0", note)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.package)
def test_race_against_each_peer(peer: Peer, race: Race, tmp_path: Path) -> None:
    if missing := peer.missing_packages():
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert race("--peer", peer.package) == 0
    document = json.loads((tmp_path / "out" / "superpoint.json").read_text())
    assert document["size"] == "40x48"
    hewn, other = document["results"]
    assert (hewn["program"], other["program"]) == ("hewn", peer.title)
    assert hewn["median_seconds"] == stand_in_hewn.MEDIAN_SECONDS
    assert hewn["peak_bytes"] == stand_in_hewn.PEAK_BYTES
    assert hewn["turns"][0]["version"] == "9.8.7"
    assert len(other["turns"]) == 2
    assert other["ratio_to_hewn"] == other["median_seconds"] / stand_in_hewn.MEDIAN_SECONDS


def test_network_without_descriptors(race: Race, tmp_path: Path) -> None:
    weights = tmp_path / "magicpoint.safetensors"
    safetensors_file.write(weights, *convert(random_checkpoint(FORMS["magicpoint"], 3)))
    assert race("--peer", "torch", "--weights", str(weights)) == 0
    document = json.loads((tmp_path / "out" / "superpoint.json").read_text())
    assert list(document["relative_l2"]["hewn"]) == ["semi", "scores"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("wrong", "no race: hewn: semi: relative L2 distance 1.0e-03"),
        ("missing", "expected the tensor scores, but it is missing"),
        ("shape", "hewn: semi: expected the shape (1, 65, 5, 6), but it is (1, 64, 5, 6)"),
        ("crash", "hewn: exit status 1: hewn: out of luck"),
        ("report", "hewn bench --json: missing or of another type: 'isa'"),
    ],
)
def test_faults_of_hewn_end_the_race(
    fault: str, message: str, race: Race, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert race("--peer", "torch", fault=fault) == 1
    assert message in capfd.readouterr().err
    assert not (tmp_path / "out" / "superpoint.json").exists()


def test_peers_that_are_not_installed_are_named(
    race: Race, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = Peer("no_such_runtime", "No Such Runtime", PEERS[-1].export)
    monkeypatch.setattr("bench.peers.__main__.PEERS", (absent,))
    assert race() == 0
    printed = capsys.readouterr().out
    assert "No Such Runtime: left out, not installed: no_such_runtime" in printed
    assert "| hewn | 9.8.7 scalar | 1 | 250.0 | 250.0 to 250.0 | 1.00 | 42 |" in printed


@pytest.mark.parametrize(
    "options",
    [
        "--size 480",
        "--size 0x8",
        "--size 9999x9999",
        "--rounds 0",
        "--threads 1,x",
        "--peer abacus",
    ],
)
def test_usage_errors(options: str, race: Race) -> None:
    with pytest.raises(SystemExit) as stopped:
        race(*options.split())
    assert stopped.value.code == 2


def test_bad_places_are_one_line(
    race: Race, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    for options in (
        ["--size", "7x48"],
        ["--out", str(tmp_path / "file")],
        ["--hewn", str(tmp_path / "nowhere")],
        ["--weights", str(tmp_path / "file")],
    ):
        assert race("--peer", "torch", *options) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_medians_are_over_rounds_and_memory_is_the_most() -> None:
    entry = Entry("x", 1, [_turn(3.0, 5), _turn(1.0, 9), _turn(1.5, 7)])
    assert entry.seconds == 1.5
    assert entry.peak_bytes == 9_000_000


def test_ratio_is_to_hewn_at_the_same_threads() -> None:
    entries = [
        Entry("hewn", 1, [_turn(0.2)]),
        Entry("x", 1, [_turn(0.3, note="b"), _turn(0.1, note="a"), _turn(0.3, note="b")]),
        Entry("hewn", 2, [_turn(0.1)]),
        Entry("x", 2, [_turn(0.3)]),
    ]
    lines = report.times_table(entries).splitlines()
    assert lines[3] == "| x | 1.0 a/b | 1 | 300.0 | 100.0 to 300.0 | 1.50 | 1 |"
    assert lines[5] == "| x | 1.0 | 2 | 300.0 | 300.0 to 300.0 | 3.00 | 1 |"


def test_nan_is_a_disagreement() -> None:
    errors = {"x": {"semi": math.nan, "scores": 1e-6}, "y": {"semi": 2e-4, "scores": 0.0}}
    assert [line.split(": relative")[0] for line in disagreements(errors)] == ["x: semi", "y: semi"]
