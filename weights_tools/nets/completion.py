"""Globally and Locally Consistent Image Completion (Iizuka, Simo-Serra, Ishikawa, 2017).

The completion network on the canonical tensors that weights_tools.convert writes. It runs in the
precision of its arguments: cast the weights and the input to float64 for the truth of the audit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from weights_tools.nets.layers import Layer, run

CELL = 4  # the network halves its input twice, and doubles it twice
MASKED_CHANNELS = 4  # a colour and the mask; older networks have the colour alone

MEAN_FILLED, MEAN_SUBTRACTED = "mean-filled", "mean-subtracted"

LAYERS: dict[str, Layer] = {
    "conv1": Layer(64, kernel=5, padding=2),
    "conv2": Layer(128, stride=2),
    "conv3": Layer(128),
    "conv4": Layer(256, stride=2),
    "conv5": Layer(256),
    "conv6": Layer(256),
    "conv7": Layer(256, dilation=2, padding=2),
    "conv8": Layer(256, dilation=4, padding=4),
    "conv9": Layer(256, dilation=8, padding=8),
    "conv10": Layer(256, dilation=16, padding=16),
    "conv11": Layer(256),
    "conv12": Layer(256),
    "deconv13": Layer(128, kernel=4, stride=2, transposed=True),
    "conv14": Layer(128),
    "deconv15": Layer(64, kernel=4, stride=2, transposed=True),
    "conv16": Layer(32),
    "conv17": Layer(3),
}
LAST = "conv17"  # a sigmoid follows it; every other layer ends with ReLU and batch norm


@dataclass(frozen=True)
class Preparation:
    """How a network wants its input: what is in the hole, and whether the mask comes along."""

    form: str = MEAN_FILLED
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    channels: int = MASKED_CHANNELS


def prepared(picture: Tensor, mask: Tensor, preparation: Preparation) -> Tensor:
    """The network's input from pictures (N, 3, H, W) of values 0 to 1 and masks (N, 1, H, W).

    Masks are 1 in the hole and 0 elsewhere. Both are padded to multiples of 4.
    """
    picture, mask = reflected(picture), reflected(mask)
    mean = picture.new_tensor(preparation.mean)[:, None, None]
    if preparation.form == MEAN_SUBTRACTED:
        colour = (picture - mean) * (1 - mask)
    else:
        colour = picture * (1 - mask) + mean * mask
    return torch.cat([colour, mask], dim=1) if preparation.channels == MASKED_CHANNELS else colour


def completion(weights: Mapping[str, Tensor], inputs: Tensor) -> dict[str, Tensor]:
    """The trace: "input", then each layer's output by its name, up to the picture in 0 to 1."""
    trace = {"input": inputs}
    x = inputs
    for name, layer in LAYERS.items():
        activation = torch.sigmoid if name == LAST else torch.relu
        x = trace[name] = run(layer, name, weights, x, activation)
    return trace


def cropped(padded: Tensor, picture: Tensor) -> Tensor:
    """What the padding added is at the right and at the bottom."""
    return padded[..., : picture.shape[-2], : picture.shape[-1]]


def completed(picture: Tensor, mask: Tensor, raw: Tensor) -> Tensor:
    """The network's output in the hole, and elsewhere the picture, to the bit."""
    return torch.where(mask.bool(), raw, picture)


def reflected(x: Tensor) -> Tensor:
    """Padding at the right and at the bottom to multiples of 4, without repeating the border."""
    rows, columns = (_reflected_places(size) for size in x.shape[-2:])
    return x[..., rows[:, None], columns]


def _reflected_places(size: int) -> Tensor:
    """Where each pixel of the padded side comes from; a side of one pixel repeats it."""
    period = max(2 * (size - 1), 1)
    places = torch.arange(-(-size // CELL) * CELL) % period
    return torch.minimum(places, period - places) if size > 1 else torch.zeros_like(places)
