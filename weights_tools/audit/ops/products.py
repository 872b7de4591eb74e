"""Matrix products: matmul, and linear with its addends: y = act(product + before) + after."""

import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.activation import (
    activation_magnitude,
    apply_activation,
    draw_activation,
)
from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors


def _draw_depth(draw: Draw) -> int:
    """The length of the inner products, now and then long enough to span several blocks."""
    return draw.integer(200, 1100) if draw.chance(0.15) else draw.size(130)


def _draw_matmul(draw: Draw) -> Case:
    batch, rows, columns = draw.batch(), draw.size(80), draw.size(80)
    depth = 0 if draw.chance(0.02) else _draw_depth(draw)
    transpose_b = draw.chance(0.5)
    b_shape = (batch, columns, depth) if transpose_b else (batch, depth, columns)
    tensors = {"a": draw.normal(batch, rows, depth), "b": draw.normal(*b_shape)}
    return Case({"transpose_b": transpose_b}, tensors)


def _matmul(params: Params, tensors: Tensors) -> Tensor:
    b = tensors["b"]
    return torch.matmul(tensors["a"], b.mT if params["transpose_b"] else b)


def _matmul_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    return _matmul(params, {name: tensor.abs() for name, tensor in tensors.items()})


def _draw_linear(draw: Draw) -> Case:
    rows = 0 if draw.chance(0.03) else draw.size(80)
    # Sums are cut into blocks of up to 1024 products; sometimes there are several.
    depth = draw.integer(1000, 3100) if draw.chance(0.1) else _draw_depth(draw)
    columns, halves = draw.size(130), draw.chance(0.4)
    weight = draw.normal(columns, depth, scale=depth**-0.5)
    tensors = {
        "x": draw.normal(rows, depth),
        "weight": weight.half().float() if halves else weight,
    }
    if draw.chance(0.7):
        tensors["bias"] = draw.normal(columns)
    for name in ("before", "after"):
        if draw.chance(0.3):
            tensors[name] = draw.normal(rows, columns)
    return Case({"halves": halves, **draw_activation(draw, ("gelu", "quick_gelu"))}, tensors)


def _before_activation(tensors: Tensors) -> Tensor:
    y = F.linear(tensors["x"], tensors["weight"], tensors.get("bias"))
    return y + tensors["before"] if "before" in tensors else y


def _linear(params: Params, tensors: Tensors) -> Tensor:
    y = apply_activation(params, _before_activation(tensors))
    return y + tensors["after"] if "after" in tensors else y


def _linear_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    absolute = {name: tensor.abs() for name, tensor in tensors.items()}
    exact, sums = _before_activation(tensors), _before_activation(absolute)
    return activation_magnitude(params, exact, sums) + absolute.get("after", 0.0)


PRODUCTS = {
    "matmul": Operator(_draw_matmul, _matmul, _matmul_magnitude),
    "linear": Operator(_draw_linear, _linear, _linear_magnitude),
}
