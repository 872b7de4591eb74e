"""SuperPoint checkpoints with random weights, for tests of the forms whose real files are large."""

import torch
from torch import Tensor

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert.superpoint import Form

# The last convolution of a head has no ReLU after it.
_LINEAR_LAYERS = ("convPb", "convDb")


def random_checkpoint(form: Form, seed: int) -> Checkpoint:
    """A checkpoint under the form's public names; the same seed gives the same tensors.

    Convolutions follow He et al. 2015, so activations of order one stay of order one: a variance
    of 2 / fan-in before ReLU, of 1 / fan-in in front of no ReLU. Biases and batch norm statistics
    are far enough from 0 and 1 that leaving one out, or swapping two, shows.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(size: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(size, generator=generator)

    tensors: dict[str, Tensor] = {}
    for layer, shape in form.shapes.items():
        channels = shape[0]
        linear = layer in _LINEAR_LAYERS
        fan_in = shape[1] * shape[2] * shape[3]
        deviation = ((1.0 if linear else 2.0) / fan_in) ** 0.5
        tensors[f"{form.conv[layer]}.weight"] = deviation * torch.randn(shape, generator=generator)
        tensors[f"{form.conv[layer]}.bias"] = uniform(channels, -0.1, 0.1)
        if layer in form.batch_norm:
            # ReLU of a normal variable of variance 2 has mean 0.56 and variance 0.68.
            mean = uniform(channels, -0.3, 0.3) if linear else uniform(channels, 0.3, 0.8)
            var = uniform(channels, 0.5, 1.5) if linear else uniform(channels, 0.4, 1.0)
            tensors |= {
                f"{form.batch_norm[layer]}.weight": uniform(channels, 0.5, 1.5),
                f"{form.batch_norm[layer]}.bias": uniform(channels, -0.3, 0.3),
                f"{form.batch_norm[layer]}.running_mean": mean,
                f"{form.batch_norm[layer]}.running_var": var,
                f"{form.batch_norm[layer]}.num_batches_tracked": torch.tensor(seed),
            }
    return Checkpoint(f"random {form.name}, seed {seed}", "", tensors)
