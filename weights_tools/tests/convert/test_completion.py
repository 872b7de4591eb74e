"""The conversion of image completion: orders and options, and what must be refused."""

import json
from pathlib import Path

import pytest
import torch

from weights_tools import safetensors_file
from weights_tools.convert import completion as converter
from weights_tools.convert.__main__ import main
from weights_tools.convert.completion import ORDERS, Options, discriminator_layers, network_layers
from weights_tools.nets.completion import MEAN_SUBTRACTED, Preparation
from weights_tools.tests.convert.conftest import Refusal
from weights_tools.tests.support.checkpoint_lists import of_file, written_out
from weights_tools.tests.support.completion import checkpoint, discriminators
from weights_tools.tests.support.conversion import config, converted, saved
from weights_tools.tests.support.public_completion import DISCRIMINATORS, NETWORK
from weights_tools.tests.support.tensors import assert_same, copied

BOTH_ORDERS = pytest.mark.parametrize("order", ORDERS)

pytestmark = pytest.mark.usefixtures("on_one_thread")


def test_the_names_are_those_of_the_checkpoints(shared_data: Path) -> None:
    def of_layers(layers: dict[str, converter.PublicLayer]) -> dict[str, object]:
        return {
            name: (str(spec.dtype).removeprefix("torch."), spec.shape)
            for name, spec in converter.specs(layers).items()
        }

    assert of_layers(network_layers(4)) == written_out(NETWORK)
    assert of_layers(discriminator_layers()) == written_out(DISCRIMINATORS)
    lists = shared_data.parent / "checkpoints"
    assert of_file(lists / "completion_glcic.tsv") == written_out(NETWORK)


def convert(tmp_path: Path, order: str, *options: str) -> safetensors_file.Contents:
    tensors = {f"module.{n}": t for n, t in checkpoint(order).tensors.items()}
    return converted("completion", saved(tmp_path, tensors), *options)


@BOTH_ORDERS
def test_conversion_of_a_file(order: str, tmp_path: Path) -> None:
    contents = convert(
        tmp_path, order, "--order", order, "--input", "mean-subtracted", "--mean", "0.25,1,0"
    )
    expected, _ = converter.convert(checkpoint(order), Options(order))
    assert_same(contents.tensors, expected)
    assert contents.tensors["deconv13.weight"].shape == (256, 128, 4, 4)
    assert ("conv1.scale" in contents.tensors) == (order == "relu-bn")
    assert contents.metadata["hewn.model"] == "completion"
    assert contents.metadata["hewn.source"] == "in.pth"
    assert config(contents) == {
        "order": order,
        "input": "mean-subtracted",
        "mean": [0.25, 1.0, 0.0],
        "channels": 4,
        "discriminators": False,
    }
    tensors, preparation = converter.load_network(tmp_path / "out.safetensors")
    assert tensors.keys() == expected.keys()
    assert preparation == Preparation(MEAN_SUBTRACTED, (0.25, 1.0, 0.0), 4)


def test_the_order_is_the_ports_by_default(tmp_path: Path) -> None:
    contents = convert(tmp_path, "relu-bn")
    assert config(contents) == {
        "order": "relu-bn",
        "input": "mean-filled",
        "mean": [0.5, 0.5, 0.5],
        "channels": 4,
        "discriminators": False,
    }
    parts = {name.split(".")[1] for name in contents.tensors}
    assert parts == {"weight", "bias", "scale", "shift"}
    assert "conv17.scale" not in contents.tensors


def test_fully_connected_layers_become_convolutions() -> None:
    tensors, metadata = converter.convert(
        checkpoint("bn-relu"), Options("bn-relu"), discriminators("bn-relu")
    )
    assert json.loads(metadata["hewn.config"])["discriminators"] is True
    matrix = discriminators("bn-relu").tensors["model_gd.linear7.weight"]
    assert torch.equal(tensors["global.linear7.weight"], matrix.reshape(1024, 512, 4, 4))
    assert tensors["local.linear6.weight"].shape == (1024, 512, 4, 4)
    assert tensors["joint.linear.weight"].shape == (1, 2048, 1, 1)
    assert "global.conv6.weight" in tensors


def test_random_files(tmp_path: Path) -> None:
    path = tmp_path / "random.safetensors"
    assert main(["random-completion", "bn-relu", str(path), "--seed", "7"]) == 0
    contents = safetensors_file.read(path)
    path.unlink()  # 200 MB
    settings = config(contents)
    assert (settings["order"], settings["channels"]) == ("bn-relu", 4)
    assert settings["discriminators"] is True
    expected, _ = converter.convert(checkpoint("bn-relu"), Options("bn-relu"))
    assert all(torch.equal(contents.tensors[name], t) for name, t in expected.items())


# Refusals.


def test_all_that_is_wrong_is_named(tmp_path: Path, refusal: Refusal) -> None:
    tensors = copied(checkpoint("relu-bn").tensors)
    del tensors["bn3.bias"], tensors["bn16.num_batches_tracked"]
    tensors["bn17.weight"] = torch.zeros(3)
    tensors["deconv13.weight"] = torch.zeros(128, 256, 4, 4)
    tensors["conv9.bias"][1] = torch.nan
    assert refusal("completion", saved(tmp_path, tensors)).splitlines() == [
        "convert: in.pth: does not fit the form completion:",
        "  missing: bn3.bias",
        "  left over: bn17.weight",
        "  wrong: deconv13.weight is float32 128x256x4x4, expected float32 256x128x4x4",
        "  holds NaN or infinity: conv9.bias",
    ]


def test_neither_3_nor_4_channels(tmp_path: Path, refusal: Refusal) -> None:
    tensors = checkpoint("relu-bn").tensors | {"conv1.weight": torch.zeros(64, 5, 5, 5)}
    message = refusal("completion", saved(tmp_path, tensors)).splitlines()[1]
    assert message == "  wrong: conv1.weight is float32 64x5x5x5, expected float32 64x4x5x5"


@BOTH_ORDERS
def test_a_negative_variance(order: str, tmp_path: Path, refusal: Refusal) -> None:
    tensors = copied(checkpoint(order).tensors)
    tensors["bn15.running_var"][3] = -1
    assert refusal("completion", saved(tmp_path, tensors), "--order", order).splitlines() == [
        "convert: in.pth: bn15.running_var holds a negative variance"
    ]


def test_folding_beyond_float32(tmp_path: Path, refusal: Refusal) -> None:
    tensors = copied(checkpoint("bn-relu").tensors)
    tensors["bn13.weight"][0] = 3e38
    tensors["bn13.running_var"][0] = 0
    message = refusal("completion", saved(tmp_path, tensors), "--order", "bn-relu")
    assert "float32 cannot hold deconv13.weight, deconv13.bias" in message


def test_another_networks_checkpoint(tmp_path: Path, refusal: Refusal) -> None:
    another = {"fnet.conv1.weight": torch.zeros(1)}
    beside = ["--discriminator", str(saved(tmp_path, another, "d.pth"))]
    for tensors, options in ((another, []), (checkpoint("relu-bn").tensors, beside)):
        message = refusal("completion", saved(tmp_path, tensors), *options)
        assert "no tensor of any GLCIC form is in it" in message


def test_discriminators_for_small_pictures(tmp_path: Path, refusal: Refusal) -> None:
    beside = saved(tmp_path, {"model_gd.linear6.weight": torch.zeros(1024, 12800)}, "d.pth")
    options = ["--discriminator", str(beside)]
    message = refusal("completion", saved(tmp_path, checkpoint("relu-bn").tensors), *options)
    assert "d.pth: model_gd is of the port's form for small pictures" in message
    assert "expected the paper's for 256 x 256" in message


def test_an_output_that_is_the_discriminator(tmp_path: Path, refusal: Refusal) -> None:
    source = saved(tmp_path, checkpoint("relu-bn").tensors)
    beside = saved(tmp_path, {"linear1.bias": torch.zeros(1)}, "d.pth")
    before = beside.read_bytes()
    message = refusal("completion", source, "--discriminator", str(beside), output=beside)
    assert "would replace the input" in message
    assert beside.read_bytes() == before
