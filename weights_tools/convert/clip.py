"""CLIP's public checkpoints, and how they become hewn's canonical tensors.

The canonical names are OpenAI's, and tensors keep the type that they came in: float16 is exact in
float32, so nothing is gained by storing it so. Sizes are read off the tensors; what those do not
tell is in convert/clip_forms.py. The merges of the tokenizer are part of the file.
"""

from collections.abc import Mapping, Sequence
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
)
from weights_tools.convert.clip_forms import (
    DEFAULT_ACTIVATIONS,
    OPENAI,
    Options,
    openai_tensors,
)
from weights_tools.errors import ToolError
from weights_tools.nets.clip import ACTIVATIONS, OPENAI_MEAN, OPENAI_STD, Settings

MERGES = "tokenizer.merges"

_STORED = (torch.float16, torch.float32)
BYTES_AND_ENDS = 514  # tokens that are no merges
_HEAD_WIDTH = 64
_COLOURS = 3


@dataclass(frozen=True)
class TowerSizes:
    width: int
    hidden: int  # of the perceptron between its two layers
    blocks: int


@dataclass(frozen=True)
class Sizes:
    """All of a network's, as its tensors have them."""

    image: TowerSizes
    text: TowerSizes
    embedding: int
    patch: int
    grid: int  # patches on a side
    vocabulary: int
    context: int

    @property
    def side(self) -> int:
        return self.patch * self.grid


def convert(
    checkpoint: Checkpoint, merges: Tensor, form: str = OPENAI, options: Options | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The canonical tensors and the metadata of a checkpoint of any form."""
    options = options or Options()
    tensors = openai_tensors(form, checkpoint)
    sizes = read_sizes(checkpoint.source, form, tensors)
    check_tensors(checkpoint.source, form, tensors, _stored_specs(sizes, tensors))
    if len(merges) != sizes.vocabulary - BYTES_AND_ENDS:
        raise ToolError(
            f"{checkpoint.source}: a vocabulary of {sizes.vocabulary} tokens needs "
            f"{sizes.vocabulary - BYTES_AND_ENDS} merges, but there are {len(merges)}; "
            f"--merges names others"
        )
    config = {
        "form": form,
        "activation": options.activation or DEFAULT_ACTIVATIONS[form],
        "image_heads": _heads(checkpoint.source, "image", sizes.image, options.image_heads),
        "text_heads": _heads(checkpoint.source, "text", sizes.text, options.text_heads),
        "mean": options.mean or OPENAI_MEAN,
        "std": options.std or OPENAI_STD,
    }
    return tensors | {MERGES: merges}, canonical_metadata("clip", config, checkpoint)


def load_network(path: Path) -> tuple[dict[str, Tensor], Settings]:
    """A converted file: its tensors, and what they do not tell."""
    contents = safetensors_file.read(path)

    def config(name: str) -> object:
        return canonical_config(path, contents.metadata, "clip", name)

    names = ("activation", "image_heads", "text_heads", "mean", "std")
    settings = Settings(*(config(name) for name in names))
    if settings.activation not in ACTIVATIONS:
        known = " or ".join(ACTIVATIONS)
        raise ToolError(f"{path}: activation {settings.activation}: expected {known}")
    sizes = read_sizes(str(path), "clip", contents.tensors)
    expected = _stored_specs(sizes, contents.tensors)
    shape = (sizes.vocabulary - BYTES_AND_ENDS, 2)
    check_tensors(
        str(path), "clip", contents.tensors, expected | {MERGES: TensorSpec(shape, torch.int64)}
    )
    return contents.tensors, settings


def specs(sizes: Sizes) -> dict[str, TensorSpec]:
    """Every tensor of the network by its canonical name, but for the merges."""
    image, text = sizes.image, sizes.text
    shapes = {
        "positional_embedding": (sizes.context, text.width),
        "text_projection": (text.width, sizes.embedding),
        "logit_scale": (),
        "visual.class_embedding": (image.width,),
        "visual.positional_embedding": (sizes.grid**2 + 1, image.width),
        "visual.proj": (image.width, sizes.embedding),
        "visual.conv1.weight": (image.width, _COLOURS, sizes.patch, sizes.patch),
        **_norm("visual.ln_pre", image.width),
        **_blocks("visual.transformer", image),
        **_norm("visual.ln_post", image.width),
        **_blocks("transformer", text),
        "token_embedding.weight": (sizes.vocabulary, text.width),
        **_norm("ln_final", text.width),
    }
    return {name: TensorSpec(shape) for name, shape in shapes.items()}


def read_sizes(source: str, form: str, tensors: Mapping[str, Tensor]) -> Sizes:
    """Of tensors under canonical names, whose shapes are yet to be checked."""

    def shape(name: str, dimensions: int) -> Sequence[int]:
        tensor = tensors.get(name)
        if tensor is None:
            raise ToolError(f"{source}: does not fit the form {form}: missing: {name}")
        if tensor.dim() != dimensions or 0 in tensor.shape:
            sizes = "x".join(map(str, tensor.shape)) or "scalar"
            raise ToolError(f"{source}: {name} is {sizes}, expected {dimensions} dimensions")
        return tensor.shape

    def tower(transformer: str, width: int) -> TowerSizes:
        hidden, _ = shape(f"{transformer}.resblocks.0.mlp.c_fc.weight", 2)
        prefix = f"{transformer}.resblocks."
        blocks = {n.removeprefix(prefix).split(".")[0] for n in tensors if n.startswith(prefix)}
        return TowerSizes(width, hidden, len(blocks))

    if any(name.startswith("visual.layer1.") for name in tensors):
        raise ToolError(f"{source}: its image tower is a ResNet; expected a vision transformer")
    image_width, _, patch, _ = shape("visual.conv1.weight", 4)
    tokens, _ = shape("visual.positional_embedding", 2)
    grid = round((tokens - 1) ** 0.5)
    if grid < 1 or grid**2 + 1 != tokens:
        raise ToolError(
            f"{source}: visual.positional_embedding is for {tokens} tokens, "
            f"expected a square of patches and one more"
        )
    context, text_width = shape("positional_embedding", 2)
    vocabulary, _ = shape("token_embedding.weight", 2)
    _, embedding = shape("text_projection", 2)
    return Sizes(
        tower("visual.transformer", image_width),
        tower("transformer", text_width),
        embedding,
        patch,
        grid,
        vocabulary,
        context,
    )


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _blocks(transformer: str, sizes: TowerSizes) -> dict[str, tuple[int, ...]]:
    width, hidden = sizes.width, sizes.hidden
    shapes: dict[str, tuple[int, ...]] = {}
    for i in range(sizes.blocks):
        block = f"{transformer}.resblocks.{i}"
        shapes |= _norm(f"{block}.ln_1", width) | _norm(f"{block}.ln_2", width)
        for name, outputs, inputs in (
            ("attn.in_proj_", 3 * width, width),
            ("attn.out_proj.", width, width),
            ("mlp.c_fc.", hidden, width),
            ("mlp.c_proj.", width, hidden),
        ):
            shapes |= {
                f"{block}.{name}weight": (outputs, inputs),
                f"{block}.{name}bias": (outputs,),
            }
    return shapes


def _stored_specs(sizes: Sizes, tensors: Mapping[str, Tensor]) -> dict[str, TensorSpec]:
    """The specs with the types that tensors have, where it is one that may be stored."""
    types = {name: tensor.dtype for name, tensor in tensors.items() if tensor.dtype in _STORED}
    return {
        name: TensorSpec(spec.shape, types.get(name, torch.float32))
        for name, spec in specs(sizes).items()
    }


def _heads(source: str, tower: str, sizes: TowerSizes, given: int | None) -> int:
    heads = given or sizes.width // _HEAD_WIDTH
    if heads < 1 or sizes.width % heads or (given is None and sizes.width % _HEAD_WIDTH):
        raise ToolError(
            f"{source}: the {tower} tower's width of {sizes.width} cannot be split into "
            f"{given or f'heads of {_HEAD_WIDTH}'}; --{tower}-heads says how many there are"
        )
    return heads
