"""topk: the largest values, and where they are."""

import torch
from torch import Tensor

from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors, always


def _draw(draw: Draw) -> Case:
    length = draw.choice((0, draw.size(65), draw.size(65), draw.integer(66, 3000)))
    x = draw.normal(length)
    if draw.chance(0.5):
        x = torch.round(4 * x)  # many ties
    if length and draw.chance(0.25):
        x = draw.salted(x)
    k = draw.choice((0, length, draw.integer(0, length), min(length, draw.size(16))))
    return Case({"k": k}, {"x": x})


def largest_first(params: Params, tensors: Tensors) -> Tensor:
    """Indices by falling value; ties by rising index, and NaN as the largest of all."""
    return torch.sort(tensors["x"], descending=True, stable=True).indices[: params["k"]]


def _topk(params: Params, tensors: Tensors) -> Tensor:
    return torch.topk(tensors["x"], params["k"]).values


def _check_indices(case: Case, outputs: Tensors) -> str | None:
    indices = outputs.get("indices")
    if indices is None or indices.dtype != torch.int64:
        return "expected the int64 tensor indices beside y"
    if not torch.equal(indices, largest_first(case.params, case.tensors)):
        return "indices are not those of the values, largest first, ties by rising index"
    return None


SELECTION = {"topk": Operator(_draw, _topk, exact=always, check_more=_check_indices)}
