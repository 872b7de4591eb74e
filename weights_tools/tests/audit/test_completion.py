"""The audits of image completion and inpainting: a stand-in that is right, and ways to be wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weights_tools import safetensors_file
from weights_tools.audit.__main__ import main
from weights_tools.audit.poisson import PoissonEquation
from weights_tools.convert import completion as converter
from weights_tools.convert.__main__ import main as convert
from weights_tools.convert.random_completion import random_checkpoint
from weights_tools.nets.completion import LAYERS

StandIn = Callable[..., Path]

HEIGHT, WIDTH = 45, 54  # padded to 48 x 56


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    paths = {order: folder / f"{order}.safetensors" for order in converter.ORDERS}
    for order, path in paths.items():
        tensors = converter.convert(random_checkpoint(order, 3), converter.Options(order))
        safetensors_file.write(path, *tensors)
    return paths


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Smooth colour noise, and a mask with a hole that touches the border."""
    paths = [tmp_path / name for name in ("picture.png", "mask.png")]
    pixels = np.random.default_rng(4).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(paths[0])
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[12:30, 20:38] = mask[36:, 3:10] = 255
    Image.fromarray(mask).save(paths[1])
    return paths


def audit(network: str, files: list[Path], hewn: Path, *more: str) -> int:
    image, mask = map(str, files)
    places = ["--image", image, "--mask", mask, "--hewn", str(hewn)]
    return main([network, *places, "--threads", "1", *more])


@pytest.mark.parametrize("order", converter.ORDERS)
def test_the_same_network_agrees(
    order: str,
    weights: dict[str, Path],
    files: list[Path],
    stand_in: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "audit.json"
    options = ["--weights", str(weights[order]), "--precise", "--json", str(report)]
    assert audit("completion", files, stand_in("stand_in_complete"), *options) == 0
    assert "hewn and PyTorch agree" in capsys.readouterr().out
    document = json.loads(report.read_text())
    assert document["disagreements"] == []
    assert [row["name"] for row in document["layers"]] == [*LAYERS, "raw"]
    assert document["layers"][-1]["relative_l2_limit"] == 2e-5


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("input", "input: differs from the picture, mean-filled and padded by"),
        ("mask", "input: differs from the picture, mean-filled and padded by"),
        ("layer", "deconv13: relative L2 distance 1.00e-03"),
        ("dilation", "disagreement: conv8: relative L2 distance"),
        ("known", "completed: 1 pixels outside of the hole differ"),
        ("hole", "completed: in the hole it differs from raw"),
        ("crop", "hewn's raw: expected the shape (1, 3, 45, 54), but it is (1, 3, 45, 53)"),
        ("raw", "raw: differs from conv17 of the trace"),
        ("missing-tensor", "expected the tensor conv5"),
        ("nan", "raw: relative L2 distance nan"),
        ("crash", "exit status 1: hewn: out of luck"),
    ],
)
def test_each_fault_is_found(
    fault: str,
    message: str,
    weights: dict[str, Path],
    files: list[Path],
    stand_in: StandIn,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hewn = stand_in("stand_in_complete", "--fault", fault)
    assert audit("completion", files, hewn, "--weights", str(weights["relu-bn"])) == 1
    assert message in capsys.readouterr().err


def test_what_cannot_be_audited(
    weights: dict[str, Path],
    files: list[Path],
    stand_in: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small, superpoint = tmp_path / "small.png", tmp_path / "superpoint.safetensors"
    Image.new("L", (54, 44)).save(small)
    assert convert(["random-superpoint", "magicleap", str(superpoint)]) == 0
    hewn = stand_in("stand_in_complete")
    for file, pair, message in (
        (superpoint, files, "expected hewn.model completion in the metadata"),
        (weights["bn-relu"], [files[0], small], "small.png: expected 54 x 45 pixels like the"),
        (weights["bn-relu"], [superpoint, small], "cannot be read as a picture"),
    ):
        assert audit("completion", pair, hewn, "--weights", str(file)) == 1
        assert message in capsys.readouterr().err


# Inpainting without a network, and blending.


def test_the_same_inpainting_agrees(
    files: list[Path],
    stand_in: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "audit.json"
    hewn = stand_in("stand_in_complete")
    assert audit("inpainting", files, hewn, "--json", str(report)) == 0
    assert "fast marching: 0.00 gray levels from OpenCV's" in capsys.readouterr().out
    document = json.loads(report.read_text())
    assert document["disagreements"] == []
    assert document["telea"]["hewn_psnr"] == pytest.approx(document["telea"]["opencv_psnr"])
    assert 10 < document["telea"]["hewn_psnr"] < 60
    assert document["poisson"]["hewn_residual"] == document["poisson"]["rounded_residual"]
    assert document["poisson"]["max_difference"] < 2.0**-24


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("march", "gray levels (RMS) from OpenCV's, expected at most"),
        ("blend", "of Poisson's equation, expected less than 1e-06"),
        ("clamp", "completed: in the hole it differs from blended"),
        ("known", "completed: 1 pixels outside of the hole differ"),
        ("nan", "blended: relative residual nan"),
        ("crop", "hewn's raw: expected the shape"),
        ("crash", "exit status 1: hewn: out of luck"),
    ],
)
def test_each_fault_of_inpainting_is_found(
    fault: str,
    message: str,
    files: list[Path],
    stand_in: StandIn,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert audit("inpainting", files, stand_in("stand_in_complete", "--fault", fault)) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("gray", [0, 255])
def test_a_mask_of_nothing_or_all(
    gray: int, files: list[Path], stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (WIDTH, HEIGHT), gray).save(files[1])
    assert audit("inpainting", files, stand_in("stand_in_complete")) == 1
    assert "expected a mask with a hole and with something around it" in capsys.readouterr().err


def test_the_blend_of_a_picture_into_itself_is_the_picture() -> None:
    """And with a constant added to the guide, whose differences are the same."""
    random = np.random.default_rng(2)
    picture = random.random((3, 17, 12))
    hole = np.zeros((17, 12))
    hole[:9, 4:] = hole[11:15, 2:5] = 1
    equation = PoissonEquation(picture, hole, picture + 7)
    assert np.abs(equation.solve() - hole * picture).max() < 1e-11
    assert equation.relative_residual(picture) < 1e-14


def test_the_blend_solves_the_matrix_equation() -> None:
    """Against the matrix of a small hole, written out pixel by pixel."""
    random = np.random.default_rng(3)
    picture, guide = random.random((2, 1, 5, 6))
    hole = np.zeros((5, 6))
    hole[1:3, 2:6] = hole[3:, 3] = 1
    unknowns = list(zip(*np.nonzero(hole), strict=True))
    matrix, right = np.zeros((len(unknowns), len(unknowns))), np.zeros(len(unknowns))
    for row, (y, x) in enumerate(unknowns):
        for q in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if not (0 <= q[0] < 5 and 0 <= q[1] < 6):
                continue
            matrix[row, row] += 1
            right[row] += guide[0, y, x] - guide[0, *q]
            if hole[q]:
                matrix[row, unknowns.index(q)] -= 1
            else:
                right[row] += picture[0, *q]
    expected = np.linalg.solve(matrix, right)
    solution = PoissonEquation(picture, hole, guide).solve()
    assert np.abs(solution[0][hole > 0] - expected).max() < 1e-12
