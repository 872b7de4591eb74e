"""The network's audit, with a stand-in for hewn that is right, and one for each way to be wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from weights_tools.audit.__main__ import main
from weights_tools.audit.keypoints import compare_keypoints
from weights_tools.convert.__main__ import main as convert
from weights_tools.nets.superpoint import SuperPointOutput
from weights_tools.nets.superpoint_keypoints import KeypointOptions, extract_keypoints

StandIn = Callable[..., Path]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "random.safetensors"
    assert convert(["random-superpoint", "open-v6", str(path), "--seed", "3"]) == 0
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "noise.png"
    pixels = np.random.default_rng(4).integers(0, 256, (45, 70), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def audit(weights: Path, image: Path, hewn: Path, *more: str) -> int:
    files = ["--weights", str(weights), "--image", str(image), "--hewn", str(hewn)]
    return main(["superpoint", *files, *more])


def test_the_same_network_agrees(
    weights: Path,
    image: Path,
    stand_in: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "audit.json"
    options = ["--precise", "--threads", "1", "--json", str(report)]
    assert audit(weights, image, stand_in("stand_in_keypoints"), *options) == 0
    text = capsys.readouterr().out
    assert "hewn and PyTorch agree" in text
    assert "convDb" in text
    document = json.loads(report.read_text())
    assert [row["name"] for row in document["layers"]][-3:] == ["semi", "scores", "descriptors"]
    assert document["keypoints"]["hewn_count"] > 0
    assert document["disagreements"] == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("input", "input: differs from the picture's gray / 255"),
        ("layer", "conv2a: relative L2 distance 1.00e-03"),
        ("drop-keypoint", "1 in one list only"),
        ("order", "the order or a score differs"),
        ("descriptor", "keypoint_descriptors:"),
        ("missing-tensor", "expected the tensor conv3b.max_pool"),
        ("report", "hewn --json: keypoint 2 is"),
        ("crash", "exit status 1: hewn: out of luck"),
    ],
)
def test_each_fault_is_found(
    fault: str,
    message: str,
    weights: Path,
    image: Path,
    stand_in: StandIn,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert audit(weights, image, stand_in("stand_in_keypoints", "--fault", fault)) == 1
    assert message in capsys.readouterr().err


def test_a_missing_program_is_named(
    weights: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(weights, image, Path("/nowhere/hewn")) == 1
    assert "/nowhere/hewn: expected the program hewn" in capsys.readouterr().err


def test_weights_that_are_not_converted(
    image: Path, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(image, image, stand_in("stand_in_keypoints")) == 1
    assert "cannot be read as a safetensors file" in capsys.readouterr().err


def test_pictures_that_cannot_be(
    weights: Path, tmp_path: Path, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    text, small = tmp_path / "text.png", tmp_path / "small.png"
    text.write_text("not a picture")
    Image.new("L", (40, 7)).save(small)
    hewn = stand_in("stand_in_keypoints")
    assert audit(weights, text, hewn) == 1
    assert "text.png: cannot be read as a picture" in capsys.readouterr().err
    assert audit(weights, small, hewn) == 1
    assert "at least 8 x 8 pixels, but it is 40 x 7" in capsys.readouterr().err


# What may excuse a keypoint that only one side has.


def one_sided(hewn_map: torch.Tensor, pytorch_map: torch.Tensor) -> tuple[int, int]:
    """How many one-sided keypoints of two heat maps are explained, and how many are not."""
    options = KeypointOptions(nms_radius=2, threshold=0.1, border=0)
    keypoints = extract_keypoints(hewn_map, options)
    dump = {
        "scores": hewn_map[None],
        "keypoints": keypoints.positions,
        "keypoint_scores": keypoints.scores,
    }
    pytorch = SuperPointOutput(torch.zeros(0), pytorch_map[None], None, {})
    comparison = compare_keypoints(dump, pytorch, "none", options)
    assert comparison.post_processing == []
    return comparison.explained, len(comparison.unexplained)


def test_a_score_at_the_threshold_explains() -> None:
    hewn_map, pytorch_map = torch.zeros(16, 16), torch.zeros(16, 16)
    hewn_map[5, 5], pytorch_map[5, 5] = 0.1 + 5e-7, 0.1 - 5e-7
    assert one_sided(hewn_map, pytorch_map) == (1, 0)


def test_a_score_above_the_threshold_does_not() -> None:
    hewn_map, pytorch_map = torch.zeros(16, 16), torch.zeros(16, 16)
    hewn_map[5, 5] = 0.11
    assert one_sided(hewn_map, pytorch_map) == (0, 1)


def test_a_tie_explains_both_of_its_sides() -> None:
    hewn_map, pytorch_map = torch.zeros(16, 16), torch.zeros(16, 16)
    hewn_map[5, 5], hewn_map[5, 6] = 0.5 + 5e-7, 0.5
    pytorch_map[5, 5], pytorch_map[5, 6] = 0.5, 0.5 + 5e-7
    assert one_sided(hewn_map, pytorch_map) == (2, 0)


def test_a_tie_explains_what_it_decides_further_on() -> None:
    """Either winner of the tie decides over a lower pixel, which the other does not reach."""
    hewn_map, pytorch_map = torch.zeros(16, 16), torch.zeros(16, 16)
    for scores, (left, right) in ((hewn_map, (0.5 + 5e-7, 0.5)), (pytorch_map, (0.5, 0.5 + 5e-7))):
        scores[5, 5], scores[5, 6], scores[5, 8] = left, right, 0.3
    assert one_sided(hewn_map, pytorch_map) == (3, 0)
