"""CLIP's conversion of open_clip's and transformers' forms, and the configurations beside them."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from weights_tools import safetensors_file
from weights_tools.convert import clip
from weights_tools.nets.clip import encoded_texts, image_tower, unit_length
from weights_tools.tests.convert.conftest import Refusal
from weights_tools.tests.support.clip import CONFIG, assert_same_weights, published
from weights_tools.tests.support.conversion import config, converted, saved
from weights_tools.tests.support.tensors import double

pytestmark = pytest.mark.usefixtures("on_one_thread")


# open_clip's.


def test_a_checkpoint_of_open_clips_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {f"module.{name}": tensor for name, tensor in published().items()}
    contents = converted("clip", saved(tmp_path, {"epoch": 3, "name": "x", "state_dict": names}))
    assert_same_weights(contents.tensors, published())
    assert config(contents) == CONFIG | {"form": "open_clip", "activation": "gelu"}
    assert "the default of the form open_clip; --activation" in capsys.readouterr().out


def test_a_text_tower_of_its_own(tmp_path: Path) -> None:
    own = {
        name if name.startswith("visual.") or name == "logit_scale" else f"text.{name}": tensor
        for name, tensor in published().items()
    }
    own["logit_scale"] = own["logit_scale"].reshape(1)
    contents = converted("clip", saved(tmp_path, own | {"text.attn_mask": torch.zeros(77, 77)}))
    assert_same_weights(contents.tensors, published())
    assert config(contents)["form"] == "open_clip"


def test_open_clips_configuration(
    tmp_path: Path, refusal: Refusal, capsys: pytest.CaptureFixture[str]
) -> None:
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
    contents = converted("clip", tmp_path / "open_clip_model.safetensors", "--text-heads", "2")
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
        assert message in refusal("clip", tmp_path / "open_clip_model.safetensors")


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

    contents = converted("clip", transformers_folder / "model.safetensors")
    assert config(contents) == CONFIG | {
        "form": "transformers",
        "activation": "gelu",
        "text_heads": 2,
    }
    weights, settings = clip.load_network(transformers_folder / "out.safetensors")
    model = transformers.CLIPModel.from_pretrained(transformers_folder).double().eval()
    pictures = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    tokens = torch.zeros(3, 77, dtype=torch.int64)
    for row, length in zip(tokens, (1, 20, 75), strict=True):
        row[0], row[length + 1] = 49406, 49407
        row[1 : length + 1] = torch.randint(49406, (length,))
    expected = model(input_ids=tokens, pixel_values=pictures)
    images = unit_length(image_tower(double(weights), settings, pictures))
    texts = unit_length(encoded_texts(double(weights), settings, tokens))
    assert torch.allclose(images, expected.image_embeds, rtol=0, atol=1e-13)
    assert torch.allclose(texts, expected.text_embeds, rtol=0, atol=1e-13)


def test_transformers_without_a_configuration(
    transformers_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whose older files hold the numbers of the positions as well."""
    tensors = safetensors_file.read(transformers_folder / "model.safetensors").tensors
    tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    (transformers_folder / "config.json").unlink()
    contents = converted("clip", saved(transformers_folder, tensors))
    assert config(contents) == CONFIG | {"form": "transformers"}
    assert "the default of the form transformers" in capsys.readouterr().out


def test_transformers_that_do_not_fit(transformers_folder: Path, refusal: Refusal) -> None:
    beside, source = transformers_folder / "config.json", transformers_folder / "model.safetensors"
    document = json.loads(beside.read_text())
    document["text_config"]["hidden_act"] = "relu"
    beside.write_text(json.dumps(document))
    assert "hidden_act is gelu and relu" in refusal("clip", source)
    document["text_config"] |= {"hidden_act": "gelu", "layer_norm_eps": 1e-6}
    beside.write_text(json.dumps(document))
    assert "layer_norm_eps is not 1e-05" in refusal("clip", source)
    beside.unlink()

    tensors = safetensors_file.read(source).tensors
    layer = "vision_model.encoder.layers.1.self_attn"
    del tensors[f"{layer}.k_proj.bias"], tensors["visual_projection.weight"]
    message = refusal("clip", saved(transformers_folder, tensors))
    assert "missing: visual.proj, visual.transformer.resblocks.1.attn.in_proj_bias" in message
    assert f"left over: {layer}.q_proj.bias, {layer}.v_proj.bias" in message
