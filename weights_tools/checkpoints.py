"""Reads checkpoints (`.pth` and `.safetensors`) and checks them against what a network needs."""

import hashlib
import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from weights_tools import safetensors_file, torchscript_archive
from weights_tools.errors import ToolError

# Training scripts wrap the state dict in one of these, beside the epoch and the optimiser.
_WRAPPERS = ("state_dict", "model_state_dict", "model")

# DataParallel and DistributedDataParallel put this in front of every name.
_PARALLEL_PREFIX = "module."


@dataclass(frozen=True)
class Checkpoint:
    """A state dict and where it came from."""

    source: str
    sha256: str
    tensors: dict[str, Tensor]
    parallel: bool = False  # whether names had `module.` in front


@dataclass(frozen=True)
class TensorSpec:
    """What one tensor must be. An optional one may be absent, because inference never reads it."""

    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32
    optional: bool = False


def load_checkpoint(path: Path) -> Checkpoint:
    """Loads a checkpoint or a TorchScript archive without running any code it may carry."""
    if not path.is_file():
        reason = "is a directory" if path.is_dir() else "no such file"
        raise ToolError(f"{path}: expected a checkpoint file, but {reason}")
    if path.suffix == ".safetensors":
        loaded: Any = _load_safetensors(path)
    else:
        loaded = _load_pickle(path)
    tensors = _state_dict(path, loaded)
    parallel = any(name.startswith(_PARALLEL_PREFIX) for name in _unwrap(loaded))
    return Checkpoint(path.name, _sha256(path), tensors, parallel)


def check_tensors(
    source: str, form: str, tensors: Mapping[str, Tensor], specs: Mapping[str, TensorSpec]
) -> None:
    """Raises one ToolError that lists every missing, left-over, wrong and non-finite tensor."""
    missing = [name for name, spec in specs.items() if name not in tensors and not spec.optional]
    left_over = [printable(name) for name in tensors if name not in specs]
    wrong: list[str] = []
    not_finite: list[str] = []
    for name, spec in specs.items():
        tensor = tensors.get(name)
        if tensor is None:
            continue
        if not _fits(tensor, spec):
            wrong.append(f"{name} is {_describe(tensor)}, expected {_describe_spec(spec)}")
        elif not torch.isfinite(tensor).all():
            not_finite.append(name)
    lines = [
        f"  {what}: {', '.join(names)}"
        for what, names in (
            ("missing", missing),
            ("left over", left_over),
            ("wrong", wrong),
            ("holds NaN or infinity", not_finite),
        )
        if names
    ]
    if lines:
        raise ToolError("\n".join([f"{source}: does not fit the form {form}:", *lines]))


def closest_form(
    source: str,
    network: str,
    tensors: Mapping[str, Tensor],
    forms: Mapping[str, Mapping[str, TensorSpec]],
) -> str:
    """The form that shares most names with the checkpoint; of two that tie, the smaller.

    One form's names may be a subset of another's, and a damaged checkpoint should be told what it
    lacks of the form it comes closest to; counting names answers both.
    """
    shared = {name: len(specs.keys() & tensors.keys()) for name, specs in forms.items()}
    best = max(forms, key=lambda name: (shared[name], -len(forms[name])))
    if shared[best] == 0:
        examples = ", ".join(f"{name} ({next(iter(specs))})" for name, specs in forms.items())
        raise ToolError(f"{source}: no tensor of any {network} form is in it; expected {examples}")
    return best


def canonical_metadata(
    model: str, config: Mapping[str, Any], checkpoint: Checkpoint
) -> dict[str, str]:
    """What `hewn` and the audit need to know of a converted file, all of it strings."""
    return {
        "hewn.model": model,
        "hewn.format": "1",
        "hewn.config": json.dumps(config),
        "hewn.source": checkpoint.source,
        "hewn.source_sha256": checkpoint.sha256,
    }


def canonical_config(path: Path, metadata: Mapping[str, str], model: str, name: str) -> Any:
    """One entry of `hewn.config`, of a converted file that must hold this model."""
    if metadata.get("hewn.model") != model:
        raise ToolError(
            f"{path}: expected hewn.model {model} in the metadata, "
            f"but it is {metadata.get('hewn.model', 'missing')}"
        )
    try:
        return json.loads(metadata["hewn.config"])[name]
    except (KeyError, TypeError, ValueError) as error:
        raise ToolError(f"{path}: hewn.config names no {name}") from error


def printable(name: str) -> str:
    """A tensor's name as it may be printed: a hostile file can hold control characters."""
    return name if name.isprintable() else ascii(name)


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    contents = safetensors_file.read(path)
    if "hewn.model" in contents.metadata:
        raise ToolError(f"{path}: already converted (model {contents.metadata['hewn.model']})")
    return contents.tensors


def _load_pickle(path: Path) -> Any:
    # A damaged file surfaces as whatever the zip, pickle or storage reader tripped over (KeyError,
    # EOFError, RuntimeError, ...), so every Exception here means the same: not readable. PyTorch's
    # warnings about unusual pickles would only stand in front of that message.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if torchscript_archive.is_torchscript(path):
                return torchscript_archive.load_state_dict(path)
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # PyTorch's own text advises loading without weights_only, which runs what the file says.
        raise ToolError(
            f"{path}: expected a PyTorch checkpoint that holds only tensors, "
            f"but it holds other objects or is damaged"
        ) from error
    except Exception as error:
        lines = str(error).splitlines()
        reason = lines[0][:200] if lines else "no further reason given"
        raise ToolError(
            f"{path}: cannot be read as a PyTorch checkpoint: {type(error).__name__}: {reason}"
        ) from error


def _state_dict(path: Path, loaded: Any) -> dict[str, Tensor]:
    loaded = _unwrap(loaded)
    if not isinstance(loaded, Mapping):
        raise ToolError(f"{path}: expected a dict of tensors, but got {type(loaded).__name__}")
    tensors: dict[str, Tensor] = {}
    for key, value in loaded.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise ToolError(
                f"{path}: expected a dict of tensors, "
                f"but {printable(str(key))} holds {type(value).__name__}"
            )
        name = _strip_parallel_prefix(key)
        if name in tensors:
            raise ToolError(f"{path}: {printable(name)} occurs with and without {_PARALLEL_PREFIX}")
        tensors[name] = value
    return tensors


def _unwrap(loaded: Any) -> Any:
    # Bounded, because a pickle may hold a dict that contains itself.
    for _ in _WRAPPERS:
        if not isinstance(loaded, Mapping):
            break
        inner = [loaded[key] for key in _WRAPPERS if isinstance(loaded.get(key), Mapping)]
        if not inner:
            break
        loaded = inner[0]
    return loaded


def _strip_parallel_prefix(name: str) -> str:
    while name.startswith(_PARALLEL_PREFIX):
        name = name.removeprefix(_PARALLEL_PREFIX)
    return name


def _fits(tensor: Tensor, spec: TensorSpec) -> bool:
    dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
    return dense and tensor.dtype == spec.dtype and tuple(tensor.shape) == spec.shape


def _describe(tensor: Tensor) -> str:
    layout = "" if tensor.layout == torch.strided else f"{tensor.layout} "
    return f"{layout}{_describe_spec(TensorSpec(tuple(tensor.shape), tensor.dtype))}"


def _describe_spec(spec: TensorSpec) -> str:
    shape = "x".join(str(size) for size in spec.shape) or "scalar"
    return f"{str(spec.dtype).removeprefix('torch.')} {shape}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
