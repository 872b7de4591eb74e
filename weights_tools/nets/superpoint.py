"""SuperPoint: Self-Supervised Interest Point Detection and Description (DeTone et al., 2018).

The network on the canonical tensors that weights_tools.convert writes, whichever public form they
come from. It runs in the precision of its arguments: cast the weights and the image to float64 for
the truth of the audit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from weights_tools.nets.layers import scaled_and_shifted

CELL = 8  # the encoder halves the image three times
POOLED = ".max_pool"  # after the name of the layer whose 2x2 maxima are meant


@dataclass(frozen=True)
class SuperPointOutput:
    """Dense outputs for images of H by W pixels, with h = H // 8 and w = W // 8."""

    semi: Tensor  # (N, 65, h, w): logits of the 64 pixels of a cell, then of the dustbin
    scores: Tensor  # (N, 8h, 8w): the heat map, before non-maximum suppression
    descriptors: Tensor | None  # (N, 256, h, w), of unit length; MagicPoint has none
    # "input", then each layer's output under the layer's name, before and, as `<name>.max_pool`,
    # after a pooling that follows it.
    trace: dict[str, Tensor]


@dataclass
class _Layers:
    """Runs layers by name on the tensors of that name, and remembers what came out."""

    weights: Mapping[str, Tensor]
    trace: dict[str, Tensor] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return f"{name}.weight" in self.weights

    def relu(self, name: str, x: Tensor) -> Tensor:
        return self._run(name, x, rectify=True)

    def linear(self, name: str, x: Tensor) -> Tensor:
        return self._run(name, x, rectify=False)

    def relu_pool(self, name: str, x: Tensor) -> Tensor:
        pooled = F.max_pool2d(self.relu(name, x), kernel_size=2, stride=2)
        self.trace[name + POOLED] = pooled
        return pooled

    def _run(self, name: str, x: Tensor, rectify: bool) -> Tensor:
        weight = self.weights[f"{name}.weight"]
        y = F.conv2d(x, weight, self.weights[f"{name}.bias"], padding=weight.shape[-1] // 2)
        if rectify:
            y = F.relu(y)
        self.trace[name] = scaled_and_shifted(self.weights, name, y)
        return self.trace[name]


def superpoint(weights: Mapping[str, Tensor], image: Tensor) -> SuperPointOutput:
    """Runs the network on gray images (N, 1, H, W) of values 0 to 1, with H and W of at least 8."""
    conv = _Layers(weights, {"input": image})

    # Shared encoder: (1, H, W) -> (128, H/8, W/8)
    x = conv.relu_pool("conv1b", conv.relu("conv1a", image))
    x = conv.relu_pool("conv2b", conv.relu("conv2a", x))
    x = conv.relu_pool("conv3b", conv.relu("conv3a", x))
    x = conv.relu("conv4b", conv.relu("conv4a", x))
    if "conv5a" in conv:
        x = conv.relu("conv5a", x)

    # Interest point decoder: a softmax over each cell's 64 pixels and its dustbin
    semi = conv.linear("convPb", conv.relu("convPa", x))
    scores = heat_map(semi)

    # Descriptor decoder
    descriptors = None
    if "convDa" in conv:
        descriptors = F.normalize(conv.linear("convDb", conv.relu("convDa", x)), dim=1)

    return SuperPointOutput(semi, scores, descriptors, conv.trace)


def heat_map(semi: Tensor) -> Tensor:
    """Cell logits (N, 65, h, w) to the probability of each pixel (N, 8h, 8w)."""
    pixels = F.softmax(semi, dim=1)[:, :-1]
    return F.pixel_shuffle(pixels, CELL).squeeze(1)
