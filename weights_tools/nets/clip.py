"""CLIP with vision transformers (Radford et al., 2021).

Both towers on the canonical tensors that weights_tools.convert writes, whose names are OpenAI's.
They run in the precision of their arguments: cast the weights and the input to float64 for the
truth of the audit. What learned prompts need is a token's replacement before a block, which is all
that the towers know of them; nets/clip_prompts.py has the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

QUICK_GELU, GELU = "quick_gelu", "gelu"
ACTIVATIONS = (QUICK_GELU, GELU)
NORM_EPS = 1e-5
CONTEXT_LENGTH = 77  # tokens of a text, padded with zeros

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)

Prompts = Mapping[int, Tensor]  # by the block that they go before, (n, width) each


@dataclass(frozen=True)
class Settings:
    """What the tensors do not tell."""

    activation: str
    image_heads: int
    text_heads: int
    mean: Sequence[float] = OPENAI_MEAN
    std: Sequence[float] = OPENAI_STD


def normalised_colours(unit: Tensor, settings: Settings) -> Tensor:
    """The image tower's input from pictures (n, 3, side, side) of values 0 to 1."""
    mean, std = (unit.new_tensor(c)[:, None, None] for c in (settings.mean, settings.std))
    return (unit - mean) / std


def image_tower(
    weights: Mapping[str, Tensor],
    settings: Settings,
    inputs: Tensor,
    prompts: Prompts | None = None,
    trace: dict[str, Tensor] | None = None,
) -> Tensor:
    """Features (n, embedding), not normalised, of normalised pictures (n, 3, side, side).

    `prompts[0]` are tokens behind those of the picture, without a position, and `prompts[i]`
    replace the last tokens before block i. A `trace` gets the tokens (n, tokens, width) after each
    layer, by its name.
    """
    prompts = prompts or {}
    kernel = weights["visual.conv1.weight"]

    def traced(name: str, x: Tensor) -> Tensor:
        if trace is not None:
            trace[name] = x
        return x

    def of_each(tokens: Tensor) -> Tensor:
        return tokens.expand(inputs.shape[0], -1, -1)

    patches = F.conv2d(inputs, kernel, stride=kernel.shape[-1]).flatten(2).transpose(1, 2)
    x = torch.cat([of_each(weights["visual.class_embedding"][None]), patches], dim=1)
    x = x + weights["visual.positional_embedding"]
    if 0 in prompts:
        x = torch.cat([x, of_each(prompts[0])], dim=1)
    traced("visual.conv1", x)
    x = traced("visual.ln_pre", _norm(weights, "visual.ln_pre", x))
    for i in range(count_blocks(weights, "visual.transformer")):
        if i > 0 and i in prompts:
            x = torch.cat([x[:, : -len(prompts[i])], of_each(prompts[i])], dim=1)
        name = f"visual.transformer.resblocks.{i}"
        x = traced(name, _block(weights, name, x, settings.image_heads, settings.activation))
    return _norm(weights, "visual.ln_post", x[:, 0]) @ weights["visual.proj"]


def text_tower(
    weights: Mapping[str, Tensor],
    settings: Settings,
    embedded: Tensor,
    ends: Tensor,
    prompts: Prompts | None = None,
) -> Tensor:
    """Features (n, embedding), not normalised, of embedded texts (n, tokens, width).

    They are read at the places `ends` (n) of end of text. `prompts[i]` replace the tokens behind
    start of text before block i. Tokens behind the last of `ends` may be left out: no token depends
    on a later one.
    """
    x = embedded + weights["positional_embedding"][: embedded.shape[1]]
    for i in range(count_blocks(weights, "transformer")):
        if prompts and i in prompts:
            x = replaced(x, prompts[i])
        name = f"transformer.resblocks.{i}"
        x = _block(weights, name, x, settings.text_heads, settings.activation, causal=True)
    last = x[torch.arange(x.shape[0]), ends]
    return _norm(weights, "ln_final", last) @ weights["text_projection"]


def encoded_texts(weights: Mapping[str, Tensor], settings: Settings, tokens: Tensor) -> Tensor:
    """Features (n, embedding), not normalised, of texts (n, tokens)."""
    embedded = weights["token_embedding.weight"][tokens]
    return text_tower(weights, settings, embedded, text_ends(tokens))


def text_ends(tokens: Tensor) -> Tensor:
    """Where end of text is, the last token of the vocabulary."""
    return tokens.argmax(dim=-1)


def replaced(x: Tensor, tokens: Tensor) -> Tensor:
    """Texts (..., tokens, width) with others behind start of text, (n, width) or each its own."""
    tokens = tokens.expand(*x.shape[:-2], -1, -1)
    return torch.cat([x[..., :1, :], tokens, x[..., 1 + tokens.shape[-2] :, :]], dim=-2)


def unit_length(features: Tensor) -> Tensor:
    return features / features.norm(dim=-1, keepdim=True)


def logits(weights: Mapping[str, Tensor], image_features: Tensor, text_features: Tensor) -> Tensor:
    """(pictures, labels) of features of length 1, (labels, ...) or each picture's own."""
    cosines = (text_features @ image_features[:, :, None]).squeeze(-1)
    return weights["logit_scale"].exp() * cosines


def count_blocks(weights: Mapping[str, Tensor], transformer: str) -> int:
    count = 0
    while f"{transformer}.resblocks.{count}.ln_1.weight" in weights:
        count += 1
    return count


def _block(
    weights: Mapping[str, Tensor],
    name: str,
    x: Tensor,
    heads: int,
    activation: str,
    causal: bool = False,
) -> Tensor:
    """Attention and a perceptron of two layers, each added to what it read."""
    x = x + _attention(weights, f"{name}.attn", _norm(weights, f"{name}.ln_1", x), heads, causal)
    hidden = _linear(weights, f"{name}.mlp.c_fc", _norm(weights, f"{name}.ln_2", x))
    hidden = hidden * torch.sigmoid(1.702 * hidden) if activation == QUICK_GELU else F.gelu(hidden)
    return x + _linear(weights, f"{name}.mlp.c_proj", hidden)


def _attention(
    weights: Mapping[str, Tensor], name: str, x: Tensor, heads: int, causal: bool
) -> Tensor:
    joint = F.linear(x, weights[f"{name}.in_proj_weight"], weights[f"{name}.in_proj_bias"])
    query, key, value = (
        part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in joint.chunk(3, dim=-1)
    )
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
    return _linear(weights, f"{name}.out_proj", mixed.transpose(1, 2).flatten(2))


def _norm(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return F.layer_norm(x, weight.shape, weight, bias, NORM_EPS)


def _linear(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
