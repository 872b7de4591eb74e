"""Conversion: the four public forms, and checkpoints that must be refused."""

import json
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
from weights_tools.convert.__main__ import main
from weights_tools.tests.support.public_superpoint import public_checkpoint

FORMS = ("magicleap", "open-v6", "conv5a", "magicpoint")
SAMPLING = {"magicleap": "magicleap", "conv5a": "magicleap", "open-v6": "half-pixel"}


def convert(tmp_path: Path, checkpoint: object) -> safetensors_file.Contents:
    source, output = tmp_path / "in.pth", tmp_path / "out.safetensors"
    torch.save(checkpoint, source)
    assert main(["superpoint", str(source), str(output)]) == 0
    return safetensors_file.read(output)


def assert_same_tensors(actual: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert actual.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(actual[name], tensor), name


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
    metadata = convert(tmp_path, public_checkpoint(form)).metadata
    assert metadata["hewn.model"] == "superpoint"
    assert metadata["hewn.format"] == "1"
    assert json.loads(metadata["hewn.config"]) == {
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
    assert_same_tensors(convert(tmp_path, dress(checkpoint)).tensors, plain)


def test_safetensors_are_read_too(tmp_path: Path) -> None:
    checkpoint = public_checkpoint("conv5a")
    source, output = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    safetensors.torch.save_file(checkpoint, source)
    assert main(["superpoint", str(source), str(output)]) == 0
    assert_same_tensors(safetensors_file.read(output).tensors, checkpoint)


def test_the_same_checkpoint_gives_the_same_bytes(tmp_path: Path) -> None:
    convert(tmp_path, public_checkpoint("magicleap"))
    first = (tmp_path / "out.safetensors").read_bytes()
    convert(tmp_path, public_checkpoint("magicleap"))
    assert (tmp_path / "out.safetensors").read_bytes() == first


@pytest.mark.parametrize("form", FORMS)
def test_random_checkpoints_are_of_the_form_and_repeat(form: str, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, seed in zip(paths, ("5", "5", "6"), strict=True):
        assert main(["random-superpoint", form, str(path), "--seed", seed]) == 0
    first, second, other = (safetensors_file.read(path) for path in paths)
    assert json.loads(first.metadata["hewn.config"])["form"] == form
    assert first.tensors.keys() == convert(tmp_path, public_checkpoint(form)).tensors.keys()
    assert_same_tensors(first.tensors, second.tensors)
    assert not torch.equal(first.tensors["conv1a.weight"], other.tensors["conv1a.weight"])


# Refusals: exit status 1, a message that names what is wrong, and an untouched output.


def refusal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: Path, output: Path | None = None
) -> str:
    target = output or tmp_path / "kept.safetensors"
    if output is None:
        target.write_text("as it was")
    assert main(["superpoint", str(source), str(target)]) == 1
    if output is None:
        assert target.read_text() == "as it was"
    assert not list(tmp_path.glob(".*.tmp"))
    message = capsys.readouterr().err
    assert message.startswith("convert: ")
    return message


def saved(tmp_path: Path, checkpoint: object) -> Path:
    path = tmp_path / "in.pth"
    torch.save(checkpoint, path)
    return path


def test_all_that_is_wrong_is_named_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = public_checkpoint("open-v6")
    del checkpoint["backbone.0.0.conv.weight"], checkpoint["descriptor.1.bn.running_var"]
    checkpoint["optimizer.step"] = torch.zeros(3)
    checkpoint["detector.1.conv.weight"] = torch.zeros(64, 256, 1, 1)
    checkpoint["detector.1.conv.bias"] = torch.zeros(65, dtype=torch.float16)
    checkpoint["backbone.3.0.conv.bias"][5] = float("nan")
    checkpoint["backbone.3.1.conv.weight"][0, 0, 0, 0] = float("inf")
    assert refusal(tmp_path, capsys, saved(tmp_path, checkpoint)).splitlines() == [
        "convert: in.pth: does not fit the form open-v6:",
        "  missing: backbone.0.0.conv.weight, descriptor.1.bn.running_var",
        "  left over: optimizer.step",
        "  wrong: detector.1.conv.weight is float32 64x256x1x1, expected float32 65x256x1x1, "
        "detector.1.conv.bias is float16 65, expected float32 65",
        "  holds NaN or infinity: backbone.3.0.conv.bias, backbone.3.1.conv.weight",
    ]


def test_one_tensor_of_conv5a_is_enough_to_ask_for_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = public_checkpoint("conv5a")
    del checkpoint["conv5a.bias"]
    message = refusal(tmp_path, capsys, saved(tmp_path, checkpoint))
    assert "form conv5a" in message
    assert "missing: conv5a.bias" in message


def test_negative_variance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = public_checkpoint("magicpoint")
    checkpoint["detector_head.bnPa.running_var"][3] = -1.0
    message = refusal(tmp_path, capsys, saved(tmp_path, checkpoint))
    assert "detector_head.bnPa.running_var holds a negative variance" in message


def test_another_networks_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal(tmp_path, capsys, saved(tmp_path, {"visual.proj": torch.zeros(2)}))
    assert "no tensor of any SuperPoint form" in message


def test_sparse_tensor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = public_checkpoint("magicleap")
    checkpoint["conv1a.bias"] = torch.zeros(64).to_sparse()
    assert "conv1a.bias is torch.sparse_coo" in refusal(
        tmp_path, capsys, saved(tmp_path, checkpoint)
    )


def test_a_name_with_and_without_the_parallel_prefix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = public_checkpoint("magicleap")
    checkpoint["module.conv1a.bias"] = checkpoint["conv1a.bias"]
    message = refusal(tmp_path, capsys, saved(tmp_path, checkpoint))
    assert "conv1a.bias occurs with and without module." in message


def test_control_characters_in_a_name_are_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = public_checkpoint("magicleap") | {"\x1b[31mred": torch.zeros(1)}
    message = refusal(tmp_path, capsys, saved(tmp_path, checkpoint))
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
    checkpoint: object, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reason in refusal(tmp_path, capsys, saved(tmp_path, checkpoint))


def test_a_pickle_that_would_run_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "harm"),)

    source = tmp_path / "in.pth"
    source.write_bytes(pickle.dumps(Payload()))
    assert "holds only tensors" in refusal(tmp_path, capsys, source)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("data", [b"", b"This is a text file.\n", b"\xff" * 64])
def test_files_of_another_kind(
    data: bytes, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / f"in{suffix}"
    source.write_bytes(data)
    assert str(source) in refusal(tmp_path, capsys, source)


@pytest.mark.parametrize("kept", [10, 1000, 100_000])
def test_truncated_checkpoint(
    kept: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = saved(tmp_path, public_checkpoint("magicleap"))
    source.write_bytes(source.read_bytes()[:kept])
    assert str(source) in refusal(tmp_path, capsys, source)


def test_input_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no such file" in refusal(tmp_path, capsys, tmp_path / "absent.pth")
    assert "is a directory" in refusal(tmp_path, capsys, tmp_path)


def test_outputs_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = saved(tmp_path, public_checkpoint("magicleap"))
    before = source.read_bytes()
    absent = tmp_path / "absent" / "out.safetensors"
    assert "cannot be written" in refusal(tmp_path, capsys, source, absent)
    assert "it is a directory" in refusal(tmp_path, capsys, source, tmp_path)
    assert "would replace the input" in refusal(tmp_path, capsys, source, source)
    assert source.read_bytes() == before


def test_a_converted_file_is_not_converted_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert(tmp_path, public_checkpoint("magicleap"))
    capsys.readouterr()
    assert "already converted" in refusal(tmp_path, capsys, tmp_path / "out.safetensors")


@pytest.mark.parametrize(
    "arguments", [[], ["superpoint"], ["superpoint", "in.pth"], ["random-superpoint", "v7", "out"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
