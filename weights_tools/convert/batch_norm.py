"""Batch norm of evaluation mode as a scale and a shift, computed in float64.

It is `y = x * scale + shift` with `scale = gamma / sqrt(variance + eps)`. Directly behind a
convolution it can be folded into the convolution's own weight and bias.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from weights_tools.checkpoints import Checkpoint, TensorSpec
from weights_tools.errors import ToolError

PARTS = ("weight", "bias", "running_mean", "running_var")


def specs(norm: str, channels: int) -> dict[str, TensorSpec]:
    """What a checkpoint holds of a batch norm of this name."""
    tensors = {f"{norm}.{part}": TensorSpec((channels,)) for part in PARTS}
    # Only training reads the counter, and old versions of PyTorch did not save it.
    counter = TensorSpec((), torch.int64, optional=True)
    return tensors | {f"{norm}.num_batches_tracked": counter}


def scale_and_shift(checkpoint: Checkpoint, norm: str, eps: float) -> tuple[Tensor, Tensor]:
    """Both (channels), in float64."""
    gamma, beta, mean, var = (checkpoint.tensors[f"{norm}.{part}"].double() for part in PARTS)
    if (var < 0).any():
        raise ToolError(f"{checkpoint.source}: {norm}.running_var holds a negative variance")
    scale = gamma / torch.sqrt(var + eps)
    return scale, beta - mean * scale


def folded(
    weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor, dim: int = 0
) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution with what follows it folded in; `dim` has its outputs."""
    shape = [1] * weight.dim()
    shape[dim] = len(scale)
    return weight * scale.reshape(shape), bias * scale + shift


def rounded(source: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors in float32, which can overflow."""
    single = {name: tensor.float() for name, tensor in tensors.items()}
    too_large = [name for name, tensor in single.items() if not torch.isfinite(tensor).all()]
    if too_large:
        raise ToolError(
            f"{source}: with its batch norm applied, float32 cannot hold {', '.join(too_large)}"
        )
    return single
