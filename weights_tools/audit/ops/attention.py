"""Attention over several heads, of all keys and of a token's ancestors in a tree."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors


def _draw_heads(draw: Draw) -> tuple[int, int]:
    """The number of heads and their channels; half of them as in CLIP."""
    return draw.choice((1, 2, 2, 3, 4)), 64 if draw.chance(0.5) else draw.size(65)


def _draw_attention(draw: Draw) -> Case:
    batch, (heads, depth), keys = draw.batch(), _draw_heads(draw), draw.size(200)
    queries = keys if draw.chance(0.5) else draw.choice((0, 1, 1, draw.size(keys)))
    scale = draw.choice((0.3, 1.0, 3.0))  # with the last one a key outweighs the others
    tensors = {
        "q": draw.normal(batch, queries, heads * depth, scale=scale),
        "k": draw.normal(batch, keys, heads * depth, scale=scale),
        "v": draw.normal(batch, keys, heads * depth),
    }
    if draw.chance(0.2):
        salted = draw.choice(("q", "k", "v"))
        # Where all scores are -infinity PyTorch has 0, though its softmax of them is NaN.
        tensors[salted] = draw.salted(tensors[salted], () if salted == "v" else (math.nan,))
    return Case({"heads": heads}, tensors)


def _draw_parents(draw: Draw, keys: int) -> list[int]:
    """Texts that share beginnings: a token follows the one before it, an earlier one, or none."""
    following = draw.choice((0.0, 0.5, 0.9))
    return [
        token - 1 if draw.chance(following) else draw.integer(-1, token - 1)
        for token in range(keys)
    ]


def _draw_tree_attention(draw: Draw) -> Case:
    (heads, depth), keys = _draw_heads(draw), draw.size(100)
    is_causal = draw.chance(0.3)
    parents = list(range(-1, keys - 1)) if is_causal else _draw_parents(draw, keys)
    tokens = list(range(keys))
    if not is_causal and draw.chance(0.5):
        tokens = [draw.integer(0, keys - 1) for _ in range(draw.integer(0, keys))]
    scale = draw.choice((0.3, 1.0, 3.0))
    q = draw.normal(len(tokens), heads * depth, scale=scale)
    tensors = {
        # In PyTorch a NaN among keys or values passes through the mask, so only queries have any.
        "q": draw.salted(q, (math.nan,)) if draw.chance(0.2) else q,
        "k": draw.normal(keys, heads * depth, scale=scale),
        "v": draw.normal(keys, heads * depth),
    }
    params = {"heads": heads, "is_causal": is_causal, "tokens": tokens, "parents": parents}
    return Case(params, tensors)


def _by_heads(params: Params, tensor: Tensor) -> Tensor:
    """(..., tokens, channels) as (..., heads, tokens, channels / heads)."""
    return tensor.unflatten(-1, (params["heads"], -1)).transpose(-3, -2)


def _joined(heads: Tensor) -> Tensor:
    return heads.transpose(-3, -2).flatten(-2)


def _visible(params: Params, tensors: Tensors) -> Tensor:
    """Which keys each query sees: all, or in a tree its token and the ancestors of that."""
    queries, keys = tensors["q"].shape[-2], tensors["k"].shape[-2]
    if "parents" not in params:
        return torch.ones(queries, keys, dtype=torch.bool)
    lineages = torch.eye(keys, dtype=torch.bool)
    for token, parent in enumerate(params["parents"]):
        if parent >= 0:
            lineages[token] |= lineages[parent]
    return lineages[params["tokens"]].reshape(queries, keys)


def _attention(params: Params, tensors: Tensors) -> Tensor:
    q, k, v = (_by_heads(params, tensors[name]) for name in "qkv")
    options: dict[str, Any] = {}
    if params.get("is_causal"):
        options["is_causal"] = True
    elif "parents" in params:
        options["attn_mask"] = _visible(params, tensors)
    if all(bool(part.isfinite().all()) for part in (q, k, v)):
        return _joined(F.scaled_dot_product_attention(q, k, v, **options))
    # PyTorch's fused kernel makes 0 of the NaN of a short row.
    with sdpa_kernel(SDPBackend.MATH):
        return _joined(F.scaled_dot_product_attention(q, k, v, **options))


def _magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    """The values that are averaged, and how far they move with the terms of the scores.

    y = sum of w v with w = softmax(s): an error e of a score moves y by w (v - y) e.
    """
    q, k, v = (_by_heads(params, tensors[name]) for name in "qkv")
    root = math.sqrt(q.shape[-1])
    scores = (q @ k.mT / root).masked_fill(~_visible(params, tensors), -math.inf)
    weights = scores.softmax(dim=-1)
    moving = weights * (q.abs() @ k.abs().mT / root)
    spread = (v.unsqueeze(-3) - _by_heads(params, y).unsqueeze(-2)).abs()
    return _joined(weights @ v.abs() + (moving.unsqueeze(-2) @ spread).squeeze(-2))


ATTENTION = {
    "attention": Operator(_draw_attention, _attention, _magnitude),
    "tree_attention": Operator(_draw_tree_attention, _attention, _magnitude),
}
