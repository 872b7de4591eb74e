"""The audit of CLIP: a stand-in that is right, and the ways of being wrong that it finds."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weights_tools.audit import clip_witness
from weights_tools.audit.__main__ import main
from weights_tools.audit.clip_input import prepared
from weights_tools.convert.__main__ import main as convert
from weights_tools.nets.clip_prompts import METHODS
from weights_tools.tests.support import stand_in_classify

StandIn = Callable[..., Path]
InProcess = Callable[[str], Path]

LAYERS = ["visual.conv1", "visual.ln_pre"]
LAYERS += [f"visual.transformer.resblocks.{i}" for i in range(3)]
LAYERS += ["image_features", "text_features", "logits"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    assert convert(["random-clip", "tiny", str(path), "--seed", "3", "--half"]) == 0
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Smooth noise: a wide picture that becomes smaller, a tall gray one that becomes larger."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / "wide.png", folder / "tall.png"]
    random = np.random.default_rng(4)
    for path, size, mode in zip(paths, ((61, 45), (20, 27)), ("RGB", "L"), strict=True):
        pixels = random.integers(0, 256, (9, 11, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
        picture.convert(mode).save(path)
    return paths


@pytest.fixture
def hewn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """Makes a stand-in with a fault that runs in this process, which need not import PyTorch."""

    def make(fault: str) -> Path:
        def run(command: Sequence[str | Path]) -> None:
            stand_in_classify.main(["--fault", fault, *map(str, command[1:])])

        monkeypatch.setattr("weights_tools.audit.clip.run_program", run)
        program = tmp_path / "hewn"
        program.touch(mode=0o755)
        return program

    return make


def audit(weights: Path, images: list[Path], hewn: Path, *more: str) -> int:
    if not {"--labels", "--labels-file"} & {*more}:
        more = ("--labels", "cat, fire engine,golden retriever", *more)
    places = ["--weights", str(weights), "--images", *map(str, images), "--hewn", str(hewn)]
    return main(["clip", *places, "--threads", "1", *more])


def test_the_same_network_agrees(
    weights: Path,
    images: list[Path],
    stand_in: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "audit.json"
    assert audit(weights, images, stand_in("stand_in_classify"), "--json", str(report)) == 0
    printed = capsys.readouterr().out
    assert f"values of the input: 0 of {2 * 3 * 32 * 32} differ" in printed
    assert "texts: 0 of 3 differ" in printed
    document = json.loads(report.read_text())
    assert document["disagreements"] == []
    assert [row["name"] for row in document["layers"]] == LAYERS
    assert document["layers"][0]["relative_l2_limit"] == 2e-5


def test_templates_and_a_file_of_labels(
    weights: Path,
    images: list[Path],
    hewn: InProcess,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("a cat, lying down\ndog\n")
    options = ["--labels-file", str(labels), "--template", "{}", "--template", "art of {}!"]
    assert audit(weights, images, hewn("none"), *options) == 0
    assert "texts: 0 of 4 differ" in capsys.readouterr().out
    assert audit(weights, images, hewn("templates"), *options) == 1
    assert "tokens: those of 'a cat, lying down' are not ours" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "options"),
    [
        *((method, []) for method in METHODS),
        ("coop", ["--classes", "3"]),
        ("coop", ["--class-position", "middle", "--length", "5"]),
        ("coop", ["--class-position", "front"]),
        ("vpt", ["--depth", "1"]),
    ],
)
def test_prompts(
    method: str,
    options: list[str],
    weights: Path,
    images: list[Path],
    hewn: InProcess,
    tmp_path: Path,
) -> None:
    prompts = tmp_path / "prompts.safetensors"
    drawn = ["random-prompts", method, str(prompts), "--clip", str(weights), *options]
    assert convert(drawn) == 0
    report = tmp_path / "audit.json"
    options = ["--prompts", str(prompts), "--json", str(report)]
    assert audit(weights, images, hewn("none"), *options) == 0
    assert [row["name"] for row in json.loads(report.read_text())["layers"]] == LAYERS


def test_a_crash(
    weights: Path, images: list[Path], stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(weights, images, stand_in("stand_in_classify", "--fault", "crash")) == 1
    assert "exit status 1: hewn: out of luck" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("crop", "input: picture 1 differs from what PIL makes of it by"),
        ("layer", "visual.ln_pre: relative L2 distance 1.00e-03"),
        ("heads", "disagreement: visual.transformer.resblocks.1: relative L2 distance"),
        ("image", "image_features: relative L2 distance 1.00e-03"),
        ("text", "text_features: relative L2 distance 1.00e-03"),
        ("logits", "logits: relative L2 distance 9.99e-04"),
        ("tokens", "tokens: those of 'a photo of a cat.' are not ours"),
        ("missing-tensor", "expected the tensor visual.transformer.resblocks.1"),
        ("all-rows", "resblocks.2: expected the shape (2, 1, 1, 128), but it is (2, 1, 17, 128)"),
        ("nan", "text_features: relative L2 distance nan"),
    ],
)
def test_each_fault_is_found(
    fault: str,
    message: str,
    weights: Path,
    images: list[Path],
    hewn: InProcess,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert audit(weights, images, hewn(fault)) == 1
    assert message in capsys.readouterr().err


def test_one_gray_level_is_counted_and_allowed(
    weights: Path,
    images: list[Path],
    hewn: InProcess,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert audit(weights, images, hewn("one-level")) == 0
    assert "values of the input: 2 of 6144 differ" in capsys.readouterr().out


def test_what_cannot_be_audited(
    weights: Path,
    images: list[Path],
    hewn: InProcess,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prompts = tmp_path / "prompts.safetensors"
    drawn = ["random-prompts", "coop", str(prompts), "--clip", str(weights), "--classes", "2"]
    assert convert(drawn) == 0
    program = hewn("none")
    of_prompts = ["--prompts", str(prompts)]
    for file, pictures, options, message in (
        (prompts, images, [], "expected hewn.model clip in the metadata"),
        (weights, [weights], [], "cannot be read as a picture"),
        (weights, images, of_prompts, "has contexts of 2 classes, but there are 3 labels"),
        (weights, images, [*of_prompts, "--template", "{}"], "has its own, 'X X X"),
        (weights, images, ["--prompts", str(weights)], "expected hewn.model clip-prompts"),
        (weights, images, ["--labels-file", str(tmp_path)], "cannot be read as lines of text"),
    ):
        assert audit(file, pictures, program, *options) == 1
        assert message in capsys.readouterr().err


def test_the_witness(
    weights: Path,
    images: list[Path],
    hewn: InProcess,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("open_clip")
    program = hewn("none")
    assert audit(weights, images, program, "--witness") == 0
    assert "image features: ours are" in capsys.readouterr().out
    monkeypatch.setattr("weights_tools.audit.clip.WITNESS_LIMIT", -1.0)
    assert audit(weights, images, program, "--witness") == 1
    assert "text features: ours have a relative L2 distance" in capsys.readouterr().err
    monkeypatch.setattr(clip_witness, "is_installed", lambda: False)
    assert audit(weights, images, program, "--witness") == 1
    assert "--witness: open_clip is not installed" in capsys.readouterr().err


def test_pictures_are_prepared_as_torchvision_does() -> None:
    transforms = pytest.importorskip("torchvision.transforms")
    random = np.random.default_rng(5)
    for side in (16, 23):
        expected = transforms.Compose(
            [
                transforms.Resize(side, transforms.InterpolationMode.BICUBIC),
                transforms.CenterCrop(side),
                transforms.PILToTensor(),
            ]
        )
        for width, height in ((40, 31), (31, 40), (16, 17), (17, 16), (100, 9), (23, 23)):
            pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
            picture = Image.fromarray(pixels)
            assert (prepared(picture, side) == expected(picture)).all()
