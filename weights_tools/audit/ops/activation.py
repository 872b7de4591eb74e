"""The activations that convolution and linear layers fuse."""

import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.case import Draw, Params

_NAMES = ("none", "relu", "leaky_relu", "sigmoid", "tanh")


def draw_activation(draw: Draw) -> Params:
    name = draw.choice(_NAMES)
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
        case _:
            return magnitude
