"""SuperPoint checkpoints with random weights, for tests of the forms whose real files are large."""

import torch
from torch import Tensor

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert import random_tensors
from weights_tools.convert.superpoint import Form

# The last convolution of a head has no ReLU after it.
_LINEAR_LAYERS = ("convPb", "convDb")


def random_checkpoint(form: Form, seed: int) -> Checkpoint:
    """A checkpoint under the form's public names; the same seed gives the same tensors.

    Convolutions follow He et al. 2015, so activations of order one stay of order one: a variance
    of 2 / fan-in before ReLU, of 1 / fan-in in front of no ReLU.
    """
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for layer, shape in form.shapes.items():
        channels = shape[0]
        linear = layer in _LINEAR_LAYERS
        fan_in = shape[1] * shape[2] * shape[3]
        deviation = ((1.0 if linear else 2.0) / fan_in) ** 0.5
        tensors |= random_tensors.convolution(
            form.conv[layer], shape, deviation, channels, generator
        )
        if layer in form.batch_norm:
            norm = form.batch_norm[layer]
            tensors |= random_tensors.batch_norm(norm, channels, not linear, seed, generator)
    return Checkpoint(f"random {form.name}, seed {seed}", "", tensors)
