"""TorchScript archives: their tensors as PyTorch reads them, and their code never run."""

import os
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from weights_tools import torchscript_archive
from weights_tools.tests.convert.conftest import Refusal
from weights_tools.tests.support.clip import CONFIG, assert_same_weights, extras, published
from weights_tools.tests.support.conversion import config, converted, saved
from weights_tools.tests.support.tensors import assert_same

pytestmark = pytest.mark.usefixtures("on_one_thread")


class Node(nn.Module):
    """Holds tensors under dotted names, as nested modules."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def put(self, name: str, tensor: Tensor) -> None:
        first, _, rest = name.partition(".")
        if rest:
            if not hasattr(self, first):
                self.add_module(first, Node())
            getattr(self, first).put(rest, tensor)
        elif tensor.is_floating_point():
            self.register_parameter(first, nn.Parameter(tensor, requires_grad=False))
        else:
            self.register_buffer(first, tensor)


def archive(path: Path, tensors: dict[str, Tensor]) -> Path:
    root = Node()
    for name, tensor in tensors.items():
        root.put(name, tensor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.trace(root, torch.zeros(1)).save(str(path))
    return path


def test_a_torchscript_archive(tmp_path: Path) -> None:
    source = archive(tmp_path / "ViT.pt", published(half=True) | extras())
    contents = converted("clip", source)
    assert_same_weights(contents.tensors, published(half=True))
    assert config(contents) == CONFIG


def test_an_archive_is_read_as_pytorch_reads_it(tmp_path: Path) -> None:
    """Views, types, and what is empty or no tensor at all."""
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    tensors = {
        "a.view": base.T,
        "a.b.part": base[1:, 2],
        "a.two_bytes": base.half(),
        "a.none": base[:0],
    }
    tensors |= {"count": torch.tensor(7), "flags": torch.tensor([True, False])}
    path = archive(tmp_path / "archive.pt", tensors)
    assert torchscript_archive.is_torchscript(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        expected = torch.jit.load(path).state_dict()
    assert expected.keys() == tensors.keys()
    assert_same(torchscript_archive.load_state_dict(path), tensors)
    assert not torchscript_archive.is_torchscript(saved(tmp_path, tensors))


def test_an_archive_that_would_run_code(tmp_path: Path, refusal: Refusal) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "harm"),)

    source = tmp_path / "in.pt"
    with zipfile.ZipFile(source, "w") as file:
        file.writestr("in/data.pkl", pickle.dumps(Payload()))
        file.writestr("in/constants.pkl", b"")
        file.writestr("in/code/__torch__.py", b"")
    assert "other objects or is damaged" in refusal("clip", source)
    assert not (tmp_path / "harm").exists()


def test_an_archive_with_a_tensor_beyond_its_storage(tmp_path: Path, refusal: Refusal) -> None:
    whole = archive(tmp_path / "whole.pt", {"a": torch.zeros(4)})
    source = tmp_path / "in.pt"
    with zipfile.ZipFile(whole) as file, zipfile.ZipFile(source, "w") as short:
        for name in file.namelist():
            data = file.read(name)
            short.writestr(name, data[:8] if name.endswith("/data/0") else data)
    assert "cannot be read as a PyTorch checkpoint" in refusal("clip", source)
