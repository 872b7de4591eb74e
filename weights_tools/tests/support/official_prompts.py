"""The five prompt methods on open_clip's CLIP, written after the official code of their authors.

KaiyangZhou/CoOp has coop and cocoop, muzairkhattak/multimodal-prompt-learning the others. Published
names are used as they are; classes are (tokens, name lengths).
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

State = Mapping[str, Tensor]


def coop(
    model: nn.Module, state: State, tokens: Tensor, names: Sequence[int], position: str
) -> Tensor:
    """Text features, normalised: PromptLearner.forward, then TextEncoder."""
    ctx = state["ctx"]
    embedding = model.token_embedding(tokens)
    n_ctx = ctx.shape[-2]
    if ctx.dim() == 2:
        ctx = ctx.unsqueeze(0).expand(len(tokens), -1, -1)
    prefix, suffix = embedding[:, :1], embedding[:, 1 + n_ctx :]
    prompts = []
    for i, name_len in enumerate(names):
        class_i, suffix_i = suffix[i, :name_len], suffix[i, name_len:]
        if position == "end":
            parts = [prefix[i], ctx[i], suffix[i]]
        elif position == "middle":
            half = n_ctx // 2
            parts = [prefix[i], ctx[i, :half], class_i, ctx[i, half:], suffix_i]
        else:
            parts = [prefix[i], class_i, ctx[i], suffix_i]
        prompts.append(torch.cat(parts))
    return _encode_text(model, torch.stack(prompts), tokens, [])


def cocoop(model: nn.Module, state: State, tokens: Tensor, image_features: Tensor) -> Tensor:
    """Text features (pictures, classes, embedding)."""
    hidden = F.relu(
        image_features @ state["meta_net.linear1.weight"].T + state["meta_net.linear1.bias"]
    )
    bias = hidden @ state["meta_net.linear2.weight"].T + state["meta_net.linear2.bias"]
    embedding = model.token_embedding(tokens)
    features = []
    for bias_i in bias:
        ctx = (state["ctx"] + bias_i).expand(len(tokens), -1, -1)
        prompts = torch.cat([embedding[:, :1], ctx, embedding[:, 1 + ctx.shape[1] :]], dim=1)
        features.append(_encode_text(model, prompts, tokens, []))
    return torch.stack(features)


def independent(
    model: nn.Module, state: State, tokens: Tensor, pictures: Tensor
) -> tuple[Tensor, Tensor]:
    """vpt and ivlp: image features and text features."""

    def deep(encoder: str) -> list[Tensor]:
        names = (f"{encoder}.transformer.resblocks.{i}.VPT_shallow" for i in range(1, 100))
        return [state[name] for name in names if name in state]

    image = _encode_image(model, pictures, state["image_encoder.VPT"], deep("image_encoder"))
    if "prompt_learner.ctx" not in state:
        return image, F.normalize(model.encode_text(tokens), dim=-1)
    prompts = _with_context(model, state["prompt_learner.ctx"], tokens)
    return image, _encode_text(model, prompts, tokens, deep("text_encoder"))


def maple(
    model: nn.Module, state: State, tokens: Tensor, pictures: Tensor
) -> tuple[Tensor, Tensor]:
    """Image features and text features: MultiModalPromptLearner.forward, then both encoders."""
    state = {name.removeprefix("prompt_learner."): tensor for name, tensor in state.items()}
    text, image = [], []
    for i in range(sum(name.startswith("compound_prompts_text.") for name in state)):
        projection = f"compound_prompt_projections.{i}"
        text.append(state[f"compound_prompts_text.{i}"])
        image.append(text[i] @ state[f"{projection}.weight"].T + state[f"{projection}.bias"])
    shared = state["ctx"] @ state["proj.weight"].T + state["proj.bias"]
    prompts = _with_context(model, state["ctx"], tokens)
    return (
        _encode_image(model, pictures, shared, image),
        _encode_text(model, prompts, tokens, text),
    )


def _with_context(model: nn.Module, ctx: Tensor, tokens: Tensor) -> Tensor:
    embedding = model.token_embedding(tokens)
    ctx = ctx.unsqueeze(0).expand(len(tokens), -1, -1)
    return torch.cat([embedding[:, :1], ctx, embedding[:, 1 + ctx.shape[1] :]], dim=1)


def _encode_text(
    model: nn.Module, prompts: Tensor, tokens: Tensor, deep: Sequence[Tensor]
) -> Tensor:
    x = prompts + model.positional_embedding
    for i, block in enumerate(model.transformer.resblocks):
        if 0 < i <= len(deep):
            prompt = deep[i - 1].expand(len(x), -1, -1)
            x = torch.cat([x[:, :1], prompt, x[:, 1 + prompt.shape[1] :]], dim=1)
        x = block(x, attn_mask=model.attn_mask)
    x = model.ln_final(x)
    x = x[torch.arange(len(x)), tokens.argmax(dim=-1)] @ model.text_projection
    return x / x.norm(dim=-1, keepdim=True)


def _encode_image(
    model: nn.Module, pictures: Tensor, shallow: Tensor, deep: Sequence[Tensor]
) -> Tensor:
    visual = model.visual
    x = visual.conv1(pictures)
    x = x.reshape(x.shape[0], x.shape[1], -1).permute(0, 2, 1)
    start = visual.class_embedding + torch.zeros_like(x[:, :1])
    x = torch.cat([start, x], dim=1) + visual.positional_embedding
    x = visual.ln_pre(torch.cat([x, shallow.expand(len(x), -1, -1)], dim=1))
    for i, block in enumerate(visual.transformer.resblocks):
        if 0 < i <= len(deep):
            prompt = deep[i - 1].expand(len(x), -1, -1)
            x = torch.cat([x[:, : x.shape[1] - prompt.shape[1]], prompt], dim=1)
        x = block(x)
    x = visual.ln_post(x[:, 0]) @ visual.proj
    return x / x.norm(dim=-1, keepdim=True)
