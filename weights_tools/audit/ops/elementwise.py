"""Elementwise operators: unary and binary."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.activation import gelu, quick_gelu
from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors, always

_UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "erf": torch.erf,
    "relu": F.relu,
    "gelu": gelu,
    "quick_gelu": quick_gelu,
    "abs": torch.abs,
    "sqrt": torch.sqrt,
}
_EXACT_UNARY = ("relu", "leaky_relu", "abs")  # not sqrt: PyTorch's may be 1 ulp off

_BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}

# Where exp overflows, where it leaves the normal numbers, where tanh, sigmoid and erf saturate.
_SPECIAL = (
    *(0.0, -0.0, math.inf, -math.inf, math.nan),
    *(88.722, 88.723, 89.0, -87.4, -104.0, 1e30, -1e30, 1e-40),
    *(3.9, 4.0, 9.0, 9.1, 16.7, 17.4, -3.9, -4.0, -9.0, -9.1, -17.4),
)


def _draw_unary(draw: Draw) -> Case:
    kind = draw.choice((*_UNARY, "leaky_relu"))
    params: Params = {"kind": kind}
    if kind == "leaky_relu":
        params["negative_slope"] = draw.choice((0.01, 0.1, 0.2))
    shape = draw.maps(65, 9, 17)
    # Within one case the results are alike in size, so that each of them counts in its norms: a
    # narrow interval anywhere, or numbers of one scale around 0.
    if draw.chance(0.5):
        centre = draw.number(-80.0, 80.0) if draw.chance(0.5) else draw.number(-6.0, 6.0)
        x = draw.uniform(*shape, low=centre - 0.5, high=centre + 0.5)
    else:
        x = draw.normal(*shape, scale=draw.choice((1e-3, 0.1, 1.0, 3.0)))
    if kind == "sqrt" and draw.chance(0.8):
        x = x.abs()
    return Case(params, {"x": draw.salted(x, _SPECIAL) if draw.chance(0.2) else x})


def _unary(params: Params, tensors: Tensors) -> Tensor:
    if params["kind"] == "leaky_relu":
        return F.leaky_relu(tensors["x"], params["negative_slope"])
    return _UNARY[params["kind"]](tensors["x"])


def _unary_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    x = tensors["x"]
    if params["kind"] == "gelu":
        return x.abs()  # x / 2 (1 + erf): for negative x the sum of 1 and erf cancels
    if params["kind"] == "quick_gelu":
        return y.abs() * (1 + 1.702 * x.abs())  # the sigmoid's argument is rounded
    return y.abs()


def _unary_is_exact(params: Params) -> bool:
    return params["kind"] in _EXACT_UNARY


def _draw_binary(draw: Draw) -> Case:
    a = draw.normal(*draw.maps(65, 9, 17))
    b = draw.normal(a.shape[1]) if draw.chance(0.4) else draw.normal(*a.shape)
    if draw.chance(0.25):
        a, b = draw.salted(a), draw.salted(b, (0.0, math.nan, math.inf, -math.inf))
    return Case({"kind": draw.choice(tuple(_BINARY))}, {"a": a, "b": b})


def _binary(params: Params, tensors: Tensors) -> Tensor:
    b = tensors["b"]
    per_channel = b[:, None, None] if b.dim() == 1 else b
    return _BINARY[params["kind"]](tensors["a"], per_channel)


ELEMENTWISE = {
    "unary": Operator(_draw_unary, _unary, _unary_magnitude, exact=_unary_is_exact),
    "binary": Operator(_draw_binary, _binary, exact=always),
}
