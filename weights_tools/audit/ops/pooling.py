"""max_pool2d and avg_pool2d."""

from functools import partial

import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors, always


def _draw(draw: Draw, average: bool) -> Case:
    kernel = [draw.integer(1, 5), draw.integer(1, 5)]
    # PyTorch allows a padding of up to half the window.
    padding = [draw.integer(0, k // 2) for k in kernel]
    batch, channels, height, width = draw.maps(35, 33, 33)
    height, width = max(height, kernel[0]), max(width, kernel[1])
    x = draw.normal(batch, channels, height, width)
    if draw.chance(0.25):
        x = draw.salted(x)
    params: Params = {
        "kernel": kernel,
        "stride": [draw.integer(1, 4), draw.integer(1, 4)],
        "padding": padding,
        "ceil_mode": draw.chance(0.5),
    }
    if average:
        params["count_include_pad"] = draw.chance(0.5)
    return Case(params, {"x": x})


def _max_pool2d(params: Params, tensors: Tensors) -> Tensor:
    return F.max_pool2d(
        tensors["x"],
        params["kernel"],
        params["stride"],
        params["padding"],
        ceil_mode=params["ceil_mode"],
    )


def _avg_pool2d(params: Params, tensors: Tensors) -> Tensor:
    return F.avg_pool2d(
        tensors["x"],
        params["kernel"],
        params["stride"],
        params["padding"],
        ceil_mode=params["ceil_mode"],
        count_include_pad=params["count_include_pad"],
    )


def _average_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    return _avg_pool2d(params, {"x": tensors["x"].abs()})


POOLING = {
    "max_pool2d": Operator(partial(_draw, average=False), _max_pool2d, exact=always),
    "avg_pool2d": Operator(partial(_draw, average=True), _avg_pool2d, _average_magnitude),
}
