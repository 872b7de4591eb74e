"""CLIP's conversion: each published form, and checkpoints that must be refused."""

import json
import os
import pickle
import warnings
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from weights_tools import safetensors_file, torchscript_archive
from weights_tools.convert import clip
from weights_tools.convert.__main__ import main
from weights_tools.convert.merges import load_merges
from weights_tools.convert.random_clip import FORMS, random_checkpoint
from weights_tools.nets.clip import (
    OPENAI_MEAN,
    OPENAI_STD,
    Settings,
    encoded_texts,
    image_tower,
    unit_length,
)
from weights_tools.tests.support.checkpoint_lists import of_file

pytestmark = pytest.mark.usefixtures("on_one_thread")

SIZES = FORMS["tiny"]
DEFAULTS = {
    "form": "openai",
    "activation": "quick_gelu",
    "image_heads": 2,
    "text_heads": 1,
    "mean": [*OPENAI_MEAN],
    "std": [*OPENAI_STD],
}


@cache
def published(half: bool = False) -> dict[str, Tensor]:
    """Under OpenAI's names. Not to be changed: copy it first."""
    return random_checkpoint(SIZES, seed=11, half=half).tensors


def extras() -> dict[str, Tensor]:
    """What OpenAI's files hold beside the weights."""
    sizes = {"input_resolution": 32, "context_length": 77, "vocab_size": 49408}
    return {name: torch.tensor(size) for name, size in sizes.items()}


def convert(source: Path, *options: str) -> safetensors_file.Contents:
    output = source.with_name("out.safetensors")
    assert main(["clip", str(source), str(output), *options]) == 0
    return safetensors_file.read(output)


def saved(folder: Path, checkpoint: object, name: str = "in.pt") -> Path:
    torch.save(checkpoint, folder / name)
    return folder / name


def config(contents: safetensors_file.Contents) -> dict[str, Any]:
    return json.loads(contents.metadata["hewn.config"])


def assert_same_tensors(actual: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """And the merges."""
    assert actual.keys() == expected.keys() | {clip.MERGES}
    for name, tensor in expected.items():
        assert actual[name].dtype == tensor.dtype
        assert torch.equal(actual[name], tensor), name


# OpenAI's.


@pytest.mark.parametrize("half", [False, True])
def test_a_state_dict(half: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contents = convert(saved(tmp_path, published(half) | extras()))
    assert_same_tensors(contents.tensors, published(half))
    assert torch.equal(contents.tensors[clip.MERGES], load_merges(None))
    assert contents.metadata["hewn.model"] == "clip"
    assert config(contents) == DEFAULTS
    assert "the activation is the default of the form openai" in capsys.readouterr().out


def test_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--activation", "gelu", "--image-heads", "4", "--text-heads", "2"]
    options += ["--mean", "0,0.5,1", "--std", "1,0.5,0.25"]
    contents = convert(saved(tmp_path, published()), *options)
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


# TorchScript archives.


class Node(nn.Module):
    """Holds tensors under dotted names, as nested modules."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def put(self, name: str, tensor: Tensor) -> None:
        first, _, rest = name.partition(".")
        if rest:
            if not hasattr(self, first):
                self.add_module(first, Node())
            getattr(self, first).put(rest, tensor)
        elif tensor.is_floating_point():
            self.register_parameter(first, nn.Parameter(tensor, requires_grad=False))
        else:
            self.register_buffer(first, tensor)


def archive(path: Path, tensors: dict[str, Tensor]) -> Path:
    root = Node()
    for name, tensor in tensors.items():
        root.put(name, tensor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.trace(root, torch.zeros(1)).save(str(path))
    return path


def test_a_torchscript_archive(tmp_path: Path) -> None:
    source = archive(tmp_path / "ViT.pt", published(half=True) | extras())
    contents = convert(source)
    assert_same_tensors(contents.tensors, published(half=True))
    assert config(contents) == DEFAULTS


def test_an_archive_is_read_as_pytorch_reads_it(tmp_path: Path) -> None:
    """Views, types, and what is empty or no tensor at all."""
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    tensors = {
        "a.view": base.T,
        "a.b.part": base[1:, 2],
        "a.two_bytes": base.half(),
        "a.none": base[:0],
    }
    tensors |= {"count": torch.tensor(7), "flags": torch.tensor([True, False])}
    path = archive(tmp_path / "archive.pt", tensors)
    assert torchscript_archive.is_torchscript(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        expected = torch.jit.load(path).state_dict()
    actual = torchscript_archive.load_state_dict(path)
    assert actual.keys() == expected.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert actual[name].dtype == tensor.dtype
        assert torch.equal(actual[name], tensor)
    assert not torchscript_archive.is_torchscript(saved(tmp_path, tensors))


def test_an_archive_that_would_run_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "harm"),)

    source = tmp_path / "in.pt"
    with zipfile.ZipFile(source, "w") as file:
        file.writestr("in/data.pkl", pickle.dumps(Payload()))
        file.writestr("in/constants.pkl", b"")
        file.writestr("in/code/__torch__.py", b"")
    assert "other objects or is damaged" in refusal(source, capsys)
    assert not (tmp_path / "harm").exists()


def test_an_archive_with_a_tensor_beyond_its_storage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = archive(tmp_path / "whole.pt", {"a": torch.zeros(4)})
    source = tmp_path / "in.pt"
    with zipfile.ZipFile(whole) as file, zipfile.ZipFile(source, "w") as short:
        for name in file.namelist():
            data = file.read(name)
            short.writestr(name, data[:8] if name.endswith("/data/0") else data)
    assert "cannot be read as a PyTorch checkpoint" in refusal(source, capsys)


# open_clip's.


def test_a_checkpoint_of_open_clips_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {f"module.{name}": tensor for name, tensor in published().items()}
    contents = convert(saved(tmp_path, {"epoch": 3, "name": "x", "state_dict": names}))
    assert_same_tensors(contents.tensors, published())
    assert config(contents) == DEFAULTS | {"form": "open_clip", "activation": "gelu"}
    assert "the default of the form open_clip; --activation" in capsys.readouterr().out


def test_a_text_tower_of_its_own(tmp_path: Path) -> None:
    own = {
        name if name.startswith("visual.") or name == "logit_scale" else f"text.{name}": tensor
        for name, tensor in published().items()
    }
    own["logit_scale"] = own["logit_scale"].reshape(1)
    contents = convert(saved(tmp_path, own | {"text.attn_mask": torch.zeros(77, 77)}))
    assert_same_tensors(contents.tensors, published())
    assert config(contents)["form"] == "open_clip"


def test_open_clips_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = {
        "model_cfg": {
            "embed_dim": 48,
            "quick_gelu": True,
            "vision_cfg": {"width": 128, "head_width": 32},
            "text_cfg": {"width": 64, "heads": 4},
        },
        "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.5, 0.5]},
    }
    beside = tmp_path / "open_clip_config.json"
    beside.write_text(json.dumps(document))
    safetensors.torch.save_file(published(), tmp_path / "open_clip_model.safetensors")
    contents = convert(tmp_path / "open_clip_model.safetensors", "--text-heads", "2")
    assert config(contents) == {
        "form": "open_clip",
        "activation": "quick_gelu",
        "image_heads": 4,
        "text_heads": 2,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.5, 0.5],
    }
    assert "the activation is as open_clip_config.json says" in capsys.readouterr().out
    document["preprocess_cfg"]["resize_mode"] = "squash"
    for text, message in (
        (json.dumps(document), "resize_mode is squash, expected shortest"),
        ("{}", "open_clip_config.json: cannot be read as the configuration of a CLIP"),
        ("[", "open_clip_config.json: cannot be read as the configuration of a CLIP"),
    ):
        beside.write_text(text)
        assert message in refusal(tmp_path / "open_clip_model.safetensors", capsys)


# transformers'.


@pytest.fixture
def transformers_folder(tmp_path: Path) -> Path:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_act": "gelu", "num_hidden_layers": 2}
    configuration = transformers.CLIPConfig(
        text_config={
            **sizes,
            "hidden_size": 64,
            "intermediate_size": 256,
            "num_attention_heads": 2,
            "eos_token_id": 49407,
        },
        vision_config={
            **sizes,
            "hidden_size": 128,
            "intermediate_size": 512,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
        },
        projection_dim=48,
    )
    torch.manual_seed(12)
    model = transformers.CLIPModel(configuration)
    for parameter in model.parameters():
        parameter.add_(0.02 * torch.randn(parameter.shape))  # norms and biases are 1 and 0
    model.save_pretrained(tmp_path)
    return tmp_path


def test_transformers_compute_the_same(transformers_folder: Path) -> None:
    import transformers

    contents = convert(transformers_folder / "model.safetensors")
    assert config(contents) == DEFAULTS | {
        "form": "transformers",
        "activation": "gelu",
        "text_heads": 2,
    }
    weights, settings = clip.load_network(transformers_folder / "out.safetensors")
    weights = {n: t.double() if t.is_floating_point() else t for n, t in weights.items()}
    model = transformers.CLIPModel.from_pretrained(transformers_folder).double().eval()
    pictures = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    tokens = torch.zeros(3, 77, dtype=torch.int64)
    for row, length in zip(tokens, (1, 20, 75), strict=True):
        row[0], row[length + 1] = 49406, 49407
        row[1 : length + 1] = torch.randint(49406, (length,))
    expected = model(input_ids=tokens, pixel_values=pictures)
    images = unit_length(image_tower(weights, settings, pictures))
    texts = unit_length(encoded_texts(weights, settings, tokens))
    assert torch.allclose(images, expected.image_embeds, rtol=0, atol=1e-13)
    assert torch.allclose(texts, expected.text_embeds, rtol=0, atol=1e-13)


def test_transformers_without_a_configuration(
    transformers_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whose older files hold the numbers of the positions as well."""
    tensors = safetensors_file.read(transformers_folder / "model.safetensors").tensors
    tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    (transformers_folder / "config.json").unlink()
    contents = convert(saved(transformers_folder, tensors))
    assert config(contents) == DEFAULTS | {"form": "transformers"}
    assert "the default of the form transformers" in capsys.readouterr().out


def test_transformers_that_do_not_fit(
    transformers_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beside, source = transformers_folder / "config.json", transformers_folder / "model.safetensors"
    document = json.loads(beside.read_text())
    document["text_config"]["hidden_act"] = "relu"
    beside.write_text(json.dumps(document))
    assert "hidden_act is gelu and relu" in refusal(source, capsys)
    document["text_config"] |= {"hidden_act": "gelu", "layer_norm_eps": 1e-6}
    beside.write_text(json.dumps(document))
    assert "layer_norm_eps is not 1e-05" in refusal(source, capsys)
    beside.unlink()

    tensors = safetensors_file.read(source).tensors
    layer = "vision_model.encoder.layers.1.self_attn"
    del tensors[f"{layer}.k_proj.bias"], tensors["visual_projection.weight"]
    message = refusal(saved(transformers_folder, tensors), capsys)
    assert "missing: visual.proj, visual.transformer.resblocks.1.attn.in_proj_bias" in message
    assert f"left over: {layer}.q_proj.bias, {layer}.v_proj.bias" in message


# Refusals.


def refusal(source: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    output = source.with_name("refused.safetensors")
    assert main(["clip", str(source), str(output), *options]) == 1
    assert not output.exists()
    return capsys.readouterr().err


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
    capsys: pytest.CaptureFixture[str],
) -> None:
    tensors = {n: t for n, t in (published() | changes).items() if t is not None}
    assert message in refusal(saved(tmp_path, tensors), capsys, *options)


def test_a_width_that_is_no_multiple_of_64(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = clip.Sizes(clip.TowerSizes(80, 160, 1), SIZES.text, 48, 8, 2, 49408, 77)
    source = saved(tmp_path, random_checkpoint(sizes, seed=0).tensors)
    assert "cannot be split into heads of 64; --image-heads" in refusal(source, capsys)
    assert config(convert(source, "--image-heads", "5"))["image_heads"] == 5


@pytest.mark.parametrize(
    "arguments",
    [
        ["random-clip", "vit-x", "out"],
        ["clip", "in", "out", "--std", "1,0,1"],
        ["clip", "in", "out", "--image-heads", "0"],
        ["clip", "in", "out", "--activation", "relu"],
        ["prompts", "in", "out", "--method", "prograd"],
        ["random-prompts", "coop", "out"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_random_checkpoints_repeat(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abc"]
    for path, seed in zip(paths, ("5", "5", "6"), strict=True):
        assert main(["random-clip", "tiny", str(path), "--seed", seed, "--half"]) == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes() != paths[2].read_bytes()
