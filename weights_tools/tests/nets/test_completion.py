"""Image completion: the networks against torch.nn's modules, and the conversion of checkpoints."""

import json
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weights_tools import safetensors_file
from weights_tools.checkpoints import Checkpoint
from weights_tools.convert import completion as converter
from weights_tools.convert.__main__ import main
from weights_tools.convert.completion import ORDERS, Options, discriminator_layers, network_layers
from weights_tools.convert.random_completion import random_checkpoint, random_discriminators
from weights_tools.nets.completion import (
    MEAN_SUBTRACTED,
    Preparation,
    completed,
    completion,
    cropped,
    prepared,
    reflected,
)
from weights_tools.nets.completion_discriminator import discriminate
from weights_tools.tests.support.checkpoint_lists import of_file, written_out
from weights_tools.tests.support.public_completion import DISCRIMINATORS, NETWORK

BOTH_ORDERS = pytest.mark.parametrize("order", ORDERS)
BOTH_INPUTS = pytest.mark.parametrize("channels", [3, 4])

# Weights, biases, scales and shifts are rounded to float32, each by 2**-24 of itself; over 17
# layers such errors partly cancel.
ROUNDED = 8 * 2.0**-24


pytestmark = pytest.mark.usefixtures("on_one_thread")


@cache
def checkpoint(order: str, channels: int = 4) -> Checkpoint:
    """Not to be changed: copy its tensors first."""
    random = random_checkpoint(order, seed=7)
    first = random.tensors["conv1.weight"]
    return Checkpoint("in.pth", "", random.tensors | {"conv1.weight": first[:, :channels]})


@cache
def discriminators(order: str) -> Checkpoint:
    return random_discriminators(order, seed=7)


def published(checkpoint: Checkpoint, order: str) -> nn.Module:
    """The module with this state, in float64; its layers are read off the checkpoint's names."""
    module = nn.Module()
    for name in [name for name in checkpoint.tensors if name.endswith(".weight")]:
        layer, shape = name.removesuffix(".weight"), checkpoint.tensors[name].shape
        owner = module
        *owners, last = layer.split(".")
        for part in owners:
            if not hasattr(owner, part):
                owner.add_module(part, nn.Module())
            owner = getattr(owner, part)
        owner.add_module(last, _module(last, shape))
    module.double().eval().load_state_dict(checkpoint.tensors)
    return module


def _module(name: str, shape: torch.Size) -> nn.Module:
    dilation = {"conv7": 2, "conv8": 4, "conv9": 8, "conv10": 16}.get(name, 1)
    if name.startswith("bn"):
        return nn.BatchNorm2d(shape[0])
    if name.startswith("linear"):
        return nn.Linear(shape[1], shape[0])
    if name.startswith("deconv"):
        return nn.ConvTranspose2d(shape[0], shape[1], 4, stride=2, padding=1)
    return nn.Conv2d(
        shape[1], shape[0], shape[2], padding=shape[2] // 2 * dilation, dilation=dilation
    )


def normalised(norm: nn.Module, x: Tensor, order: str) -> Tensor:
    return norm(F.relu(x)) if order == "relu-bn" else F.relu(norm(x))


def run_published(net: nn.Module, x: Tensor, order: str) -> Tensor:
    for number in range(1, 17):
        conv = getattr(net, f"deconv{number}" if number in (13, 15) else f"conv{number}")
        if number in (2, 4):
            conv.stride = (2, 2)
        x = normalised(getattr(net, f"bn{number}"), conv(x), order)
    return torch.sigmoid(net.conv17(x))


def distance(actual: Tensor, expected: Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())


def double(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.double() for name, tensor in tensors.items()}


def picture(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Smooth noise, and a mask whose hole touches the border."""
    generator = torch.Generator().manual_seed(11)
    coarse = torch.rand(1, 3, 5, 5, generator=generator, dtype=torch.float64)
    mask = torch.zeros(1, 1, height, width, dtype=torch.float64)
    mask[..., height // 3 :, width // 4 : width // 2] = 1
    return F.interpolate(coarse, (height, width), mode="bilinear"), mask


# The input.


@pytest.mark.parametrize("size", [(4, 8), (9, 11), (14, 5), (6, 7)])
def test_reflection_is_that_of_pytorch(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size)
    bottom, right = (-side % 4 for side in size)
    assert torch.equal(reflected(x), F.pad(x, (0, right, 0, bottom), mode="reflect"))


def test_reflection_of_few_pixels_goes_to_and_fro() -> None:
    assert reflected(torch.tensor([[1.0, 2.0]])).tolist() == [[1.0, 2.0, 1.0, 2.0]] * 4
    assert reflected(torch.tensor([[1.0], [2.0], [3.0]]))[:, 0].tolist() == [1.0, 2.0, 3.0, 2.0]
    assert reflected(torch.tensor([[5.0]])).tolist() == [[5.0] * 4] * 4


def test_the_mean_is_in_the_hole() -> None:
    image, mask = picture(9, 14)
    inputs = prepared(image, mask, Preparation(mean=(0.2, 0.4, 0.6)))
    assert inputs.shape == (1, 4, 12, 16)
    hole = reflected(mask)[0, 0].bool()
    assert torch.equal(inputs[0, 3].bool(), hole)
    for channel, mean in enumerate((0.2, 0.4, 0.6)):
        assert (inputs[0, channel][hole] == mean).all()
        assert torch.equal(inputs[0, channel][~hole], reflected(image)[0, channel][~hole])


def test_the_mean_is_subtracted() -> None:
    image, mask = picture(8, 12)
    mean = torch.tensor([0.2, 0.4, 0.6], dtype=torch.float64)
    inputs = prepared(image, mask, Preparation(MEAN_SUBTRACTED, (0.2, 0.4, 0.6), channels=3))
    hole = mask[0, 0].bool()
    assert inputs.shape == (1, 3, 8, 12)
    assert not inputs[0, :, hole].any()
    assert torch.equal(inputs[0, :, ~hole], image[0, :, ~hole] - mean[:, None])


def test_the_picture_is_kept_around_the_hole() -> None:
    image, mask = picture(9, 14)
    raw = cropped(torch.full((1, 3, 12, 16), 0.25).double(), image)
    result = completed(image, mask, raw)
    hole = mask[0, 0].bool()
    assert (result[0, :, hole] == 0.25).all()
    assert torch.equal(result[0, :, ~hole], image[0, :, ~hole])


# The networks.


@BOTH_ORDERS
@BOTH_INPUTS
def test_the_network_is_the_published_one(order: str, channels: int) -> None:
    tensors, _ = converter.convert(checkpoint(order, channels), Options(order))
    image, mask = picture(39, 53)
    inputs = prepared(image, mask, Preparation(channels=channels))
    expected = run_published(published(checkpoint(order, channels), order), inputs, order)
    trace = completion(double(tensors), inputs)
    assert list(trace) == ["input", *network_layers(channels)]
    assert all(tensor.dtype == torch.float64 for tensor in trace.values())
    assert trace["conv12"].shape == (1, 256, 10, 14)
    assert trace["conv17"].shape == (1, 3, 40, 56)
    assert distance(trace["conv17"], expected) < ROUNDED


@BOTH_ORDERS
def test_nothing_but_rounding_is_lost(order: str) -> None:
    """In float64, before it is rounded, the conversion is exact."""
    exact = {
        f"{name}.{part}": tensor
        for name, layer in network_layers(4).items()
        for part, tensor in layer.canonical(checkpoint(order), order).items()
    }
    tensors, _ = converter.convert(checkpoint(order), Options(order))
    assert tensors.keys() == exact.keys()
    assert all(torch.equal(tensors[name], tensor.float()) for name, tensor in exact.items())
    inputs = prepared(*picture(24, 32), Preparation())
    expected = run_published(published(checkpoint(order), order), inputs, order)
    assert distance(completion(exact, inputs)["conv17"], expected) < 1e-12


@BOTH_ORDERS
def test_the_discriminators_are_the_published_ones(order: str) -> None:
    tensors, _ = converter.convert(checkpoint(order), Options(order), discriminators(order))
    net = published(discriminators(order), order)
    generator = torch.Generator().manual_seed(3)
    seen = [
        torch.rand(2, 3, size, size, generator=generator, dtype=torch.float64)
        for size in (128, 256)
    ]
    features: list[Tensor] = []
    for branch, x, convolutions in ((net.model_ld, seen[0], 5), (net.model_gd, seen[1], 6)):
        for number in range(1, convolutions + 1):
            conv = getattr(branch, f"conv{number}")
            conv.stride = (2, 2)
            x = normalised(getattr(branch, f"bn{number}"), conv(x), order)
        features.append(F.relu(getattr(branch, f"linear{convolutions + 1}")(x.flatten(1))))
    expected = torch.sigmoid(net.linear1(torch.cat(features, dim=1))).flatten()
    assert (expected - 0.5).abs().max() < 0.4  # far from saturated
    assert distance(discriminate(double(tensors), *seen), expected) < ROUNDED


@BOTH_ORDERS
def test_random_weights_keep_the_magnitude(order: str) -> None:
    tensors, _ = converter.convert(checkpoint(order), Options(order))
    trace = completion(tensors, prepared(*picture(128, 128), Preparation()).float())
    deviations = [float(tensor.std()) for tensor in trace.values()]
    assert all(0.15 < deviation < 2 for deviation in deviations[:-1])
    assert deviations[-1] > 0.05
    assert trace["conv17"].min() > 0.002
    assert trace["conv17"].max() < 0.998


# Conversion.


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
    source, output = tmp_path / "in.pth", tmp_path / "out.safetensors"
    torch.save({f"module.{n}": t for n, t in checkpoint(order).tensors.items()}, source)
    assert main(["completion", str(source), str(output), *options]) == 0
    return safetensors_file.read(output)


@BOTH_ORDERS
def test_conversion_of_a_file(order: str, tmp_path: Path) -> None:
    contents = convert(
        tmp_path, order, "--order", order, "--input", "mean-subtracted", "--mean", "0.25,1,0"
    )
    expected, _ = converter.convert(checkpoint(order), Options(order))
    assert contents.tensors.keys() == expected.keys()
    assert all(torch.equal(contents.tensors[name], t) for name, t in expected.items())
    assert contents.tensors["deconv13.weight"].shape == (256, 128, 4, 4)
    assert ("conv1.scale" in contents.tensors) == (order == "relu-bn")
    assert contents.metadata["hewn.model"] == "completion"
    assert contents.metadata["hewn.source"] == "in.pth"
    assert json.loads(contents.metadata["hewn.config"]) == {
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
    assert json.loads(contents.metadata["hewn.config"]) == {
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
    config = json.loads(contents.metadata["hewn.config"])
    assert (config["order"], config["channels"]) == ("bn-relu", 4)
    assert config["discriminators"] is True
    expected, _ = converter.convert(checkpoint("bn-relu"), Options("bn-relu"))
    assert all(torch.equal(contents.tensors[name], t) for name, t in expected.items())


# Refusals.


def changed(checkpoint: Checkpoint) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in checkpoint.tensors.items()}


def refusal(
    tensors: dict[str, Tensor],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *options: str,
) -> list[str]:
    source, output = tmp_path / "in.pth", tmp_path / "out.safetensors"
    torch.save(tensors, source)
    assert main(["completion", str(source), str(output), *options]) == 1
    assert not output.exists()
    return capsys.readouterr().err.splitlines()


def test_all_that_is_wrong_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = changed(checkpoint("relu-bn"))
    del tensors["bn3.bias"], tensors["bn16.num_batches_tracked"]
    tensors["bn17.weight"] = torch.zeros(3)
    tensors["deconv13.weight"] = torch.zeros(128, 256, 4, 4)
    tensors["conv9.bias"][1] = torch.nan
    assert refusal(tensors, tmp_path, capsys) == [
        "convert: in.pth: does not fit the form completion:",
        "  missing: bn3.bias",
        "  left over: bn17.weight",
        "  wrong: deconv13.weight is float32 128x256x4x4, expected float32 256x128x4x4",
        "  holds NaN or infinity: conv9.bias",
    ]


def test_neither_3_nor_4_channels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = changed(checkpoint("relu-bn")) | {"conv1.weight": torch.zeros(64, 5, 5, 5)}
    message = refusal(tensors, tmp_path, capsys)[1]
    assert message == "  wrong: conv1.weight is float32 64x5x5x5, expected float32 64x4x5x5"


@BOTH_ORDERS
def test_a_negative_variance(
    order: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = changed(checkpoint(order))
    tensors["bn15.running_var"][3] = -1
    assert refusal(tensors, tmp_path, capsys, "--order", order) == [
        "convert: in.pth: bn15.running_var holds a negative variance"
    ]


def test_folding_beyond_float32(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = changed(checkpoint("bn-relu"))
    tensors["bn13.weight"][0] = 3e38
    tensors["bn13.running_var"][0] = 0
    message = refusal(tensors, tmp_path, capsys, "--order", "bn-relu")[0]
    assert "float32 cannot hold deconv13.weight, deconv13.bias" in message


def test_another_networks_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    beside = tmp_path / "d.pth"
    torch.save({"fnet.conv1.weight": torch.zeros(1)}, beside)
    network = changed(checkpoint("relu-bn"))
    for tensors, options in (
        ({"fnet.conv1.weight": torch.zeros(1)}, []),
        (network, ["--discriminator", str(beside)]),
    ):
        message = refusal(tensors, tmp_path, capsys, *options)[0]
        assert "no tensor of any GLCIC form is in it" in message


def test_discriminators_for_small_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = tmp_path / "d.pth"
    torch.save({"model_gd.linear6.weight": torch.zeros(1024, 12800)}, beside)
    options = ["--discriminator", str(beside)]
    message = refusal(changed(checkpoint("relu-bn")), tmp_path, capsys, *options)[0]
    assert "d.pth: model_gd is of the port's form for small pictures" in message
    assert "expected the paper's for 256 x 256" in message


def test_an_output_that_is_the_discriminator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, beside = tmp_path / "in.pth", tmp_path / "d.pth"
    torch.save(checkpoint("relu-bn").tensors, source)
    torch.save({"linear1.bias": torch.zeros(1)}, beside)
    before = beside.read_bytes()
    options = ["--discriminator", str(beside)]
    assert main(["completion", str(source), str(beside), *options]) == 1
    assert "would replace the input" in capsys.readouterr().err
    assert beside.read_bytes() == before


@pytest.mark.parametrize(
    "options",
    ["--mean 0.5", "--mean 0.5,0.5,nan", "--mean 0.5,0.5,1.5", "--mean a,b,c", "--order relu"],
)
def test_wrong_usage_exits_with_2(options: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["completion", "in.pth", "out.safetensors", *options.split()])
    assert stopped.value.code == 2
