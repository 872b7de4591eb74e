"""Checkpoints of image completion with random weights, for tests.

Activations keep their magnitude from layer to layer, so neither the picture nor the score of the
discriminators is saturated.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert import random_tensors
from weights_tools.convert.completion import (
    BN_RELU,
    RELU_BN,
    PublicLayer,
    discriminator_layers,
    network_layers,
)
from weights_tools.nets.completion import MASKED_CHANNELS

# He et al. 2015 have the root of 2; the random batch norms enlarge by the rest of it on average.
# With more, rounding errors would grow from layer to layer.
_RELU_GAIN = {BN_RELU: 1.3, RELU_BN: 1.0}
_SIGMOID_GAIN = 1.0


def random_checkpoint(order: str, seed: int) -> Checkpoint:
    """The network with 4 input channels; the same seed gives the same tensors."""
    return _random_checkpoint("completion", network_layers(MASKED_CHANNELS), order, seed)


def random_discriminators(order: str, seed: int) -> Checkpoint:
    """Both discriminators, of the paper's form."""
    return _random_checkpoint("discriminators", discriminator_layers(), order, seed)


def _random_checkpoint(
    what: str, layers: Mapping[str, PublicLayer], order: str, seed: int
) -> Checkpoint:
    generator = torch.Generator().manual_seed(seed)
    rectified = order == RELU_BN
    last = [*layers][-1]
    tensors: dict[str, Tensor] = {}
    for name, public in layers.items():
        layer = public.layer
        taps = (layer.kernel // layer.stride if layer.transposed else layer.kernel) ** 2
        gain = _SIGMOID_GAIN if name == last else _RELU_GAIN[order]
        deviation = gain / (public.inputs * taps) ** 0.5
        shape = public.specs()[f"{public.conv}.weight"].shape
        tensors |= random_tensors.convolution(
            public.conv, shape, deviation, layer.outputs, generator
        )
        if public.norm is not None:
            tensors |= random_tensors.batch_norm(
                public.norm, layer.outputs, rectified, seed, generator
            )
    return Checkpoint(f"random {what} {order}, seed {seed}", "", tensors)
