"""RAFT's correlation layer: both forms of hewn's against the one of nets/."""

import math

import torch
from torch import Tensor

from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors
from weights_tools.nets.raft import pixel_grid
from weights_tools.nets.raft_correlation import correlation_pyramid, lookup, sample

# NaN and infinity are no places, so they are outside of every map, as what is this far away is.
_FAR_AWAY = 1e9


def _draw(draw: Draw) -> Case:
    levels = draw.integer(1, 4)
    least = 1 << (levels - 1)  # where the last level is one pixel
    batch, channels, height, width = draw.maps(130, 24, 24)
    shape = (batch, channels, max(height, least), max(width, least))
    # Steps of an iteration, motions within the picture, and out of it; some to whole pixels.
    flow = draw.normal(batch, 2, *shape[2:], scale=draw.choice((0.5, 4.0, 30.0)))
    flow = torch.where(draw.uniform(*flow.shape) < 0.2, flow.round(), flow)
    tensors = {"features1": draw.normal(*shape), "features2": draw.normal(*shape)}
    # A lookup before this one, of windows that on_demand reuses whole, in part, or not at all.
    if draw.chance(0.5):
        moved = draw.normal(*flow.shape, scale=draw.choice((0.0, 0.7, 5.0)))
        tensors["earlier"] = draw.salted(flow + moved)
    if draw.chance(0.25):
        flow = draw.salted(flow, (math.nan, math.inf, -math.inf, 1e6, -1e8))
    tensors["flow"] = flow
    params: Params = {
        "levels": levels,
        "radius": draw.choice((3, 4, draw.integer(0, 7), draw.integer(0, 7))),
        "form": draw.choice(("all_pairs", "on_demand", "on_demand")),
    }
    return Case(params, tensors)


def _pyramid(params: Params, tensors: Tensors) -> list[Tensor]:
    return correlation_pyramid(tensors["features1"], tensors["features2"], params["levels"])


def _places(level0: Tensor, flow: Tensor) -> Tensor:
    return (pixel_grid(level0) + flow).nan_to_num(_FAR_AWAY, _FAR_AWAY, _FAR_AWAY)


def _correlation(params: Params, tensors: Tensors) -> Tensor:
    pyramid = _pyramid(params, tensors)
    return lookup(pyramid, _places(pyramid[0], tensors["flow"]), params["radius"])


def _magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    """The terms of a sample, and a place's coordinates times the slopes there: they are rounded."""
    absolute = {name: tensor.abs() for name, tensor in tensors.items()}
    pyramid = _pyramid(params, tensors)
    places, radius = _places(pyramid[0], tensors["flow"]), params["radius"]
    offsets = torch.arange(-radius, radius + 1, dtype=places.dtype)
    dx, dy = (offset.flatten() for offset in torch.meshgrid(offsets, offsets, indexing="ij"))
    magnitudes: list[Tensor] = []
    for level, (maps, terms) in enumerate(zip(pyramid, _pyramid(params, absolute), strict=True)):
        centre_x, centre_y = (places / 2**level).unsqueeze(-1).unbind(dim=1)
        x, y = centre_x + dx, centre_y + dy
        left, top = x.floor(), y.floor()
        slope_x = sample(maps, left + 1, y) - sample(maps, left, y)
        slope_y = sample(maps, x, top + 1) - sample(maps, x, top)
        moved = (centre_x * slope_x).abs() + (centre_y * slope_y).abs()
        magnitudes.append(sample(terms, x, y) + moved)
    return torch.cat(magnitudes, dim=-1).permute(0, 3, 1, 2)


CORRELATION = {"correlation": Operator(_draw, _correlation, _magnitude)}
