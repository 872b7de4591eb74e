"""RAFT's correlation layer, by its definition and against grid_sample."""

import pytest
import torch
import torch.nn.functional as F

from weights_tools.nets.raft_correlation import correlation_pyramid, lookup, sample

pytestmark = pytest.mark.usefixtures("on_one_thread")


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
