"""Matrix products: matmul and linear."""

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
    depth, columns = _draw_depth(draw), draw.size(130)
    tensors = {
        "x": draw.normal(rows, depth),
        "weight": draw.normal(columns, depth, scale=depth**-0.5),
    }
    if draw.chance(0.7):
        tensors["bias"] = draw.normal(columns)
    return Case(draw_activation(draw), tensors)


def _product(tensors: Tensors) -> Tensor:
    return F.linear(tensors["x"], tensors["weight"], tensors.get("bias"))


def _linear(params: Params, tensors: Tensors) -> Tensor:
    return apply_activation(params, _product(tensors))


def _linear_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    absolute = {name: tensor.abs() for name, tensor in tensors.items()}
    return activation_magnitude(params, _product(tensors), _product(absolute))


PRODUCTS = {
    "matmul": Operator(_draw_matmul, _matmul, _matmul_magnitude),
    "linear": Operator(_draw_linear, _linear, _linear_magnitude),
}
