"""RAFT: the network part by part, and the conversion of its checkpoints."""

import json
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.checkpoints import Checkpoint
from weights_tools.convert import raft as converter
from weights_tools.convert.__main__ import main
from weights_tools.convert.random_raft import random_checkpoint
from weights_tools.nets.raft import (
    LARGE,
    VARIANTS,
    Padding,
    Raft,
    bilinear_upsampling,
    convex_upsampling,
    normalised,
    pixel_grid,
)
from weights_tools.nets.raft_correlation import correlation_pyramid, lookup, sample
from weights_tools.nets.raft_update import SepConvGru
from weights_tools.tests.support.checkpoint_lists import of_file
from weights_tools.tests.support.public_raft import public_shapes

BOTH = pytest.mark.parametrize("variant", list(VARIANTS))


pytestmark = pytest.mark.usefixtures("on_one_thread")


@cache
def checkpoint(variant: str) -> Checkpoint:
    """Not to be changed: copy its tensors first."""
    return random_checkpoint(VARIANTS[variant], seed=7)


@cache
def network(variant: str) -> Raft:
    """The network of a converted file, in float64."""
    tensors, _ = converter.convert(checkpoint(variant))
    return loaded(Raft(VARIANTS[variant], folded=True), tensors)


def loaded(net: Raft, tensors: dict[str, Tensor]) -> Raft:
    net.double().load_state_dict(tensors)
    return net


def pictures(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Smooth noise, and the same with other noise in it, moved by (4, -2)."""
    generator = torch.Generator().manual_seed(11)
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=generator, dtype=torch.float64)
    fine = torch.rand(2, 3, height, width, generator=generator, dtype=torch.float64)
    first = 200 * F.interpolate(coarse, (height, width), mode="bilinear") + 50 * fine[:1]
    return first, (0.9 * first + 20 * fine[1:]).roll((-2, 4), dims=(2, 3))


def distance(actual: Tensor, expected: Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())


# The correlation layer.


def test_correlation_is_the_scaled_dot_product() -> None:
    features = torch.randn(2, 2, 16, 8, 9, dtype=torch.float64)
    pyramid = correlation_pyramid(*features)
    assert [level.shape[1:] for level in pyramid] == [
        (8, 9, *size) for size in [(8, 9), (4, 4), (2, 2), (1, 1)]
    ]
    dot = (features[0][1, :, 6, 2] * features[1][1, :, 3, 8]).sum()
    assert torch.isclose(pyramid[0][1, 6, 2, 3, 8], dot / 4, rtol=1e-12)
    mean = pyramid[0][1, 6, 2, 2:4, 6:8].mean()
    assert torch.isclose(pyramid[1][1, 6, 2, 1, 3], mean, rtol=1e-12)


def test_pooled_features_have_the_pooled_correlation() -> None:
    """What computing the looked-up correlations on demand rests on."""
    features1, features2 = torch.randn(2, 1, 16, 8, 10, dtype=torch.float64)
    level1 = correlation_pyramid(features1, features2)[1]
    pooled = F.avg_pool2d(features2, kernel_size=2, stride=2)
    on_demand = torch.einsum("ncij,nckl->nijkl", features1, pooled) / 4
    assert torch.allclose(level1, on_demand, rtol=0, atol=1e-12)


def test_the_channels_of_the_lookup_are_levels_then_x_then_y() -> None:
    """Values 1000 + 100 x + y: each channel tells which place it is from."""
    height, width, radius = 24, 32, 4
    y, x = torch.meshgrid(torch.arange(24.0), torch.arange(32.0), indexing="ij")
    features2 = (1000 + 100 * x + y).double()[None, None]
    pyramid = correlation_pyramid(torch.ones_like(features2), features2)
    place = torch.tensor([16.0, 8.0], dtype=torch.float64)  # whole on every level
    coordinates = place[None, :, None, None].expand(1, 2, height, width)

    expected: list[float] = []
    for level in range(4):
        size = 2**level
        for dx in range(-radius, radius + 1):
            for dy in range(-radius, radius + 1):
                column, row = 16 // size + dx, 8 // size + dy
                inside = 0 <= column < width // size and 0 <= row < height // size
                middle = (size - 1) / 2  # of the pixels of level 0 that this one is the mean of
                value = 1000 + 100 * (column * size + middle) + (row * size + middle)
                expected.append(value if inside else 0.0)

    looked_up = lookup(pyramid, coordinates, radius)
    assert looked_up.shape == (1, 4 * 81, height, width)
    wanted = torch.tensor(expected, dtype=torch.float64)[None, :, None, None]
    assert torch.allclose(looked_up, wanted.expand_as(looked_up), rtol=1e-14)
    assert expected[:3] == [1000 + 1200 + 4, 1000 + 1200 + 5, 1000 + 1200 + 6]


def test_sampling_is_that_of_grid_sample() -> None:
    maps = torch.randn(5, 7, 6, dtype=torch.float64)
    x = 12 * torch.rand(5, 40, dtype=torch.float64) - 3
    y = 12 * torch.rand(5, 40, dtype=torch.float64) - 3
    x[:, :3], y[:, 2:5] = torch.tensor([0.0, 5.0, -1.0]), torch.tensor([0.0, 6.0, 7.0])
    grid = torch.stack([2 * x / 5 - 1, 2 * y / 6 - 1], dim=-1)[:, None]
    expected = F.grid_sample(maps[:, None], grid, align_corners=True)[:, 0, 0]
    assert torch.allclose(sample(maps, x, y), expected, rtol=0, atol=1e-12)


def test_sampling_a_map_of_one_pixel() -> None:
    x = torch.tensor([0.0, 0.5, -0.25, 1.0, -1.0, 1e9])
    y = torch.tensor([0.0, 0.0, 0.5, 0.0, 0.25, 0.0])
    expected = torch.tensor([8.0, 4.0, 3.0, 0.0, 0.0, 0.0])
    assert torch.equal(sample(torch.full((1, 1), 8.0), x, y), expected)


# The update operator and upsampling.


def test_the_separable_unit_sees_a_row_first() -> None:
    generator = torch.Generator().manual_seed(5)
    gru = SepConvGru(hidden=4, inputs=3)
    for parameter in gru.parameters():
        parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    gru.convz2.weight.zero_()
    gru.convz2.bias.fill_(-200.0)  # the second half leaves the state as it is
    h = torch.tanh(torch.randn(1, 4, 7, 15, generator=generator))
    x = torch.randn(1, 3, 7, 15, generator=generator)
    moved = x.clone()
    moved[0, :, 3, 7] += 1
    seen = (gru(h, moved) != gru(h, x)).any(dim=1)[0]
    # The reset gate reaches two pixels, and the candidate state two more.
    assert seen.nonzero().tolist() == [[3, column] for column in range(3, 12)]


def test_convex_upsampling_of_a_constant_flow() -> None:
    mask = 3 * torch.randn(1, 576, 6, 5, dtype=torch.float64)
    flow = torch.tensor([1.5, -0.25], dtype=torch.float64)[None, :, None, None].expand(1, 2, 6, 5)
    fine = convex_upsampling(flow, mask)
    assert fine.shape == (1, 2, 48, 40)
    interior = fine[..., 8:-8, 8:-8]
    assert torch.allclose(interior[:, 0], torch.tensor(12.0).double(), rtol=1e-14)
    assert torch.allclose(interior[:, 1], torch.tensor(-2.0).double(), rtol=1e-14)
    # At the border some of the nine neighbours are zero.
    border = convex_upsampling(flow, torch.zeros_like(mask))
    assert torch.allclose(border[0, 0, :8, :8], torch.tensor(12.0 * 4 / 9).double())


def test_convex_upsampling_takes_the_neighbour_that_the_mask_names() -> None:
    flow = torch.randn(1, 2, 4, 5)
    mask = torch.zeros(1, 576, 4, 5)
    neighbour = 3 * 0 + 2  # above, to the right
    mask[0, neighbour * 64 + 8 * 6 + 3, 2, 1] = 200.0
    assert torch.equal(convex_upsampling(flow, mask)[0, :, 2 * 8 + 6, 8 + 3], 8 * flow[0, :, 1, 2])


def test_bilinear_upsampling_keeps_the_corners() -> None:
    flow = torch.randn(1, 2, 3, 4, dtype=torch.float64)
    fine = bilinear_upsampling(flow)
    assert fine.shape == (1, 2, 24, 32)
    for row in (0, -1):
        for column in (0, -1):
            assert torch.allclose(fine[..., row, column], 8 * flow[..., row, column])
    halfway = (8 * flow[..., 0, :1] + 8 * flow[..., 0, 1:2]) / 2  # 31 / 3 pixels to a step
    left, right = fine[..., 0, 5], fine[..., 0, 6]
    assert torch.allclose(left + (right - left) * (31 / 6 - 5), halfway[..., 0])


def test_pictures_are_normalised() -> None:
    assert normalised(torch.tensor([0.0, 127.5, 255.0])).tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("way", "size", "expected"),
    [
        ("sintel", (97, 131), Padding(left=2, right=3, top=3, bottom=4)),
        ("kitti", (97, 131), Padding(left=2, right=3, top=0, bottom=7)),
        ("sintel", (436, 1024), Padding(left=0, right=0, top=2, bottom=2)),
        ("kitti", (375, 1242), Padding(left=3, right=3, top=0, bottom=1)),
        ("sintel", (64, 72), Padding(0, 0, 0, 0)),
    ],
)
def test_padding(way: str, size: tuple[int, int], expected: Padding) -> None:
    padding = Padding.for_size(*size, way)
    assert padding == expected
    image = torch.rand(1, 3, *size)
    padded = padding.pad(image)
    assert padded.shape[2] % 8 == 0 and padded.shape[3] % 8 == 0
    assert torch.equal(padding.crop(padded), image)
    assert torch.equal(padded[..., 0, 0], image[..., 0, 0])
    assert torch.equal(padded[..., -1, -1], image[..., -1, -1])
    middle = size[1] // 2
    above = image[..., :1, middle].expand(-1, -1, padding.top)
    assert torch.equal(padded[..., : padding.top, padding.left + middle], above)


# The whole network.


@BOTH
def test_pictures_of_64_by_64(variant: str) -> None:
    output = network(variant)(*pictures(64, 64), iterations=3, all_iterations=True)
    assert output.flow.shape == (1, 2, 64, 64)
    assert [flow.shape for flow in output.flow_low] == [(1, 2, 8, 8)] * 3
    assert torch.isfinite(output.flow).all()
    assert torch.equal(output.flows[-1], output.flow)


@BOTH
def test_fewer_iterations_are_a_part_of_more(variant: str) -> None:
    images = pictures(64, 72)
    all_three = network(variant)(*images, iterations=3, all_iterations=True)
    for done in (1, 2, 3):
        output = network(variant)(*images, iterations=done)
        assert output.flows == []
        assert torch.equal(output.flow, all_three.flows[done - 1])
        assert torch.equal(output.flow_low[-1], all_three.flow_low[done - 1])


@BOTH
def test_the_initial_flow_moves_the_lookup(variant: str) -> None:
    net, images = network(variant), pictures(64, 72)
    seen: list[tuple[Tensor, ...]] = []
    hook = net.update_block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    initial = torch.tensor([1.0, -2.0], dtype=torch.float64)[None, :, None, None]
    initial = initial.expand(1, 2, 8, 9)
    try:
        net(*images, iterations=1)
        moved = net(*images, iterations=1, initial_flow=initial)
    finally:
        hook.remove()

    (hidden, context, still, zero), (hidden2, context2, shifted, flow) = seen
    assert not zero.any() and torch.equal(flow, initial)
    split = net.cnet(normalised(images[0])).split([net.variant.hidden, net.variant.context], 1)
    assert torch.equal(hidden, torch.tanh(split[0])) and torch.equal(hidden2, hidden)
    assert torch.equal(context, F.relu(split[1])) and torch.equal(context2, context)

    side = 2 * net.variant.radius + 1
    windows = [maps[:, : side * side].unflatten(1, (side, side)) for maps in (still, shifted)]
    assert torch.equal(windows[0][:, 1:, : side - 2], windows[1][:, : side - 1, 2:])

    _, step = net.update_block(hidden, context, shifted, initial)
    assert torch.equal(moved.flow_low[0], initial + step)


def test_the_pixel_grid_has_x_before_y() -> None:
    grid = pixel_grid(torch.zeros(2, 3, 4))
    assert grid.shape == (2, 2, 3, 4)
    assert grid[1, :, 2, 3].tolist() == [3.0, 2.0]


@pytest.mark.parametrize(
    ("first", "second", "iterations", "reason"),
    [
        ((64, 64), (64, 72), 1, "differ"),
        ((64, 68), (64, 68), 1, "64 x 68: expected multiples of 8"),
        ((56, 64), (56, 64), 1, "from 64 on"),
        ((64, 64), (64, 64), 0, "0 iterations"),
    ],
)
def test_what_the_network_refuses(
    first: tuple[int, int], second: tuple[int, int], iterations: int, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        network("small")(torch.zeros(1, 3, *first), torch.zeros(1, 3, *second), iterations)


@BOTH
def test_the_flow_of_random_weights_stays_bounded(variant: str) -> None:
    """Steps deviate by at most 0.2 from at most 0.1: 6 pixels in 20 iterations, rarely twice that.

    float32 must still say what float64 says, or no runtime could be compared with the network.
    """
    net, images = network(variant), pictures(64, 96)
    exact = net(*images, iterations=20)
    largest = [float(flow.abs().max()) for flow in exact.flow_low]
    assert 1 < max(largest) < 12
    single = Raft(net.variant, folded=True)
    single.load_state_dict(net.state_dict())
    rounded = single(*(image.float() for image in images), iterations=20)
    assert distance(rounded.flow_low[-1], exact.flow_low[-1]) < 1e-5
    assert distance(rounded.flow, exact.flow) < 1e-5


# Conversion.


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
    assert distance(after.flow_low[-1], before.flow_low[-1]) < 1e-10
    assert distance(after.flow, before.flow) < 1e-10
    # The file has the same tensors, rounded once: by 2**-24 of each, which hardly adds up.
    converted = network(variant).state_dict()
    assert converted.keys() == exact.keys()
    for name, tensor in exact.items():
        assert torch.equal(converted[name], tensor.float().double()), name
    assert distance(network(variant)(*images, iterations=4).flow, before.flow) < 16 * 2.0**-24


@BOTH
def test_conversion_of_a_file(variant: str, tmp_path: Path) -> None:
    source, output = tmp_path / "in.pth", tmp_path / "out.safetensors"
    torch.save({f"module.{name}": t for name, t in checkpoint(variant).tensors.items()}, source)
    assert main(["raft", str(source), str(output)]) == 0
    contents = safetensors_file.read(output)
    convolutions = {
        f"{name.removesuffix('.weight')}.{part}"
        for name, (_, shape) in public_shapes(variant).items()
        if len(shape) == 4
        for part in ("weight", "bias")
    }
    assert contents.tensors.keys() == convolutions
    for name, tensor in network(variant).state_dict().items():
        assert torch.equal(contents.tensors[name].double(), tensor), name
    assert contents.metadata["hewn.model"] == "raft"
    assert contents.metadata["hewn.source"] == "in.pth"
    assert json.loads(contents.metadata["hewn.config"]) == {
        "variant": variant,
        "correlation_levels": 4,
        "correlation_radius": {"large": 4, "small": 3}[variant],
    }


def test_counters_need_not_be_there() -> None:
    tensors = {n: t for n, t in changed("large").items() if "num_batches_tracked" not in n}
    without, _ = converter.convert(Checkpoint("in.pth", "", tensors))
    for name, tensor in network("large").state_dict().items():
        assert torch.equal(without[name].double(), tensor), name


@BOTH
def test_random_files_repeat(variant: str, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, seed in zip(paths, ("5", "5", "6"), strict=True):
        assert main(["random-raft", variant, str(path), "--seed", seed]) == 0
    assert paths[0].read_bytes() == paths[1].read_bytes() != paths[2].read_bytes()
    assert json.loads(safetensors_file.read(paths[0]).metadata["hewn.config"])["variant"] == variant


# Refusals.


def changed(variant: str) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in checkpoint(variant).tensors.items()}


def refusal(
    tensors: dict[str, Tensor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    source, output = tmp_path / "in.pth", tmp_path / "out.safetensors"
    torch.save(tensors, source)
    assert main(["raft", str(source), str(output)]) == 1
    assert not output.exists()
    return capsys.readouterr().err.splitlines()


def test_all_that_is_wrong_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = changed("large")
    del tensors["cnet.layer2.0.norm3.bias"], tensors["update_block.gru.convz2.weight"]
    tensors["scheduler"] = torch.zeros(1)
    tensors["fnet.conv2.bias"] = torch.zeros(128)
    assert refusal(tensors, tmp_path, capsys) == [
        "convert: in.pth: does not fit the form large:",
        "  missing: cnet.layer2.0.norm3.bias, update_block.gru.convz2.weight",
        "  left over: scheduler",
        "  wrong: fnet.conv2.bias is float32 128, expected float32 256",
    ]


def test_a_damaged_small_checkpoint_is_small(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = changed("small")
    del tensors["update_block.gru.convz.weight"]
    tensors["update_block.mask.0.weight"] = torch.zeros(256, 96, 3, 3)
    assert refusal(tensors, tmp_path, capsys) == [
        "convert: in.pth: does not fit the form small:",
        "  missing: update_block.gru.convz.weight",
        "  left over: update_block.mask.0.weight",
    ]


def test_the_two_names_of_a_norm_must_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = changed("large")
    tensors["cnet.layer3.0.downsample.1.running_var"][9] *= 1.5
    assert refusal(tensors, tmp_path, capsys) == [
        "convert: in.pth: one norm under two names, but they differ: "
        "cnet.layer3.0.norm3.running_var and cnet.layer3.0.downsample.1.running_var"
    ]


def test_a_negative_variance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = changed("large")
    tensors["cnet.norm1.running_var"][0] = -1.0
    assert refusal(tensors, tmp_path, capsys) == [
        "convert: in.pth: cnet.norm1.running_var holds a negative variance"
    ]


def test_folding_beyond_float32(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = changed("large")
    tensors["cnet.norm1.weight"][0] = 3e38
    tensors["cnet.norm1.running_var"][0] = 0.0
    message = refusal(tensors, tmp_path, capsys)[0]
    assert "float32 cannot hold cnet.conv1.weight, cnet.conv1.bias" in message


def test_another_networks_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal({"conv1a.weight": torch.zeros(64, 1, 3, 3)}, tmp_path, capsys)[0]
    assert "no tensor of any RAFT form is in it; expected large (fnet.conv1.weight)" in message


def test_the_variants_differ_where_they_should() -> None:
    assert LARGE.correlations == 324
    assert VARIANTS["small"].correlations == 196
