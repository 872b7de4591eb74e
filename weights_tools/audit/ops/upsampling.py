"""convex_upsample: fine flow vectors as means of coarse ones, with learned weights."""

import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors

_NEIGHBOURS = 9


def _draw(draw: Draw) -> Case:
    factor = draw.choice((1, 2, 3, 4, 5, 8, 8, 8))
    batch, _, height, width = draw.maps(1, 17, 17)
    scale = draw.choice((0.1, 1.0, 5.0))
    tensors = {
        "flow": draw.normal(batch, 2, height, width, scale=draw.choice((0.1, 1.0, 50.0))),
        "logits": draw.normal(batch, _NEIGHBOURS * factor**2, height, width, scale=scale),
    }
    if draw.chance(0.2):
        name = draw.choice(tuple(tensors))
        tensors[name] = draw.salted(tensors[name])
    return Case({"factor": factor}, tensors)


def _logits(tensors: Tensors) -> Tensor:
    """(N, 9, factor^2, H, W)."""
    return tensors["logits"].unflatten(1, (_NEIGHBOURS, -1))


def _weighted_sum(params: Params, flow: Tensor, weights: Tensor) -> Tensor:
    """Each neighbour is the flow moved by a pixel; the sums are laid out by pixel_shuffle."""
    height, width = flow.shape[2:]
    padded = F.pad(params["factor"] * flow, (1, 1, 1, 1))
    terms = [
        padded[:, :, None, k // 3 : k // 3 + height, k % 3 : k % 3 + width] * weights[:, None, k]
        for k in range(_NEIGHBOURS)
    ]
    return F.pixel_shuffle(sum(terms[1:], terms[0]).flatten(1, 2), params["factor"])


def _convex_upsample(params: Params, tensors: Tensors) -> Tensor:
    return _weighted_sum(params, tensors["flow"], F.softmax(_logits(tensors), dim=1))


def _magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    """The terms' sizes; rounding logit - max changes a weight by the difference's own size."""
    logits = _logits(tensors)
    distances = (logits - logits.amax(dim=1, keepdim=True)).abs()
    weights = F.softmax(logits, dim=1) * (1 + distances)
    return _weighted_sum(params, tensors["flow"].abs(), weights)


UPSAMPLING = {"convex_upsample": Operator(_draw, _convex_upsample, _magnitude)}
