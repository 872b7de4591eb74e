"""Reads the tensors of a TorchScript archive without running its code.

`torch.jit.load` compiles the archive's code and may run some of it. The tensors do not need that:
the archive is a zip with a pickle of nested modules, `data.pkl`, and a file for each storage,
`data/N`. Here a module is nothing but its attributes.
"""

import collections
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_STORAGES = {
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "ShortStorage": torch.int16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "BoolStorage": torch.bool,
}


def is_torchscript(path: Path) -> bool:
    """Whether the file is a zip that holds code beside its tensors."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        inside = {name.partition("/")[2] for name in archive.namelist()}
    return "constants.pkl" in inside and any(name.startswith("code/") for name in inside)


def load_state_dict(path: Path) -> dict[str, Tensor]:
    """Every tensor that a module of the archive has as its attribute, by its dotted name."""
    with zipfile.ZipFile(path) as archive:
        folder = archive.namelist()[0].partition("/")[0]
        with archive.open(f"{folder}/data.pkl") as file:
            root = _Unpickler(file, archive, folder).load()
    return dict(_tensors(root, ""))


class _Module:
    """Stands for any class that the archive's code defines."""


class _Unpickler(pickle.Unpickler):
    """Knows the few names that a TorchScript archive may refer to, and refuses all others."""

    def __init__(self, file: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(file)
        self._archive, self._folder = archive, folder
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("__torch__"):
            return _Module
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        known = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
            ("torch.jit._pickle", "restore_type_tag"): lambda value, _: value,
        }
        if module == "torch.jit._pickle" and name.startswith("build_"):
            return list
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a TorchScript archive")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Tensor:
        _, dtype, key, _, _ = pid
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._folder}/data/{key}"))
            empty = torch.empty(0, dtype=dtype)
            self._storages[key] = torch.frombuffer(data, dtype=dtype) if data else empty
        return self._storages[key]


def _rebuilt(
    storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> Tensor:
    return storage.as_strided(size, stride, offset)  # which checks that all of it is inside


def _tensors(module: _Module, prefix: str) -> Iterator[tuple[str, Tensor]]:
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            yield prefix + name, value
        elif isinstance(value, _Module):
            yield from _tensors(value, f"{prefix}{name}.")
