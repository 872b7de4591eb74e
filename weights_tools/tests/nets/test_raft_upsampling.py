"""Both ways from RAFT's coarse flow to that of each pixel."""

import torch

from weights_tools.nets.raft import bilinear_upsampling, convex_upsampling


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
