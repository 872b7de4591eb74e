"""RAFT's public checkpoints, and how they become hewn's canonical tensors.

The names are those of the public checkpoints already, and nets/raft.py has them as its attributes.
What changes is the large network's context encoder. Each of its convolutions has batch norm
directly behind it, before the activation, so the norm is folded into the convolution. The norm
behind a shortcut's convolution is in a checkpoint twice, as `normN` and `downsample.1`.
"""

from collections.abc import Mapping
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
    closest_form,
)
from weights_tools.convert import batch_norm
from weights_tools.errors import ToolError
from weights_tools.nets.raft import VARIANTS, Raft, Variant
from weights_tools.nets.raft_correlation import LEVELS
from weights_tools.nets.raft_encoder import NORM_EPS

_SHORTCUT_CONV, _SHORTCUT_NORM = "downsample.0", "downsample.1"


def specs(variant: Variant) -> dict[str, TensorSpec]:
    """Every tensor that a checkpoint of this variant holds: those of the network itself."""
    return {
        # Only training reads the counters, and old versions of PyTorch did not save them.
        name: TensorSpec(tuple(t.shape), t.dtype, optional=name.endswith(".num_batches_tracked"))
        for name, t in _state_dict(variant, folded=False).items()
    }


def recognise(source: str, tensors: Mapping[str, Tensor]) -> Variant:
    """Large or small, whichever shares more names with the checkpoint."""
    forms = {name: specs(variant) for name, variant in VARIANTS.items()}
    return VARIANTS[closest_form(source, "RAFT", tensors, forms)]


def convert(checkpoint: Checkpoint) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The canonical tensors and the metadata of a checkpoint of either network."""
    variant = recognise(checkpoint.source, checkpoint.tensors)
    check_tensors(checkpoint.source, variant.name, checkpoint.tensors, specs(variant))
    _check_copies(checkpoint)
    tensors = batch_norm.rounded(checkpoint.source, folded_tensors(checkpoint, variant))
    config = {
        "variant": variant.name,
        "correlation_levels": LEVELS,
        "correlation_radius": variant.radius,
    }
    return tensors, canonical_metadata("raft", config, checkpoint)


def load_network(path: Path) -> Raft:
    """The network of a converted file, in float32; our own weights are stored in float16."""
    contents = safetensors_file.read(path)
    name = canonical_config(path, contents.metadata, "raft", "variant")
    if name not in VARIANTS:
        raise ToolError(f"{path}: variant {name}: expected {' or '.join(VARIANTS)}")
    network = Raft(VARIANTS[name], folded=True)
    shapes = {key: TensorSpec(tuple(t.shape)) for key, t in network.state_dict().items()}
    tensors = {
        key: t.float() if t.dtype == torch.float16 else t for key, t in contents.tensors.items()
    }
    check_tensors(str(path), name, tensors, shapes)
    network.load_state_dict(tensors)
    return network


def folded_tensors(checkpoint: Checkpoint, variant: Variant) -> dict[str, Tensor]:
    """The canonical tensors of a checked checkpoint in float64, before they are rounded."""
    double = {name: t.double() for name, t in checkpoint.tensors.items()}
    folded = {name: double[name] for name in _state_dict(variant, folded=True)}
    for norm, conv in _norms(checkpoint.tensors).items():
        scale, shift = batch_norm.scale_and_shift(checkpoint, norm, NORM_EPS)
        weight, bias = double[f"{conv}.weight"], double[f"{conv}.bias"]
        weight, bias = batch_norm.folded(weight, bias, scale, shift)
        folded |= {f"{conv}.weight": weight, f"{conv}.bias": bias}
    return folded


def _norms(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Each batch norm and the convolution before it, a shortcut's under its own name, normN.

    Norm N of a block follows convolution N; the one that has no such convolution is the shortcut's.
    """
    norms: dict[str, str] = {}
    for name in tensors:
        norm, _, part = name.rpartition(".")
        if part != "running_mean" or norm.endswith(_SHORTCUT_NORM):
            continue
        block, _, last = norm.rpartition(".")
        conv = f"{block}.{last.replace('norm', 'conv')}"
        norms[norm] = conv if f"{conv}.weight" in tensors else f"{block}.{_SHORTCUT_CONV}"
    return norms


def _check_copies(checkpoint: Checkpoint) -> None:
    tensors = checkpoint.tensors
    differing: list[str] = []
    for norm, conv in _norms(tensors).items():
        if conv.endswith(_SHORTCUT_CONV):
            copy = conv.removesuffix(_SHORTCUT_CONV) + _SHORTCUT_NORM
            differing += [
                f"{norm}.{part} and {copy}.{part}"
                for part in batch_norm.PARTS
                if not torch.equal(tensors[f"{norm}.{part}"], tensors[f"{copy}.{part}"])
            ]
    if differing:
        raise ToolError(
            f"{checkpoint.source}: one norm under two names, but they differ: "
            f"{', '.join(differing)}"
        )


def _state_dict(variant: Variant, folded: bool) -> dict[str, Tensor]:
    """The network's names, shapes and types, without its values."""
    with torch.device("meta"):
        return Raft(variant, folded).state_dict()
