"""RAFT's conversion: batch norm folded in, and checkpoints that must be refused."""

from pathlib import Path

import pytest
import torch

from weights_tools import safetensors_file
from weights_tools.checkpoints import Checkpoint
from weights_tools.convert import raft as converter
from weights_tools.nets.raft import VARIANTS, Raft
from weights_tools.tests.convert.conftest import Refusal
from weights_tools.tests.support.checkpoint_lists import of_file
from weights_tools.tests.support.conversion import config, converted, drawn, saved
from weights_tools.tests.support.public_raft import public_shapes
from weights_tools.tests.support.raft import checkpoint, loaded, network, pictures
from weights_tools.tests.support.tensors import assert_same, copied, double, relative_l2

BOTH = pytest.mark.parametrize("variant", list(VARIANTS))

pytestmark = pytest.mark.usefixtures("on_one_thread")


@BOTH
def test_the_networks_tensors_are_those_of_the_checkpoints(variant: str) -> None:
    actual = {
        name: (str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in Raft(VARIANTS[variant]).state_dict().items()
    }
    assert actual == public_shapes(variant)
    assert checkpoint(variant).tensors.keys() == actual.keys()


@BOTH
def test_the_lists_of_tensors_are_those_of_the_files(variant: str, shared_data: Path) -> None:
    listed = of_file(shared_data.parent / "checkpoints" / f"raft_{variant}.tsv")
    assert listed == public_shapes(variant)


@BOTH
def test_folding_batch_norm_changes_nothing(variant: str) -> None:
    published = loaded(Raft(VARIANTS[variant]), checkpoint(variant).tensors)
    exact = converter.folded_tensors(checkpoint(variant), VARIANTS[variant])
    folded = loaded(Raft(VARIANTS[variant], folded=True), exact)
    images = pictures(64, 72)
    before, after = published(*images, iterations=4), folded(*images, iterations=4)
    assert relative_l2(after.flow_low[-1], before.flow_low[-1]) < 1e-10
    assert relative_l2(after.flow, before.flow) < 1e-10
    # The file has the same tensors, rounded once: by 2**-24 of each, which hardly adds up.
    rounded = {name: tensor.float().double() for name, tensor in exact.items()}
    assert_same(network(variant).state_dict(), rounded)
    assert relative_l2(network(variant)(*images, iterations=4).flow, before.flow) < 16 * 2.0**-24


@BOTH
def test_conversion_of_a_file(variant: str, tmp_path: Path) -> None:
    tensors = {f"module.{name}": t for name, t in checkpoint(variant).tensors.items()}
    contents = converted("raft", saved(tmp_path, tensors))
    convolutions = {
        f"{name.removesuffix('.weight')}.{part}"
        for name, (_, shape) in public_shapes(variant).items()
        if len(shape) == 4
        for part in ("weight", "bias")
    }
    assert contents.tensors.keys() == convolutions
    assert_same(double(contents.tensors), network(variant).state_dict())
    assert contents.metadata["hewn.model"] == "raft"
    assert contents.metadata["hewn.source"] == "in.pth"
    assert config(contents) == {
        "variant": variant,
        "correlation_levels": 4,
        "correlation_radius": {"large": 4, "small": 3}[variant],
    }


def test_counters_need_not_be_there() -> None:
    tensors = {n: t for n, t in checkpoint("large").tensors.items() if "num_batches" not in n}
    without, _ = converter.convert(Checkpoint("in.pth", "", tensors))
    assert_same(double(without), network("large").state_dict())


@BOTH
def test_random_files_repeat(variant: str, tmp_path: Path) -> None:
    path, *_ = drawn(tmp_path, "random-raft", variant)
    assert config(safetensors_file.read(path))["variant"] == variant


# Refusals.


def test_all_that_is_wrong_is_named(tmp_path: Path, refusal: Refusal) -> None:
    tensors = copied(checkpoint("large").tensors)
    del tensors["cnet.layer2.0.norm3.bias"], tensors["update_block.gru.convz2.weight"]
    tensors["scheduler"] = torch.zeros(1)
    tensors["fnet.conv2.bias"] = torch.zeros(128)
    assert refusal("raft", saved(tmp_path, tensors)).splitlines() == [
        "convert: in.pth: does not fit the form large:",
        "  missing: cnet.layer2.0.norm3.bias, update_block.gru.convz2.weight",
        "  left over: scheduler",
        "  wrong: fnet.conv2.bias is float32 128, expected float32 256",
    ]


def test_a_damaged_small_checkpoint_is_small(tmp_path: Path, refusal: Refusal) -> None:
    tensors = copied(checkpoint("small").tensors)
    del tensors["update_block.gru.convz.weight"]
    tensors["update_block.mask.0.weight"] = torch.zeros(256, 96, 3, 3)
    assert refusal("raft", saved(tmp_path, tensors)).splitlines() == [
        "convert: in.pth: does not fit the form small:",
        "  missing: update_block.gru.convz.weight",
        "  left over: update_block.mask.0.weight",
    ]


def test_the_two_names_of_a_norm_must_agree(tmp_path: Path, refusal: Refusal) -> None:
    tensors = copied(checkpoint("large").tensors)
    tensors["cnet.layer3.0.downsample.1.running_var"][9] *= 1.5
    assert refusal("raft", saved(tmp_path, tensors)).splitlines() == [
        "convert: in.pth: one norm under two names, but they differ: "
        "cnet.layer3.0.norm3.running_var and cnet.layer3.0.downsample.1.running_var"
    ]


def test_a_negative_variance(tmp_path: Path, refusal: Refusal) -> None:
    tensors = copied(checkpoint("large").tensors)
    tensors["cnet.norm1.running_var"][0] = -1.0
    assert refusal("raft", saved(tmp_path, tensors)).splitlines() == [
        "convert: in.pth: cnet.norm1.running_var holds a negative variance"
    ]


def test_folding_beyond_float32(tmp_path: Path, refusal: Refusal) -> None:
    tensors = copied(checkpoint("large").tensors)
    tensors["cnet.norm1.weight"][0] = 3e38
    tensors["cnet.norm1.running_var"][0] = 0.0
    message = refusal("raft", saved(tmp_path, tensors))
    assert "float32 cannot hold cnet.conv1.weight, cnet.conv1.bias" in message


def test_another_networks_checkpoint(tmp_path: Path, refusal: Refusal) -> None:
    source = saved(tmp_path, {"conv1a.weight": torch.zeros(64, 1, 3, 3)})
    message = refusal("raft", source)
    assert "no tensor of any RAFT form is in it; expected large (fnet.conv1.weight)" in message
