"""Prompts that were learned for CLIP, as published, and how they become hewn's canonical tensors.

CoOp and CoCoOp save their prompt learner alone. The others save the whole model, CLIP and all; of
that only what was trained is taken. What depends on the names of the classes is never taken: it is
made anew from the names that are asked for.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.checkpoints import (
    Checkpoint,
    TensorSpec,
    canonical_config,
    canonical_metadata,
    check_tensors,
    printable,
)
from weights_tools.errors import ToolError
from weights_tools.nets.clip_prompts import END, LearnedPrompts

COOP, COCOOP, VPT, IVLP, MAPLE = "coop", "cocoop", "vpt", "ivlp", "maple"

_STORED = (torch.float16, torch.float32)
_LEARNER = "prompt_learner."
_WHOLE_MODEL = ("image_encoder.", "text_encoder.", "logit_scale")
_OF_CLASSES = ("token_prefix", "token_suffix")

_DEEP_IMAGE = re.compile(r"image_encoder\.transformer\.resblocks\.(\d+)\.VPT_shallow")
_DEEP_TEXT = re.compile(r"text_encoder\.transformer\.resblocks\.(\d+)\.VPT_shallow")
_MAPLE_TEXT = re.compile(r"compound_prompts_text\.(\d+)")
_MAPLE_COUPLING = re.compile(r"compound_prompt_projections\.(\d+)\.(weight|bias)")
_META_NET = re.compile(r"meta_net\.linear[12]\.(weight|bias)")

# What contexts of up to so many tokens began training from; longer ones from as many X.
_TEMPLATE, _TEMPLATE_TOKENS = "a photo of a {}.", 4


@dataclass(frozen=True)
class Options:
    """What the tensors do not tell."""

    method: str | None = None  # None to recognise it
    template: str | None = None  # None for that of the method
    class_position: str = END
    labels: Sequence[str] | None = None


def convert(checkpoint: Checkpoint, options: Options) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The canonical tensors and the metadata of any method's checkpoint."""
    source = checkpoint.source
    tensors = _canonical_names(checkpoint)
    method = options.method or _recognised(tensors)
    _check(source, method, tensors)
    context = tensors.get("text.prompts.0")
    if options.class_position != END and method != COOP:
        raise ToolError(f"{source}: --class-position is an option of coop, but this is {method}")
    labels = None if options.labels is None else list(options.labels)
    if labels and context is not None and context.dim() == 3 and len(labels) != len(context):
        raise ToolError(
            f"{source}: has contexts of {len(context)} classes, but --classnames has {len(labels)}"
        )
    if options.template is not None and context is None:
        raise ToolError(f"{source}: --template: no tokens of the text are replaced by {method}")
    config = {
        "method": method,
        "template": None if context is None else _template(source, method, context, options),
        "class_position": options.class_position,
        "labels": labels,
    }
    return tensors, canonical_metadata("clip-prompts", config, checkpoint)


def load_prompts(path: Path) -> LearnedPrompts:
    """A converted file."""
    contents = safetensors_file.read(path)

    def config(name: str) -> object:
        return canonical_config(path, contents.metadata, "clip-prompts", name)

    names = ("method", "template", "class_position", "labels")
    return LearnedPrompts(contents.tensors, *(config(name) for name in names))


def _canonical_names(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """What was trained, by canonical names; MaPLe's tensors are numbered from the second on."""
    canonical: dict[str, Tensor] = {}
    unknown: list[str] = []
    for public, tensor in checkpoint.tensors.items():
        name = public.removeprefix(_LEARNER)
        if name in _OF_CLASSES:
            continue
        if name == "ctx":
            canonical["text.prompts.0"] = tensor
        elif match := _MAPLE_TEXT.fullmatch(name):
            canonical[f"text.prompts.{int(match[1]) + 1}"] = tensor
        elif match := _MAPLE_COUPLING.fullmatch(name):
            canonical[f"coupling.{int(match[1]) + 1}.{match[2]}"] = tensor
        elif name in ("proj.weight", "proj.bias"):
            canonical[f"coupling.0.{name.removeprefix('proj.')}"] = tensor
        elif _META_NET.fullmatch(name):
            canonical[name] = tensor
        elif name == "image_encoder.VPT":
            canonical["image.prompts.0"] = tensor
        elif match := _DEEP_IMAGE.fullmatch(name):
            canonical[f"image.prompts.{int(match[1])}"] = tensor
        elif match := _DEEP_TEXT.fullmatch(name):
            canonical[f"text.prompts.{int(match[1])}"] = tensor
        elif not public.startswith(_WHOLE_MODEL):
            unknown.append(printable(public))
    if not canonical:
        examples = "ctx, prompt_learner.ctx or image_encoder.VPT"
        raise ToolError(f"{checkpoint.source}: no learned prompt is in it; expected {examples}")
    if unknown:
        raise ToolError(
            f"{checkpoint.source}: holds learned prompts, but left over: {', '.join(unknown)}"
        )
    return canonical


def _recognised(tensors: Mapping[str, Tensor]) -> str:
    """Each method has tensors that no other has; a context alone is CoOp's."""
    if any(name.startswith("meta_net.") for name in tensors):
        return COCOOP
    if any(name.startswith("coupling.") for name in tensors):
        return MAPLE
    of_text = any(name.startswith("text.") for name in tensors)
    if any(name.startswith("image.") for name in tensors):
        return IVLP if of_text else VPT
    return IVLP if "text.prompts.1" in tensors else COOP


def _check(source: str, method: str, tensors: Mapping[str, Tensor]) -> None:
    """Every name and shape; the first tensors of each kind have the sizes that others must have."""
    text, image = _depth("text.prompts", tensors), _depth("image.prompts", tensors)
    specs: dict[str, tuple[int, ...]] = {}
    if method != VPT:
        classes, text_size = _context(source, tensors, shared=method != COOP)
        specs["text.prompts.0"] = (*classes, *text_size)
        if method in (IVLP, MAPLE):
            specs |= {f"text.prompts.{i}": text_size for i in range(1, text)}
    if method == VPT or (method == IVLP and image):
        size = _size(source, tensors, "image.prompts.0", 2)
        specs |= {f"image.prompts.{i}": size for i in range(max(image, 1))}
    if method == MAPLE:
        width, _ = _size(source, tensors, "coupling.0.weight", 2)
        for i in range(text):
            specs[f"coupling.{i}.weight"] = (width, text_size[1])
            specs[f"coupling.{i}.bias"] = (width,)
    if method == COCOOP:
        hidden, embedding = _size(source, tensors, "meta_net.linear1.weight", 2)
        for name, outputs, inputs in (("1", hidden, embedding), ("2", text_size[1], hidden)):
            specs[f"meta_net.linear{name}.weight"] = (outputs, inputs)
            specs[f"meta_net.linear{name}.bias"] = (outputs,)
    stored = {name: t.dtype for name, t in tensors.items() if t.dtype in _STORED}
    expected = {n: TensorSpec(size, stored.get(n, torch.float32)) for n, size in specs.items()}
    check_tensors(source, f"{method} (names as converted)", tensors, expected)


def _context(
    source: str, tensors: Mapping[str, Tensor], shared: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of `text.prompts.0` the classes that it tells apart, if any, and the rest of its shape."""
    dimensions = (2,) if shared else (2, 3)
    shape = _size(source, tensors, "text.prompts.0", *dimensions)
    return shape[:-2], shape[-2:]


def _size(
    source: str, tensors: Mapping[str, Tensor], name: str, *dimensions: int
) -> tuple[int, ...]:
    tensor = tensors.get(name)
    if tensor is None:
        raise ToolError(f"{source}: missing: {name} (name as converted)")
    if tensor.dim() not in dimensions or 0 in tensor.shape:
        sizes = "x".join(map(str, tensor.shape)) or "scalar"
        expected = " or ".join(map(str, dimensions))
        raise ToolError(
            f"{source}: {name} (name as converted) is {sizes}, expected {expected} dimensions"
        )
    return tuple(tensor.shape)


def _depth(kind: str, names: Iterable[str]) -> int:
    """How many blocks there are prompts for; a number that is left out is missed by the check."""
    return sum(name.startswith(f"{kind}.") for name in names)


def _template(source: str, method: str, context: Tensor, options: Options) -> str:
    template = options.template
    if template is None:
        length = context.shape[-2]
        words = length <= _TEMPLATE_TOKENS and method != COOP
        template = _TEMPLATE if words else f"{'X ' * length}{{}}."
    if template.count("{}") != 1:
        raise ToolError(f"{source}: --template {template!r}: expected one {{}}, for the name")
    return template
