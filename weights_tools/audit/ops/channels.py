"""Operators across channels: softmax, l2_normalize, depth_to_space, concat, slice."""

import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors, always


def _draw_softmax(draw: Draw) -> Case:
    shape = (draw.batch(), draw.size(130)) if draw.chance(0.4) else draw.maps(130, 9, 17)
    x = draw.normal(*shape, scale=draw.choice((0.1, 1.0, 10.0, 50.0)))
    return Case({}, {"x": draw.salted(x) if draw.chance(0.2) else x})


def _softmax(params: Params, tensors: Tensors) -> Tensor:
    return F.softmax(tensors["x"], dim=1)


def _softmax_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    """exp(x - max): rounding the difference changes the result by the difference's own size."""
    x = tensors["x"]
    return y * (1 + (x - x.amax(dim=1, keepdim=True)).abs())


def _draw_l2_normalize(draw: Draw) -> Case:
    x = draw.normal(*draw.maps(260, 9, 17), scale=draw.choice((1e-4, 1.0, 100.0)))
    # Pixels of all zeros divide by eps; so does every pixel shorter than it.
    x = x * (draw.uniform(x.shape[0], 1, *x.shape[2:]) > 0.1)
    return Case({"eps": draw.choice((1e-12, 1e-12, 1e-3, 1.0))}, {"x": x})


def _l2_normalize(params: Params, tensors: Tensors) -> Tensor:
    return F.normalize(tensors["x"], dim=1, eps=params["eps"])


def _draw_depth_to_space(draw: Draw) -> Case:
    block = draw.choice((1, 2, 3, 4, 8, 8))
    channels = 1 if block == 8 else draw.size(9)
    shape = (draw.batch(), channels * block * block, draw.size(17), draw.size(17))
    return Case({"block": block}, {"x": draw.normal(*shape)})


def _depth_to_space(params: Params, tensors: Tensors) -> Tensor:
    return F.pixel_shuffle(tensors["x"], params["block"])


def _draw_concat(draw: Draw) -> Case:
    batch, _, height, width = draw.maps(1, 17, 17)
    parts = range(draw.integer(1, 4))
    return Case({}, {f"x{i}": draw.normal(batch, draw.size(49), height, width) for i in parts})


def _concat(params: Params, tensors: Tensors) -> Tensor:
    return torch.cat([tensors[f"x{i}"] for i in range(len(tensors))], dim=1)


def _draw_slice(draw: Draw) -> Case:
    x = draw.normal(*draw.maps(65, 17, 17))
    begin = draw.integer(0, x.shape[1] - 1)
    return Case({"begin": begin, "end": draw.integer(begin + 1, x.shape[1])}, {"x": x})


def _slice(params: Params, tensors: Tensors) -> Tensor:
    return tensors["x"][:, params["begin"] : params["end"]]


CHANNELS = {
    "softmax": Operator(_draw_softmax, _softmax, _softmax_magnitude),
    "l2_normalize": Operator(_draw_l2_normalize, _l2_normalize),
    "depth_to_space": Operator(_draw_depth_to_space, _depth_to_space, exact=always),
    "concat": Operator(_draw_concat, _concat, exact=always),
    "slice": Operator(_draw_slice, _slice, exact=always),
}
