"""Random convolutions and batch norms, for checkpoints that only tests need.

Values are far enough from 0 and 1 that leaving one out, or swapping two, shows.
"""

import torch
from torch import Generator, Tensor


def uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def convolution(
    name: str, shape: tuple[int, ...], deviation: float, channels: int, generator: Generator
) -> dict[str, Tensor]:
    """Weights of a normal distribution, and a bias of so many channels."""
    return {
        f"{name}.weight": deviation * torch.randn(shape, generator=generator),
        f"{name}.bias": uniform((channels,), -0.1, 0.1, generator),
    }


def batch_norm(
    name: str, channels: int, rectified: bool, counter: int, generator: Generator
) -> dict[str, Tensor]:
    """For inputs of variance 1, or for what ReLU leaves of a normal variable of variance 2.

    The latter has mean 0.56 and variance 0.68.
    """

    def draw(low: float, high: float) -> Tensor:
        return uniform((channels,), low, high, generator)

    mean = draw(0.3, 0.8) if rectified else draw(-0.3, 0.3)
    var = draw(0.4, 1.0) if rectified else draw(0.5, 1.5)
    return {
        f"{name}.weight": draw(0.5, 1.5),
        f"{name}.bias": draw(-0.3, 0.3),
        f"{name}.running_mean": mean,
        f"{name}.running_var": var,
        f"{name}.num_batches_tracked": torch.tensor(counter),
    }
