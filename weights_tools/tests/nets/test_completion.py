"""Image completion: its input, and the networks against torch.nn's modules."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert import completion as converter
from weights_tools.convert.completion import ORDERS, Options, network_layers
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
from weights_tools.tests.support.completion import checkpoint, discriminators
from weights_tools.tests.support.tensors import double, relative_l2

BOTH_ORDERS = pytest.mark.parametrize("order", ORDERS)
BOTH_INPUTS = pytest.mark.parametrize("channels", [3, 4])

# Weights, biases, scales and shifts are rounded to float32, each by 2**-24 of itself; over 17
# layers such errors partly cancel.
ROUNDED = 8 * 2.0**-24

pytestmark = pytest.mark.usefixtures("on_one_thread")


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
    assert relative_l2(trace["conv17"], expected) < ROUNDED


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
    assert relative_l2(completion(exact, inputs)["conv17"], expected) < 1e-12


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
    assert relative_l2(discriminate(double(tensors), *seen), expected) < ROUNDED


@BOTH_ORDERS
def test_random_weights_keep_the_magnitude(order: str) -> None:
    tensors, _ = converter.convert(checkpoint(order), Options(order))
    trace = completion(tensors, prepared(*picture(128, 128), Preparation()).float())
    deviations = [float(tensor.std()) for tensor in trace.values()]
    assert all(0.15 < deviation < 2 for deviation in deviations[:-1])
    assert deviations[-1] > 0.05
    assert trace["conv17"].min() > 0.002
    assert trace["conv17"].max() < 0.998
