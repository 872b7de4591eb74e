"""instance_norm with its addends: y = act(norm + before) + after; layer_norm."""

import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.activation import (
    activation_magnitude,
    apply_activation,
    draw_activation,
)
from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors

# Channels and pixels along an axis, at most; the last is several of the chunks that hewn sums.
_LIMITS = ((130, 9), (130, 17), (9, 65))


def _draw_instance_norm(draw: Draw) -> Case:
    most_channels, most_pixels = draw.choice(_LIMITS)
    batch, channels, height, width = draw.maps(most_channels, most_pixels, most_pixels)
    if height * width == 1:
        width = 2  # PyTorch refuses a single pixel
    x = draw.normal(batch, channels, height, width, scale=draw.choice((1e-3, 1.0, 100.0)))
    x = x * (draw.uniform(batch, channels, 1, 1) > 0.1)  # some channels are constant
    x = x + draw.normal(channels, 1, 1, scale=draw.choice((0.0, 1.0, 30.0)))
    tensors = {"x": draw.salted(x) if draw.chance(0.2) else x}
    for name in ("before", "after"):
        if draw.chance(0.3):
            tensors[name] = draw.normal(*x.shape)
    return Case({"eps": draw.choice((1e-5, 1e-5, 1e-3, 1.0)), **draw_activation(draw)}, tensors)


def _before_activation(params: Params, tensors: Tensors) -> Tensor:
    y = F.instance_norm(tensors["x"], eps=params["eps"])
    return y + tensors["before"] if "before" in tensors else y


def _instance_norm(params: Params, tensors: Tensors) -> Tensor:
    y = apply_activation(params, _before_activation(params, tensors))
    return y + tensors["after"] if "after" in tensors else y


def _instance_norm_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    """(x - mean) / deviation: x and the terms of the mean are rounded before the difference."""
    absolute = {name: tensor.abs() for name, tensor in tensors.items()}
    mean = tensors["x"].mean(dim=(2, 3), keepdim=True)
    variance = (tensors["x"] - mean).square().mean(dim=(2, 3), keepdim=True)
    terms = absolute["x"] + absolute["x"].mean(dim=(2, 3), keepdim=True)
    sums = terms / (variance + params["eps"]).sqrt() + absolute.get("before", 0.0)
    exact = _before_activation(params, tensors)
    return activation_magnitude(params, exact, sums) + absolute.get("after", 0.0)


def _draw_layer_norm(draw: Draw) -> Case:
    rows = 0 if draw.chance(0.03) else draw.size(80)
    channels = draw.integer(200, 1100) if draw.chance(0.2) else draw.size(257)
    x = draw.normal(rows, channels, scale=draw.choice((1e-3, 1.0, 100.0)))
    x = x * (draw.uniform(rows, 1) > 0.1)  # some rows are constant
    x = x + draw.normal(rows, 1, scale=draw.choice((0.0, 1.0, 30.0)))
    tensors = {
        "x": draw.salted(x) if draw.chance(0.2) else x,
        "weight": draw.normal(channels),
        "bias": draw.normal(channels),
    }
    return Case({"eps": draw.choice((1e-5, 1e-5, 1e-3, 1.0))}, tensors)


def _layer_norm(params: Params, tensors: Tensors) -> Tensor:
    weight, bias = tensors["weight"], tensors["bias"]
    return F.layer_norm(tensors["x"], weight.shape, weight, bias, params["eps"])


def _layer_norm_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    """As of instance_norm, scaled and shifted."""
    absolute = {name: tensor.abs() for name, tensor in tensors.items()}
    variance = tensors["x"].var(dim=1, correction=0, keepdim=True)
    terms = absolute["x"] + absolute["x"].mean(dim=1, keepdim=True)
    sums = terms / (variance + params["eps"]).sqrt()
    return sums * absolute["weight"] + absolute["bias"]


NORMALIZATION = {
    "instance_norm": Operator(_draw_instance_norm, _instance_norm, _instance_norm_magnitude),
    "layer_norm": Operator(_draw_layer_norm, _layer_norm, _layer_norm_magnitude),
}
