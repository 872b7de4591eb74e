"""Operators that read between pixels: resize and grid_sample."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors

_MODES = ("nearest", "bilinear", "bicubic")


def _is_nearest(params: Params) -> bool:
    return params["mode"] == "nearest"


def _draw_resize(draw: Draw) -> Case:
    mode = draw.choice(_MODES)
    x = draw.normal(*draw.maps(35, 20, 20))
    if mode == "nearest" and draw.chance(0.25):
        x = draw.salted(x)
    params: Params = {"mode": mode, "align_corners": mode != "nearest" and draw.chance(0.5)}
    if draw.chance(0.5):
        params["size"] = [draw.size(49), draw.size(49)]
    else:
        factors = [draw.choice((0.5, 1.0, 2.0, 4.0, draw.number(0.3, 3.0))) for _ in range(2)]
        sizes = zip(factors, x.shape[2:], strict=True)
        params["scale"] = [max(factor, 1 / size) for factor, size in sizes]
    return Case(params, {"x": x})


def _resize(params: Params, tensors: Tensors) -> Tensor:
    return F.interpolate(
        tensors["x"],
        size=params.get("size"),
        scale_factor=params.get("scale"),
        mode=params["mode"],
        align_corners=None if _is_nearest(params) else params["align_corners"],
    )


def _resize_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    return torch.full_like(y, _sampling_magnitude(tensors["x"], farthest=1.0))


def _sampling_magnitude(x: Tensor, farthest: float) -> float:
    """A coordinate of up to `farthest` times the size is rounded too.

    So a sample moves by the unit roundoff times the coordinate, and its value by that times the
    difference of two neighbours, which the largest element bounds up to a factor.
    """
    return x.abs().nan_to_num(0.0).max().item() * (1 + farthest * max(x.shape[2:]))


def _draw_grid_sample(draw: Draw) -> Case:
    mode = draw.choice(_MODES)
    params: Params = {
        "mode": mode,
        "padding_mode": draw.choice(("zeros", "border", "reflection")),
        "align_corners": draw.chance(0.5),
    }
    batch, channels, height, width = draw.maps(35, 20, 20)
    if ties := draw.chance(0.15):
        height, width, params["align_corners"] = draw.choice((4, 8)), draw.choice((4, 16)), False
    x = draw.normal(batch, channels, height, width)
    salted = mode != "bicubic" and draw.chance(0.2)
    if salted:
        x = draw.salted(x, () if mode == "nearest" else (math.nan,))

    offsets = _HALF if ties else _offsets(mode, salted)
    out_shape = (batch, draw.size(20), draw.size(20))
    axes = [
        _to_grid(_draw_pixels(draw, out_shape, size, offsets), size, params["align_corners"])
        for size in (width, height)
    ]
    grid = torch.stack(axes, dim=-1)
    return Case(params, {"x": x, "grid": draw.salted(grid) if draw.chance(0.15) else grid})


# How far from a whole pixel samples lie: the interval of the offset.
_Offsets = tuple[float, float]
_HALF: _Offsets = (0.5, 0.5)


def _offsets(mode: str, salted: bool) -> _Offsets:
    """Offsets at which a rounded coordinate does not decide the result.

    Halfway between pixels the nearest one is a matter of the last bit, unless the arithmetic is
    exact, as it is for sizes that are powers of two. So is, at a whole pixel, whether its next
    neighbour counts with a weight near 0: without effect, unless that neighbour is NaN.
    """
    if mode == "nearest":
        return (-0.4, 0.4)
    return (0.1, 0.9) if salted else (0.0, 1.0)


def _draw_pixels(draw: Draw, shape: tuple[int, int, int], size: int, offsets: _Offsets) -> Tensor:
    """Pixel coordinates along one axis, inside and up to two outside; some at the least offset."""
    whole = torch.floor(draw.uniform(*shape, low=-2.0, high=size + 2.0))
    low, high = offsets
    return whole + low + (high - low) * draw.uniform(*shape) * (draw.uniform(*shape) > 0.1)


def _to_grid(pixels: Tensor, size: int, align_corners: bool) -> Tensor:
    """The inverse of grid_sample's map from -1 .. 1 to pixels."""
    if align_corners:
        return 2 * pixels / max(size - 1, 1) - 1
    return (2 * pixels + 1) / size - 1


def _grid_sample(params: Params, tensors: Tensors) -> Tensor:
    return F.grid_sample(
        tensors["x"],
        tensors["grid"],
        mode=params["mode"],
        padding_mode=params["padding_mode"],
        align_corners=params["align_corners"],
    )


def _grid_sample_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    finite = tensors["grid"].nan_to_num(0.0, 0.0, 0.0)
    farthest = 1 + finite.abs().max().item()
    return torch.full_like(y, _sampling_magnitude(tensors["x"], farthest))


SAMPLING = {
    "resize": Operator(_draw_resize, _resize, _resize_magnitude, exact=_is_nearest),
    "grid_sample": Operator(
        _draw_grid_sample, _grid_sample, _grid_sample_magnitude, exact=_is_nearest
    ),
}
