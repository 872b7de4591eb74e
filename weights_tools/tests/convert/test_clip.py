"""CLIP's conversion of OpenAI's form: names, sizes and options, and what must be refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from weights_tools.convert import clip
from weights_tools.convert.merges import load_merges
from weights_tools.convert.random_clip import FORMS, random_checkpoint
from weights_tools.nets.clip import Settings
from weights_tools.tests.convert.conftest import Refusal
from weights_tools.tests.support.checkpoint_lists import of_file
from weights_tools.tests.support.clip import CONFIG, SIZES, assert_same_weights, extras, published
from weights_tools.tests.support.conversion import config, converted, drawn, saved

pytestmark = pytest.mark.usefixtures("on_one_thread")


@pytest.mark.parametrize("half", [False, True])
def test_a_state_dict(half: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contents = converted("clip", saved(tmp_path, published(half) | extras()))
    assert_same_weights(contents.tensors, published(half))
    assert torch.equal(contents.tensors[clip.MERGES], load_merges(None))
    assert contents.metadata["hewn.model"] == "clip"
    assert config(contents) == CONFIG
    assert "the activation is the default of the form openai" in capsys.readouterr().out


def test_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--activation", "gelu", "--image-heads", "4", "--text-heads", "2"]
    options += ["--mean", "0,0.5,1", "--std", "1,0.5,0.25"]
    contents = converted("clip", saved(tmp_path, published()), *options)
    assert config(contents) == {
        "form": "openai",
        "activation": "gelu",
        "image_heads": 4,
        "text_heads": 2,
        "mean": [0, 0.5, 1],
        "std": [1, 0.5, 0.25],
    }
    assert "the activation is" not in capsys.readouterr().out
    weights, settings = clip.load_network(tmp_path / "out.safetensors")
    assert settings == Settings("gelu", 4, 2, [0, 0.5, 1], [1, 0.5, 0.25])
    assert clip.read_sizes("", "", weights) == SIZES


def test_names_and_shapes_are_the_published_ones(shared_data: Path) -> None:
    listed = of_file(shared_data.parent / "checkpoints" / "clip_vit_b16.tsv")
    specs = clip.specs(FORMS["vit-b-16"])
    assert {name: ("float32", spec.shape) for name, spec in specs.items()} == listed


def test_names_and_shapes_are_open_clips() -> None:
    open_clip = pytest.importorskip("open_clip")
    for form, name in (("vit-b-32", "ViT-B-32"), ("vit-l-14", "ViT-L-14")):
        with torch.device("meta"):
            model = open_clip.model.CLIP(**open_clip.get_model_config(name))
        expected = {name: tuple(t.shape) for name, t in model.state_dict().items()}
        assert {n: spec.shape for n, spec in clip.specs(FORMS[form]).items()} == expected


def test_random_checkpoints_repeat(tmp_path: Path) -> None:
    drawn(tmp_path, "random-clip", "tiny", "--half")


# Refusals.


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"visual.conv1.weight": None}, [], "missing: visual.conv1.weight"),
        ({"ln_final.bias": None}, [], "missing: ln_final.bias"),
        (
            {"transformer.resblocks.0.ln_1.weight": None},
            [],
            "missing: transformer.resblocks.0.ln_1.weight",
        ),
        ({"visual.ln_extra.weight": torch.zeros(1)}, [], "left over: visual.ln_extra.weight"),
        ({"visual.layer1.0.conv1.weight": torch.zeros(1)}, [], "its image tower is a ResNet"),
        ({"visual.proj": torch.zeros(128, 40)}, [], "visual.proj is float32 128x40, expected"),
        ({"visual.proj": torch.zeros(128, 48).double()}, [], "visual.proj is float64 128x48"),
        ({"ln_final.bias": torch.full((64,), torch.inf)}, [], "holds NaN or infinity: ln_final"),
        ({"visual.conv1.weight": torch.zeros(3)}, [], "visual.conv1.weight is 3, expected 4 dim"),
        ({"visual.positional_embedding": torch.zeros(19, 128)}, [], "is for 19 tokens, expected"),
        (
            {"token_embedding.weight": torch.zeros(600, 64)},
            [],
            "a vocabulary of 600 tokens needs 86 merges, but there are 48894",
        ),
        ({}, ["--image-heads", "3"], "image tower's width of 128 cannot be split into 3"),
    ],
)
def test_refusals(
    changes: dict[str, Tensor | None],
    options: list[str],
    message: str,
    tmp_path: Path,
    refusal: Refusal,
) -> None:
    tensors = {n: t for n, t in (published() | changes).items() if t is not None}
    assert message in refusal("clip", saved(tmp_path, tensors), *options)


def test_a_width_that_is_no_multiple_of_64(tmp_path: Path, refusal: Refusal) -> None:
    sizes = clip.Sizes(clip.TowerSizes(80, 160, 1), SIZES.text, 48, 8, 2, 49408, 77)
    source = saved(tmp_path, random_checkpoint(sizes, seed=0).tensors)
    assert "cannot be split into heads of 64; --image-heads" in refusal("clip", source)
    assert config(converted("clip", source, "--image-heads", "5"))["image_heads"] == 5
