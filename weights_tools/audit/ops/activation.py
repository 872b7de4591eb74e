"""The activations that convolution and linear layers fuse."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.case import Draw, Params

_NAMES = ("none", "relu", "leaky_relu", "sigmoid", "tanh")


def gelu(x: Tensor) -> Tensor:
    """F.gelu's own formula: F.gelu itself may go through oneDNN, which makes NaN of +infinity."""
    return x * 0.5 * (1 + torch.erf(x * math.sqrt(0.5)))


def quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)


def draw_activation(draw: Draw, more: tuple[str, ...] = ()) -> Params:
    name = draw.choice(_NAMES + more)
    slope = {"negative_slope": draw.choice((0.01, 0.1, 0.2))} if name == "leaky_relu" else {}
    return {"activation": name, **slope}


def apply_activation(params: Params, z: Tensor) -> Tensor:
    match params["activation"]:
        case "relu":
            return F.relu(z)
        case "leaky_relu":
            return F.leaky_relu(z, params["negative_slope"])
        case "sigmoid":
            return torch.sigmoid(z)
        case "tanh":
            return torch.tanh(z)
        case "gelu":
            return gelu(z)
        case "quick_gelu":
            return quick_gelu(z)
        case _:
            return z


def activation_magnitude(params: Params, z: Tensor, magnitude: Tensor) -> Tensor:
    """The magnitude behind act(z), from that behind z: an error passes on by the derivative.

    The leaky slopes are below 1, so 1 bounds the derivative of both kinds of ReLU, also at a z
    that rounds across 0.
    """
    match params["activation"]:
        case "sigmoid":
            y = torch.sigmoid(z)
            return y * (1 - y) * magnitude + y
        case "tanh":
            y = torch.tanh(z)
            return (1 - y.square()) * magnitude + y.abs()
        case "gelu":
            density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
            slope = 0.5 * (1 + torch.erf(z * math.sqrt(0.5))) + z * density
            return slope.abs() * magnitude + z.abs()  # for negative z the sum of 1 and erf cancels
        case "quick_gelu":
            gate, y = torch.sigmoid(1.702 * z), quick_gelu(z)
            slope = gate + 1.702 * y * (1 - gate)
            # The sigmoid's argument is rounded.
            return slope.abs() * magnitude + y.abs() * (1 + 1.702 * z.abs())
        case _:
            return magnitude
