"""RAFT's audit, with a stand-in for hewn that is right, and one for each way to be wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from weights_tools import flow_file
from weights_tools.audit.__main__ import main
from weights_tools.convert.__main__ import main as convert
from weights_tools.errors import ToolError

StandIn = Callable[..., Path]

HEIGHT, WIDTH = 67, 75  # sintel pads 2 rows above and 3 below, kitti 5 below


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    paths = {variant: folder / f"{variant}.safetensors" for variant in ("large", "small")}
    for variant, path in paths.items():
        assert convert(["random-raft", variant, str(path), "--seed", "3"]) == 0
    return paths


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Colour noise, and the same moved."""
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    pixels = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(paths[0])
    Image.fromarray(np.roll(pixels, (1, -2), axis=(0, 1))).save(paths[1])
    return paths


def audit(weights: Path, images: list[Path], hewn: Path, *more: str) -> int:
    files = ["--weights", str(weights), "--images", *map(str, images), "--hewn", str(hewn)]
    return main(["raft", *files, "--iters", "3", "--threads", "1", *more])


@pytest.mark.parametrize("variant", ["large", "small"])
def test_the_same_network_agrees(
    variant: str,
    weights: dict[str, Path],
    images: list[Path],
    stand_in: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "audit.json"
    options = ["--precise", "--corr", "on-demand", "--pad", "kitti", "--json", str(report)]
    assert audit(weights[variant], images, stand_in("stand_in_flow"), *options) == 0
    text = capsys.readouterr().out
    assert "hewn and PyTorch agree" in text
    assert "\n0.flow " in text and "\n2.flow_low " in text
    assert "\n1.flow " not in text  # only after 1, 4 and all iterations

    document = json.loads(report.read_text())
    assert document["disagreements"] == []
    encoder = ["conv1", *(f"layer{stage}.{i}" for stage in (1, 2, 3) for i in (0, 1)), "conv2"]
    expected = [f"{prefix}.{layer}" for prefix in ("fnet", "cnet") for layer in encoder]
    for i in range(3):
        mask = ["mask"] if variant == "large" else []
        names = ["correlation", "motion", "hidden", "flow_low", *mask, "flow"]
        expected += [f"{i}.{name}" for name in names]
    assert [row["name"] for row in document["layers"]] == expected


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("correlation-order", "disagreement: 0.correlation: relative L2 distance"),
        ("padding", "input: differs from the padded pictures' RGB / 255"),
        ("input", "input: differs from the padded pictures' RGB / 255"),
        ("layer", "cnet.layer2.1: relative L2 distance 1.00e-03"),
        ("mask", "1.mask: relative L2 distance 3.00e+00"),
        ("last-flow", "flow: differs from the last of flows"),
        ("trace", "1.flow_low: the trace differs from flows_low of the dump"),
        ("crop", "hewn's flow: expected the shape (1, 2, 67, 75), but it is (1, 2, 66, 75)"),
        ("missing-tensor", "expected the tensor 2.hidden"),
        ("crash", "exit status 1: hewn: out of luck"),
    ],
)
def test_each_fault_is_found(
    fault: str,
    message: str,
    weights: dict[str, Path],
    images: list[Path],
    stand_in: StandIn,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hewn = stand_in("stand_in_flow", "--fault", fault)
    assert audit(weights["large"], images, hewn) == 1
    assert message in capsys.readouterr().err


def test_the_order_of_the_correlations_shows_in_the_flow(
    weights: dict[str, Path], images: list[Path], stand_in: StandIn, tmp_path: Path
) -> None:
    """And not only in what is traced."""
    report = tmp_path / "audit.json"
    hewn = stand_in("stand_in_flow", "--fault", "correlation-order")
    assert audit(weights["small"], images, hewn, "--json", str(report)) == 1
    rows = {row["name"]: row for row in json.loads(report.read_text())["layers"]}
    assert rows["fnet.conv2"]["hewn"]["relative_l2"] < 2e-5
    assert rows["2.flow"]["hewn"]["relative_l2"] > 1e-2


def test_the_initial_flow(
    weights: dict[str, Path],
    images: list[Path],
    stand_in: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    initial, wrong = tmp_path / "low.flo", tmp_path / "wrong.flo"
    generator = torch.Generator().manual_seed(2)
    flow_file.write(initial, torch.randn(1, 2, 9, 10, generator=generator))
    flow_file.write(wrong, torch.zeros(1, 2, 10, 9))
    hewn = stand_in("stand_in_flow")
    assert audit(weights["small"], images, hewn, "--init", str(initial)) == 0
    assert audit(weights["small"], images, hewn, "--init", str(wrong)) == 1
    assert "expected 10 x 9 pixels" in capsys.readouterr().err
    deaf = stand_in("stand_in_flow", "--fault", "init")
    assert audit(weights["small"], images, deaf, "--init", str(initial)) == 1
    assert "0.correlation: relative L2 distance" in capsys.readouterr().err


def test_what_cannot_be_audited(
    weights: dict[str, Path],
    images: list[Path],
    stand_in: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small, superpoint = tmp_path / "small.png", tmp_path / "superpoint.safetensors"
    Image.new("RGB", (64, 56)).save(small)
    assert convert(["random-superpoint", "magicleap", str(superpoint)]) == 0
    hewn = stand_in("stand_in_flow")
    for file, pair, message in (
        (superpoint, images, "expected hewn.model raft in the metadata, but it is superpoint"),
        (weights["small"], [images[0], small], "small.png: expected 75 x 67 pixels"),
        (weights["small"], [small, small], "at least 64 x 64 pixels with the padding"),
        (weights["small"], [superpoint, small], "cannot be read as a picture"),
    ):
        assert audit(file, pair, hewn) == 1
        assert message in capsys.readouterr().err


# The files of initial flows.


def test_a_flow_is_read_as_it_was_written(tmp_path: Path) -> None:
    flow = torch.arange(24.0).reshape(1, 2, 3, 4)
    flow_file.write(tmp_path / "a.flo", flow)
    assert torch.equal(flow_file.read(tmp_path / "a.flo"), flow)
    values = np.frombuffer((tmp_path / "a.flo").read_bytes(), dtype="<f4")
    assert values[0] == 202021.25
    assert values[3:7].tolist() == [0.0, 12.0, 1.0, 13.0]  # x and y of one pixel, then the next


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected a .flo file"),
        (b"PIEH" + bytes([2, 0, 0, 0, 255, 255, 255, 255]), "expected a .flo file"),
        (b"PIEH" + bytes([2, 0, 0, 0, 1, 0, 0, 0]), "expected 28 bytes for 2 x 1 pixels"),
    ],
)
def test_files_that_are_no_flow(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.flo"
    path.write_bytes(data)
    with pytest.raises(ToolError, match=message):
        flow_file.read(path)
