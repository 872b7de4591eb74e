"""The conversion of learned prompts: each method's names, templates, and what must be refused."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert import prompts
from weights_tools.convert.__main__ import main
from weights_tools.convert.prompts import Options
from weights_tools.convert.random_prompts import Amounts
from weights_tools.convert.random_prompts import random_checkpoint as random_prompts
from weights_tools.nets.clip_prompts import METHODS
from weights_tools.tests.convert.conftest import Refusal
from weights_tools.tests.support.checkpoint_lists import of_file
from weights_tools.tests.support.clip import SIZES
from weights_tools.tests.support.conversion import config, converted, drawn, saved

pytest.importorskip("open_clip")

pytestmark = pytest.mark.usefixtures("on_one_thread")

EXPECTED = {
    "coop": {"text.prompts.0": (16, 64)},
    "cocoop": {
        "text.prompts.0": (4, 64),
        "meta_net.linear1.weight": (3, 48),
        "meta_net.linear1.bias": (3,),
        "meta_net.linear2.weight": (64, 3),
        "meta_net.linear2.bias": (64,),
    },
    "vpt": {"image.prompts.0": (8, 128), "image.prompts.1": (8, 128)},
    "ivlp": {
        "text.prompts.0": (4, 64),
        "text.prompts.1": (4, 64),
        "image.prompts.0": (4, 128),
        "image.prompts.1": (4, 128),
    },
    "maple": {
        "text.prompts.0": (2, 64),
        "text.prompts.1": (2, 64),
        "coupling.0.weight": (128, 64),
        "coupling.0.bias": (128,),
        "coupling.1.weight": (128, 64),
        "coupling.1.bias": (128,),
    },
}


@pytest.mark.parametrize("method", METHODS)
def test_canonical_names_and_configuration(method: str) -> None:
    tensors, metadata = prompts.convert(random_prompts(method, SIZES, Amounts(), 1), Options())
    assert {name: tuple(t.shape) for name, t in tensors.items()} == EXPECTED[method]
    assert metadata["hewn.model"] == "clip-prompts"
    words = {"coop": "X " * 16 + "{}.", "vpt": None}
    assert json.loads(metadata["hewn.config"]) == {
        "method": method,
        "template": words.get(method, "a photo of a {}."),
        "class_position": "end",
        "labels": None,
    }


@pytest.mark.parametrize("method", METHODS)
def test_published_lists(method: str, shared_data: Path) -> None:
    """As the authors' training saves them; vpt has the rows of the image encoder alone."""
    name = "vpt_ivlp" if method in ("vpt", "ivlp") else method
    listed = of_file(shared_data.parent / "checkpoints" / f"{name}_prompts.tsv")
    published = {
        name: torch.zeros(shape) for name, (_, shape) in listed.items() if "token_" not in name
    }
    if method == "vpt":
        published = {n: t for n, t in published.items() if n.startswith("image_encoder.")}
    published |= {"token_prefix": torch.zeros(1, 1, 512), "token_suffix": torch.zeros(1)}
    tensors, metadata = prompts.convert(Checkpoint("in", "", published), Options())
    assert json.loads(metadata["hewn.config"])["method"] == method
    count = {"coop": 1, "cocoop": 5, "vpt": 9, "ivlp": 18, "maple": 27}
    assert len(tensors) == count[method]


def test_the_whole_model_may_come_along(tmp_path: Path) -> None:
    published = random_prompts("maple", SIZES, Amounts(), 1).tensors
    whole = {
        "image_encoder.conv1.weight": torch.zeros(3),
        "text_encoder.ln_final.weight": torch.zeros(3),
        "logit_scale": torch.zeros(()),
        "prompt_learner.token_prefix": torch.zeros(3),
    }
    source = saved(tmp_path, {"state_dict": published | whole, "epoch": 5}, "model.pth.tar-5")
    names = tmp_path / "names.txt"
    names.write_text("cat\ngolden_retriever\n\n")
    contents = converted("prompts", source, "--classnames", str(names))
    assert contents.tensors.keys() == EXPECTED["maple"].keys()
    assert config(contents)["labels"] == ["cat", "golden retriever"]
    learned = prompts.load_prompts(tmp_path / "out.safetensors")
    assert (learned.method, learned.class_position) == ("maple", "end")


def test_templates_follow_the_length() -> None:
    for method, length, template in (
        ("ivlp", 2, "a photo of a {}."),
        ("maple", 5, "X X X X X {}."),
        ("coop", 2, "X X {}."),
    ):
        published = random_prompts(method, SIZES, Amounts(length), 1)
        _, metadata = prompts.convert(published, Options())
        assert json.loads(metadata["hewn.config"])["template"] == template
    _, metadata = prompts.convert(published, Options(template="art of {}"))
    assert json.loads(metadata["hewn.config"])["template"] == "art of {}"


def test_half_stays_half() -> None:
    published = random_prompts("cocoop", SIZES, Amounts(), 1)
    half = {name: tensor.half() for name, tensor in published.tensors.items()}
    half["ctx"] = published.tensors["ctx"]
    tensors, _ = prompts.convert(Checkpoint("in", "", half), Options())
    assert tensors["meta_net.linear1.bias"].dtype == torch.float16
    assert tensors["text.prompts.0"].dtype == torch.float32


@pytest.mark.parametrize(
    ("method", "changes", "options", "message"),
    [
        ("vpt", {"image_encoder.VPT": None}, [], "missing: image.prompts.0"),
        (
            "maple",
            {"prompt_learner.compound_prompt_projections.0.bias": None},
            [],
            "missing: coupling.1.bias",
        ),
        ("maple", {"prompt_learner.ctx": torch.zeros(64)}, [], "is 64, expected 2 dimensions"),
        ("ivlp", {"prompt_learner.ctx": torch.zeros(3, 64)}, [], "wrong: text.prompts.1 is"),
        (
            "ivlp",
            {"image_encoder.transformer.resblocks.5.VPT_shallow": torch.zeros(4, 128)},
            [],
            "left over: image.prompts.5",
        ),
        ("cocoop", {"ctx": torch.full((4, 64), torch.nan)}, [], "holds NaN or infinity"),
        ("cocoop", {"ctx": torch.zeros(4, 64).double()}, [], "wrong: text.prompts.0 is float64"),
        ("coop", {"optimizer": torch.zeros(1)}, [], "but left over: optimizer"),
        ("coop", {"ctx": None, "other": torch.zeros(1)}, [], "no learned prompt is in it"),
        ("coop", {}, ["--method", "maple"], "missing: coupling.0.weight"),
        ("ivlp", {}, ["--method", "vpt"], "left over: text.prompts.0"),
        ("maple", {}, ["--class-position", "front"], "--class-position is an option of coop"),
        ("vpt", {}, ["--template", "{}"], "--template: no tokens of the text are replaced by vpt"),
        ("coop", {}, ["--template", "art"], "--template 'art': expected one {}, for the name"),
        ("coop", {"ctx": torch.zeros(3, 4, 64)}, ["--classnames", "NAMES"], "of 3 classes"),
        ("coop", {}, ["--classnames", "nowhere"], "nowhere: cannot be read as a list of names"),
    ],
)
def test_refusals(
    method: str,
    changes: dict[str, Tensor | None],
    options: list[str],
    message: str,
    tmp_path: Path,
    refusal: Refusal,
) -> None:
    tensors = random_prompts(method, SIZES, Amounts(), 1).tensors | changes
    names = tmp_path / "names.txt"
    names.write_text("cat\ndog\n")
    options = [str(names) if option == "NAMES" else option for option in options]
    source = saved(tmp_path, {n: t for n, t in tensors.items() if t is not None})
    assert message in refusal("prompts", source, *options)


def test_random_prompts_repeat_and_know_their_limits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = tmp_path / "clip"
    assert main(["random-clip", "tiny", str(network)]) == 0
    of_clip = ["--clip", str(network)]
    path, *_ = drawn(tmp_path, "random-prompts", "ivlp", *of_clip)
    for method, option, message in (
        ("vpt", ["--depth", "3"], "--depth: expected at most the 2 blocks of CLIP, but got 3"),
        ("coop", ["--depth", "1"], "--depth: coop has prompts before the first block alone"),
        ("maple", ["--classes", "3"], "--classes: only coop has a context for each class"),
    ):
        assert main(["random-prompts", method, str(path), *of_clip, *option]) == 1
        assert message in capsys.readouterr().err
