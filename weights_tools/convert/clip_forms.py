"""The forms in which CLIP is published, and what lies beside the tensors.

    openai         TorchScript archives such as ViT-B-16.pt, and state dicts with their names
    open_clip      the same names, of another training
    transformers   names of its own, query, key and value apart, and projections transposed

Which activation a network was trained with, its tensors do not tell: OpenAI's have quick_gelu, and
so have those that transformers took from there; open_clip's have gelu unless their configuration
says otherwise. The configuration that is published beside a checkpoint is read where it is there.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from weights_tools.checkpoints import Checkpoint
from weights_tools.errors import ToolError
from weights_tools.nets.clip import ACTIVATIONS, GELU, NORM_EPS, QUICK_GELU

OPENAI, OPEN_CLIP, TRANSFORMERS = "openai", "open_clip", "transformers"
DEFAULT_ACTIVATIONS = {OPENAI: QUICK_GELU, OPEN_CLIP: GELU, TRANSFORMERS: QUICK_GELU}

_CONFIGURATIONS = {OPEN_CLIP: "open_clip_config.json", TRANSFORMERS: "config.json"}

# Sizes that the tensors have too, masks and counters.
_NOT_WEIGHTS = ("input_resolution", "context_length", "vocab_size", "attn_mask", "position_ids")

# open_clip's models with a text tower of their own have it under this prefix.
_TEXT_PREFIX = "text."

_QUERY_KEY_VALUE = re.compile(r"(.*\.self_attn\.)q(_proj\.(?:weight|bias))")
_BLOCK = re.compile(r"(text|vision)_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_BLOCK_PARTS = {
    "layer_norm1": "ln_1",
    "self_attn.in_proj": "attn.in_proj",
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_OUTSIDE_OF_BLOCKS = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
}
_TRANSPOSED = {
    "text_projection.weight": "text_projection",
    "visual_projection.weight": "visual.proj",
}


@dataclass(frozen=True)
class Options:
    """What is known beside the tensors; None where nothing is."""

    activation: str | None = None
    image_heads: int | None = None
    text_heads: int | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None

    def before(self, others: "Options") -> "Options":
        """These, and the others where these say nothing."""
        pairs = ((getattr(self, f.name), getattr(others, f.name)) for f in fields(self))
        return Options(*(other if own is None else own for own, other in pairs))


def recognise(checkpoint: Checkpoint, path: Path) -> str:
    """By names, by the configuration beside the file, or by how it and its tensors are called."""
    if any(name.startswith(("text_model.", "vision_model.")) for name in checkpoint.tensors):
        return TRANSFORMERS
    own_text = any(name.startswith(_TEXT_PREFIX) for name in checkpoint.tensors)
    beside = (path.parent / _CONFIGURATIONS[OPEN_CLIP]).is_file()
    called = checkpoint.parallel or path.name.startswith("open_clip")
    return OPEN_CLIP if own_text or beside or called else OPENAI


def openai_tensors(form: str, checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Under OpenAI's names, as stored; what has none keeps its own, to be complained about."""
    tensors = {
        name: tensor
        for name, tensor in checkpoint.tensors.items()
        if name.rpartition(".")[2] not in _NOT_WEIGHTS
    }
    if form == TRANSFORMERS:
        tensors = _renamed(_joined(tensors))
    else:
        tensors = {name.removeprefix(_TEXT_PREFIX): tensor for name, tensor in tensors.items()}
    scale = tensors.get("logit_scale")
    if scale is not None and scale.numel() == 1:
        tensors["logit_scale"] = scale.reshape(())  # open_clip may have it as a vector
    return tensors


def configuration(form: str, folder: Path) -> tuple[Options, str]:
    """What the form's configuration says that lies in the folder, and its name ("" without)."""
    path = folder / _CONFIGURATIONS.get(form, "")
    if not path.is_file():
        return Options(), ""
    try:
        document = json.loads(path.read_text())
        read = _of_transformers if form == TRANSFORMERS else _of_open_clip
        return read(document), path.name
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ToolError(
            f"{path}: cannot be read as the configuration of a CLIP: {error}"
        ) from error


def _of_transformers(document: Mapping[str, Any]) -> Options:
    image, text = document.get("vision_config") or {}, document.get("text_config") or {}
    activations = {part.get("hidden_act", QUICK_GELU) for part in (image, text)}
    if len(activations) != 1 or not activations <= {*ACTIVATIONS}:
        raise ValueError(f"hidden_act is {' and '.join(sorted(activations))}")
    if any(part.get("layer_norm_eps", NORM_EPS) != NORM_EPS for part in (image, text)):
        raise ValueError(f"layer_norm_eps is not {NORM_EPS}")
    heads = (part.get("num_attention_heads") for part in (image, text))
    return Options(activations.pop(), *heads)


def _of_open_clip(document: Mapping[str, Any]) -> Options:
    model, preparation = document["model_cfg"], document.get("preprocess_cfg", {})
    image, text = model["vision_cfg"], model["text_cfg"]
    for name, expected in (("interpolation", "bicubic"), ("resize_mode", "shortest")):
        if preparation.get(name, expected) != expected:
            raise ValueError(f"{name} is {preparation[name]}, expected {expected}")
    heads = image["width"] // image.get("head_width", 64) if "width" in image else None
    activation = QUICK_GELU if model.get("quick_gelu", False) else GELU
    colours = (preparation.get(name) for name in ("mean", "std"))
    return Options(activation, heads, text.get("heads"), *colours)


def _joined(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """With query, key and value on top of each other, wherever all three are there and fit."""
    joined = dict(tensors)
    for name in tensors:
        if match := _QUERY_KEY_VALUE.fullmatch(name):
            names = [f"{match[1]}{letter}{match[2]}" for letter in "qkv"]
            parts = [tensors[part] for part in names if part in tensors]
            if len(parts) == 3 and len({(part.shape, part.dtype) for part in parts}) == 1:
                joined[f"{match[1]}in{match[2]}"] = torch.cat(parts)
                for part in names:
                    del joined[part]
    return joined


def _renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name in _TRANSPOSED:
            renamed[_TRANSPOSED[name]] = tensor.T if tensor.dim() == 2 else tensor
        else:
            renamed[_OUTSIDE_OF_BLOCKS.get(name) or _in_block(name) or name] = tensor
    return renamed


def _in_block(name: str) -> str | None:
    match = _BLOCK.fullmatch(name)
    if match is None or match[3] not in _BLOCK_PARTS:
        return None
    tower = "visual.transformer" if match[1] == "vision" else "transformer"
    part = _BLOCK_PARTS[match[3]]
    joint = "_" if part == "attn.in_proj" else "."
    return f"{tower}.resblocks.{match[2]}.{part}{joint}{match[4]}"
