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
    out_shape = (batch, draw.size(20), draw.size(20))
    per_axis = [_draw_pixels(draw, out_shape, size, mode, ties) for size in (width, height)]
    grid = torch.stack(
        [
            _to_grid(pixels, size, params["align_corners"])
            for pixels, size in zip(per_axis, (width, height), strict=True)
        ],
        dim=-1,
    )
    if mode != "bicubic" and draw.chance(0.2):
        x = draw.salted(x, () if mode == "nearest" else (math.nan,))
    if draw.chance(0.15):
        grid = draw.salted(grid)
    return Case(params, {"x": x, "grid": grid})


def _draw_pixels(
    draw: Draw, shape: tuple[int, int, int], size: int, mode: str, ties: bool
) -> Tensor:
    """Pixel coordinates along one axis, inside and up to two pixels outside.

    Halfway between pixels the nearest one is a matter of the last bit, unless the arithmetic is
    exact: it is for sizes that are powers of two (`ties`), and elsewhere halves are kept away from.
    """
    whole = torch.floor(draw.uniform(*shape, low=-2.0, high=size + 2.0))
    if ties:
        return whole + 0.5
    if mode == "nearest":
        return whole + draw.uniform(*shape, low=-0.4, high=0.4)
    return whole + draw.uniform(*shape) * (draw.uniform(*shape) > 0.1)


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
