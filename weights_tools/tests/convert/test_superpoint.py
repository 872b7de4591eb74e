"""Conversion: the four public forms, and checkpoints that must be refused."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.tests.convert.conftest import Refusal
from weights_tools.tests.support.conversion import config, converted, drawn, saved
from weights_tools.tests.support.public_superpoint import public_checkpoint
from weights_tools.tests.support.tensors import assert_same

FORMS = ("magicleap", "open-v6", "conv5a", "magicpoint")
SAMPLING = {"magicleap": "magicleap", "conv5a": "magicleap", "open-v6": "half-pixel"}


def convert(tmp_path: Path, checkpoint: object) -> safetensors_file.Contents:
    return converted("superpoint", saved(tmp_path, checkpoint))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gets_the_canonical_names(form: str, tmp_path: Path) -> None:
    contents = convert(tmp_path, public_checkpoint(form))
    layers = {name.split(".")[0] for name in contents.tensors}
    expected = {f"conv{block}{letter}" for block in "1234" for letter in "ab"}
    expected |= {"convPa", "convPb"}
    expected |= set() if form == "magicpoint" else {"convDa", "convDb"}
    expected |= {"conv5a"} if form == "conv5a" else set()
    assert layers == expected
    parts = {"weight", "bias"} | (
        {"scale", "shift"} if form in ("open-v6", "magicpoint") else set()
    )
    assert contents.tensors.keys() == {f"{layer}.{part}" for layer in layers for part in parts}
    assert all(tensor.dtype == torch.float32 for tensor in contents.tensors.values())


@pytest.mark.parametrize("form", FORMS)
def test_metadata_says_what_the_file_is(form: str, tmp_path: Path) -> None:
    contents = convert(tmp_path, public_checkpoint(form))
    metadata = contents.metadata
    assert metadata["hewn.model"] == "superpoint"
    assert metadata["hewn.format"] == "1"
    assert config(contents) == {
        "form": form,
        "descriptor_sampling": SAMPLING.get(form, "none"),
    }
    assert metadata["hewn.source"] == "in.pth"
    assert len(metadata["hewn.source_sha256"]) == 64


@pytest.mark.parametrize(
    ("form", "conv", "batch_norm", "layer", "eps"),
    [
        ("open-v6", "backbone.2.1.conv", "backbone.2.1.bn", "conv3b", 1e-3),
        ("open-v6", "descriptor.1.conv", "descriptor.1.bn", "convDb", 1e-3),
        ("magicpoint", "backbone.block1_1.0", "backbone.block1_1.2", "conv1a", 1e-5),
        ("magicpoint", "detector_head.convPb", "detector_head.bnPb", "convPb", 1e-5),
    ],
)
def test_scale_and_shift_are_the_batch_norm(
    form: str, conv: str, batch_norm: str, layer: str, eps: float, tmp_path: Path
) -> None:
    checkpoint = public_checkpoint(form)
    tensors = convert(tmp_path, checkpoint).tensors
    assert torch.equal(tensors[f"{layer}.weight"], checkpoint[f"{conv}.weight"])
    assert torch.equal(tensors[f"{layer}.bias"], checkpoint[f"{conv}.bias"])

    channels = len(tensors[f"{layer}.scale"])
    x = torch.linspace(-3, 3, 5 * channels, dtype=torch.float64).reshape(5, channels)
    mean, var, gamma, beta = (
        checkpoint[f"{batch_norm}.{part}"].double()
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    expected = F.batch_norm(x, mean, var, gamma, beta, eps=eps)
    actual = x * tensors[f"{layer}.scale"] + tensors[f"{layer}.shift"]
    # Scale and shift are each rounded to float32 once, by half a unit in the last place; the rest
    # is a handful of roundings in float64.
    scale = gamma / torch.sqrt(var + eps)
    shift = beta - mean * scale
    tolerance = 2.0**-24 * ((x * scale).abs() + shift.abs())
    tolerance += 8 * 2.0**-53 * ((x * scale).abs() + beta.abs() + (mean * scale).abs())
    assert ((actual - expected).abs() <= tolerance).all()


def wrapped(tensors: dict[str, Tensor]) -> object:
    return {"epoch": 3, "state_dict": tensors}


def doubly_wrapped(tensors: dict[str, Tensor]) -> object:
    return {"model": {"model_state_dict": tensors}}


def parallel(tensors: dict[str, Tensor]) -> object:
    return {f"module.{name}": tensor for name, tensor in tensors.items()}


def parameters(tensors: dict[str, Tensor]) -> object:
    return {
        name: torch.nn.Parameter(tensor) if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }


def without_counters(tensors: dict[str, Tensor]) -> object:
    return {name: t for name, t in tensors.items() if not name.endswith("num_batches_tracked")}


@pytest.mark.parametrize("dress", [wrapped, doubly_wrapped, parallel, parameters, without_counters])
def test_how_a_checkpoint_was_saved_does_not_matter(
    dress: Callable[[dict[str, Tensor]], object], tmp_path: Path
) -> None:
    checkpoint = public_checkpoint("magicpoint")
    plain = convert(tmp_path, checkpoint).tensors
    assert_same(convert(tmp_path, dress(checkpoint)).tensors, plain)


def test_safetensors_are_read_too(tmp_path: Path) -> None:
    checkpoint = public_checkpoint("conv5a")
    source = tmp_path / "in.safetensors"
    safetensors.torch.save_file(checkpoint, source)
    assert_same(converted("superpoint", source).tensors, checkpoint)


def test_the_same_checkpoint_gives_the_same_bytes(tmp_path: Path) -> None:
    convert(tmp_path, public_checkpoint("magicleap"))
    first = (tmp_path / "out.safetensors").read_bytes()
    convert(tmp_path, public_checkpoint("magicleap"))
    assert (tmp_path / "out.safetensors").read_bytes() == first


@pytest.mark.parametrize("form", FORMS)
def test_random_checkpoints_are_of_the_form_and_repeat(form: str, tmp_path: Path) -> None:
    paths = drawn(tmp_path, "random-superpoint", form)
    first, _, other = (safetensors_file.read(path) for path in paths)
    assert config(first)["form"] == form
    assert first.tensors.keys() == convert(tmp_path, public_checkpoint(form)).tensors.keys()
    assert not torch.equal(first.tensors["conv1a.weight"], other.tensors["conv1a.weight"])


# Refusals.


def test_all_that_is_wrong_is_named_at_once(tmp_path: Path, refusal: Refusal) -> None:
    checkpoint = public_checkpoint("open-v6")
    del checkpoint["backbone.0.0.conv.weight"], checkpoint["descriptor.1.bn.running_var"]
    checkpoint["optimizer.step"] = torch.zeros(3)
    checkpoint["detector.1.conv.weight"] = torch.zeros(64, 256, 1, 1)
    checkpoint["detector.1.conv.bias"] = torch.zeros(65, dtype=torch.float16)
    checkpoint["backbone.3.0.conv.bias"][5] = float("nan")
    checkpoint["backbone.3.1.conv.weight"][0, 0, 0, 0] = float("inf")
    assert refusal("superpoint", saved(tmp_path, checkpoint)).splitlines() == [
        "convert: in.pth: does not fit the form open-v6:",
        "  missing: backbone.0.0.conv.weight, descriptor.1.bn.running_var",
        "  left over: optimizer.step",
        "  wrong: detector.1.conv.weight is float32 64x256x1x1, expected float32 65x256x1x1, "
        "detector.1.conv.bias is float16 65, expected float32 65",
        "  holds NaN or infinity: backbone.3.0.conv.bias, backbone.3.1.conv.weight",
    ]


def test_one_tensor_of_conv5a_is_enough_to_ask_for_the_other(
    tmp_path: Path, refusal: Refusal
) -> None:
    checkpoint = public_checkpoint("conv5a")
    del checkpoint["conv5a.bias"]
    message = refusal("superpoint", saved(tmp_path, checkpoint))
    assert "form conv5a" in message
    assert "missing: conv5a.bias" in message


def test_negative_variance(tmp_path: Path, refusal: Refusal) -> None:
    checkpoint = public_checkpoint("magicpoint")
    checkpoint["detector_head.bnPa.running_var"][3] = -1.0
    message = refusal("superpoint", saved(tmp_path, checkpoint))
    assert "detector_head.bnPa.running_var holds a negative variance" in message


def test_another_networks_checkpoint(tmp_path: Path, refusal: Refusal) -> None:
    message = refusal("superpoint", saved(tmp_path, {"visual.proj": torch.zeros(2)}))
    assert "no tensor of any SuperPoint form" in message


def test_sparse_tensor(tmp_path: Path, refusal: Refusal) -> None:
    checkpoint = public_checkpoint("magicleap")
    checkpoint["conv1a.bias"] = torch.zeros(64).to_sparse()
    assert "conv1a.bias is torch.sparse_coo" in refusal("superpoint", saved(tmp_path, checkpoint))


def test_a_name_with_and_without_the_parallel_prefix(tmp_path: Path, refusal: Refusal) -> None:
    checkpoint = public_checkpoint("magicleap")
    checkpoint["module.conv1a.bias"] = checkpoint["conv1a.bias"]
    message = refusal("superpoint", saved(tmp_path, checkpoint))
    assert "conv1a.bias occurs with and without module." in message


def test_control_characters_in_a_name_are_not_printed(tmp_path: Path, refusal: Refusal) -> None:
    checkpoint = public_checkpoint("magicleap") | {"\x1b[31mred": torch.zeros(1)}
    message = refusal("superpoint", saved(tmp_path, checkpoint))
    assert "\x1b" not in message
    assert "left over: '\\x1b[31mred'" in message


def containing_itself() -> object:
    checkpoint: dict[str, object] = {}
    checkpoint["model"] = checkpoint
    return checkpoint


@pytest.mark.parametrize(
    ("checkpoint", "reason"),
    [
        ([torch.zeros(1)], "expected a dict of tensors, but got list"),
        ({"epoch": 3}, "epoch holds int"),
        ({1: torch.zeros(1)}, "1 holds Tensor"),
        (containing_itself(), "model holds dict"),
    ],
)
def test_not_a_dict_of_tensors(
    checkpoint: object, reason: str, tmp_path: Path, refusal: Refusal
) -> None:
    assert reason in refusal("superpoint", saved(tmp_path, checkpoint))


def test_a_pickle_that_would_run_code(tmp_path: Path, refusal: Refusal) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "harm"),)

    source = tmp_path / "in.pth"
    source.write_bytes(pickle.dumps(Payload()))
    assert "holds only tensors" in refusal("superpoint", source)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("data", [b"", b"This is a text file.\n", b"\xff" * 64])
def test_files_of_another_kind(data: bytes, suffix: str, tmp_path: Path, refusal: Refusal) -> None:
    source = tmp_path / f"in{suffix}"
    source.write_bytes(data)
    assert str(source) in refusal("superpoint", source)


@pytest.mark.parametrize("kept", [10, 1000, 100_000])
def test_truncated_checkpoint(kept: int, tmp_path: Path, refusal: Refusal) -> None:
    source = saved(tmp_path, public_checkpoint("magicleap"))
    source.write_bytes(source.read_bytes()[:kept])
    assert str(source) in refusal("superpoint", source)


def test_input_that_is_not_there(tmp_path: Path, refusal: Refusal) -> None:
    assert "no such file" in refusal("superpoint", tmp_path / "absent.pth")
    assert "is a directory" in refusal("superpoint", tmp_path)


def test_outputs_that_cannot_be(tmp_path: Path, refusal: Refusal) -> None:
    source = saved(tmp_path, public_checkpoint("magicleap"))
    before = source.read_bytes()
    absent = tmp_path / "absent" / "out.safetensors"
    assert "cannot be written" in refusal("superpoint", source, output=absent)
    assert "it is a directory" in refusal("superpoint", source, output=tmp_path)
    assert "would replace the input" in refusal("superpoint", source, output=source)
    assert source.read_bytes() == before


def test_a_converted_file_is_not_converted_again(tmp_path: Path, refusal: Refusal) -> None:
    convert(tmp_path, public_checkpoint("magicleap"))
    assert "already converted" in refusal("superpoint", tmp_path / "out.safetensors")
