"""RAFT: what the network sees, its iterations, and what random weights are like."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.nets.raft import LARGE, VARIANTS, Padding, Raft, normalised, pixel_grid
from weights_tools.tests.support.raft import network, pictures
from weights_tools.tests.support.tensors import relative_l2

BOTH = pytest.mark.parametrize("variant", list(VARIANTS))

pytestmark = pytest.mark.usefixtures("on_one_thread")


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


def test_the_pixel_grid_has_x_before_y() -> None:
    grid = pixel_grid(torch.zeros(2, 3, 4))
    assert grid.shape == (2, 2, 3, 4)
    assert grid[1, :, 2, 3].tolist() == [3.0, 2.0]


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
    assert relative_l2(rounded.flow_low[-1], exact.flow_low[-1]) < 1e-5
    assert relative_l2(rounded.flow, exact.flow) < 1e-5


def test_the_variants_differ_where_they_should() -> None:
    assert LARGE.correlations == 324
    assert VARIANTS["small"].correlations == 196
