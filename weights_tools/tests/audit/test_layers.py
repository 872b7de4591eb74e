"""The audit of the networks' layers: PyTorch in hewn's place passes, and each fault is found."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from weights_tools.audit.__main__ import main
from weights_tools.audit.layers import (
    Layer,
    LayerErrors,
    as_json,
    cropped_size,
    disagreements,
    read_layers,
)
from weights_tools.audit.ops.case import Draw
from weights_tools.audit.ops.convolution import winograd_algorithms
from weights_tools.audit.ops.operators import OPERATORS
from weights_tools.errors import ToolError
from weights_tools.tests.conftest import REPOSITORY

StandIn = Callable[..., Path]

_LISTS = REPOSITORY / "bench/shapes"
_LIST = """# A comment.

square  20 30   4  6  3   1 1   2
row     20 30   4  6  1x5 1 0x2 1
strided 20 300  4  6  3   2 1   1
"""


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    folder = tmp_path / "shapes"
    folder.mkdir()
    (folder / "net.txt").write_text(_LIST)
    return folder


def test_pytorch_agrees_with_itself(
    stand_in: StandIn, shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "layers.json"
    runner = stand_in("stand_in_op_runner")
    options = ["--shapes", str(shapes), "--threads", "1", "--json", str(report)]
    assert main(["layers", "--runner", str(runner), *options]) == 0
    text = capsys.readouterr().out
    assert "| net | square |" in text
    assert "| winograd_1x4_1x5 |" in text
    assert "hewn and PyTorch agree" in text
    rows = json.loads(report.read_text())["layers"]
    assert [(row["name"], list(row["winograd"])) for row in rows] == [
        ("square", ["winograd_4x4_3x3", "winograd_2x2_3x3"]),
        ("row", ["winograd_1x4_1x5"]),
        ("strided", ["winograd_3x3s2"]),
    ]
    assert all(0.0 < row["pytorch"] == row["direct"] < 1e-6 for row in rows)


def test_a_fault_is_found_in_every_layer(
    stand_in: StandIn, shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = stand_in("stand_in_op_runner", "--fault", "0.01")
    assert main(["layers", "--runner", str(runner), "--shapes", str(shapes)]) == 1
    errors = capsys.readouterr().err
    for layer in ("square", "row", "strided"):
        assert f"net {layer}: direct: " in errors


def test_errors_have_limits() -> None:
    """4 times PyTorch's for the direct algorithm, 6 times the direct one's for Winograd's."""

    def found(direct: float, winograd: float) -> list[str]:
        return disagreements([LayerErrors("net", "conv", 1e-7, direct, {"fast": winograd})])

    assert found(4e-7, 2.4e-6) == []
    assert found(1e-7, 6.1e-7) == [
        "net conv: fast: 6.10 times the direct algorithm's error, expected at most 6"
    ]
    assert found(4.1e-7, 4e-7) == [
        "net conv: direct: 4.10 times PyTorch's error, expected at most 4"
    ]
    assert len(found(math.nan, 4e-7)) == 2
    assert len(found(1e-7, math.nan)) == 1


def test_an_error_that_is_no_number_becomes_null() -> None:
    row = LayerErrors("net", "conv", 1e-7, math.inf, {"fast": math.nan})
    (listed,) = json.loads(as_json([row]))["layers"]
    assert listed["direct"] is None
    assert listed["winograd"] == {"fast": None}


def test_a_layer_as_listed(shapes: Path) -> None:
    square, row, _ = read_layers(shapes)
    assert square == Layer("net", "square", (20, 30), 4, 6, (3, 3), (1, 1), (1, 1), (2, 2))
    assert (row.kernel, row.padding) == ((1, 5), (0, 2))


@pytest.mark.parametrize(
    "line", ["conv 20 30 4 6 3 1 1", "conv 20 30 4 6 3 1 1 1 1", "conv 20 30 4 6 3x 1 1 1"]
)
def test_a_line_that_is_no_layer(shapes: Path, line: str) -> None:
    (shapes / "net.txt").write_text(f"# A comment.\n{line}\n")
    with pytest.raises(ToolError, match=r"net\.txt:2: expected 'name h w in out kernel stride"):
        read_layers(shapes)


def test_a_folder_without_lists(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="there are none"):
        read_layers(tmp_path)


def test_the_lists_of_the_repository() -> None:
    layers = read_layers(_LISTS)
    assert {layer.network for layer in layers} >= {"superpoint", "raft", "completion", "clip"}
    names = [(layer.network, layer.name) for layer in layers]
    assert len(set(names)) == len(names)
    for layer in layers:
        # A list names each shape once.
        assert sum(_same_shape(layer, other) for other in layers) == 1, layer


def _same_shape(one: Layer, other: Layer) -> bool:
    return one == Layer(**{**vars(other), "name": one.name})


def test_a_crop_holds_whole_tiles_of_every_phase() -> None:
    def crop(size: tuple[int, int], dilation: int) -> tuple[int, int]:
        return cropped_size(
            Layer("net", "conv", size, 4, 6, (3, 3), (1, 1), (1, 1), (dilation, dilation))
        )

    assert crop((480, 640), 1) == (48, 48)
    assert crop((20, 640), 1) == (20, 48)
    assert crop((256, 256), 16) == (64, 64)


def test_winograd_is_for_one_group_and_its_kernels_and_strides() -> None:
    one, two = (1, 1), (2, 2)
    assert winograd_algorithms((3, 3), one, two, 1) == ["winograd_4x4_3x3", "winograd_2x2_3x3"]
    assert winograd_algorithms((3, 3), two, one, 1) == ["winograd_3x3s2"]
    assert winograd_algorithms((5, 1), one, one, 1) == ["winograd_4x1_5x1"]
    assert winograd_algorithms((5, 5), one, one, 1) == []
    assert winograd_algorithms((3, 3), (1, 2), one, 1) == []
    assert winograd_algorithms((3, 3), two, two, 1) == []
    assert winograd_algorithms((3, 3), one, one, 2) == []


def test_random_cases_name_every_algorithm() -> None:
    draw = OPERATORS["conv2d"].draw
    drawn = [draw(Draw(f"0/conv2d/{index}")).params["algorithm"] for index in range(200)]
    assert set(drawn) == {
        "direct",
        "auto",
        *(name for kernel in ((3, 3), (1, 5), (5, 1)) for name in _applicable(kernel, 1)),
        *_applicable((3, 3), 2),
    }


def _applicable(kernel: tuple[int, int], stride: int) -> list[str]:
    return winograd_algorithms(kernel, (stride, stride), (1, 1), groups=1)
