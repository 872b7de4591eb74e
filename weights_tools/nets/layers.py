"""Layers on canonical tensors: what the networks that are made of convolutions alone share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Layer:
    """A convolution, or a transposed one."""

    outputs: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    dilation: int = 1
    transposed: bool = False

    def weight_shape(self, inputs: int) -> tuple[int, ...]:
        """As PyTorch has it: a transposed convolution's inputs come first."""
        channels = (inputs, self.outputs) if self.transposed else (self.outputs, inputs)
        return (*channels, self.kernel, self.kernel)


def run(
    layer: Layer,
    name: str,
    weights: Mapping[str, Tensor],
    x: Tensor,
    activation: Callable[[Tensor], Tensor] = F.relu,
) -> Tensor:
    """The layer with its activation, and with what follows that."""
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    sizes = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
    convolve = F.conv_transpose2d if layer.transposed else F.conv2d
    return scaled_and_shifted(weights, name, activation(convolve(x, weight, bias, **sizes)))


def scaled_and_shifted(weights: Mapping[str, Tensor], name: str, y: Tensor) -> Tensor:
    """Batch norm that follows a layer's activation; as it is where the layer has none."""
    if f"{name}.scale" not in weights:
        return y
    scale, shift = weights[f"{name}.scale"], weights[f"{name}.shift"]
    return y * scale[:, None, None] + shift[:, None, None]
