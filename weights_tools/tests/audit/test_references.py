"""What the audit holds operators to, against formulations of another kind."""

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weights_tools.audit.ops.operators import OPERATORS
from weights_tools.nets.raft import convex_upsampling
from weights_tools.nets.raft_update import ConvGru, SepConvGru


@pytest.fixture(autouse=True)
def seeded_without_gradients() -> Iterator[None]:
    torch.manual_seed(3)
    with torch.inference_mode():
        yield


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


# Of a map of one pixel, grid_sample's coordinates name no other place: none is so small here.
@pytest.mark.parametrize(
    ("levels", "radius", "height", "width"),
    [(1, 0, 2, 3), (2, 7, 5, 9), (3, 3, 15, 8), (4, 4, 23, 17), (4, 1, 16, 31)],
)
@pytest.mark.parametrize("reach", [0.0, 2.0, 40.0])
def test_lookups_are_those_of_grid_sample(
    levels: int, radius: int, height: int, width: int, reach: float
) -> None:
    features1, features2 = normal(2, 2, 6, height, width)
    flow = reach * normal(2, 2, height, width)
    flow[:, :, 0] = flow[:, :, 0].round()
    params = {"levels": levels, "radius": radius}
    tensors = {"features1": features1, "features2": features2, "flow": flow}
    looked_up = OPERATORS["correlation"].reference(params, tensors)

    samples: list[Tensor] = []
    for level in range(levels):
        if level > 0:  # means of features, instead of correlations
            features2 = F.avg_pool2d(features2, kernel_size=2)
        products = features1.flatten(2).mT @ features2.flatten(2) / 6**0.5
        maps = products.reshape(-1, 1, *features2.shape[2:])
        grid = window_grid(flow / 2**level, level, radius, *features2.shape[2:])
        samples.append(F.grid_sample(maps, grid, align_corners=True))
    expected = torch.cat(samples, dim=1).reshape(2, height, width, -1).permute(0, 3, 1, 2)
    assert torch.allclose(looked_up, expected, rtol=0, atol=1e-11)


def window_grid(flow: Tensor, level: int, radius: int, height: int, width: int) -> Tensor:
    """For each pixel of (N, 2, h, w) a grid (2r + 1, 2r + 1, 2) over a level, x by rows."""
    rows, columns = (torch.arange(size, dtype=torch.float64) / 2**level for size in flow.shape[2:])
    x, y = flow[:, 0] + columns, flow[:, 1] + rows[:, None]
    offsets = torch.arange(-radius, radius + 1)
    window = torch.cartesian_prod(offsets, offsets).reshape(2 * radius + 1, 2 * radius + 1, 2)
    places = torch.stack([x, y], dim=-1).reshape(-1, 1, 1, 2) + window
    return 2 * places / torch.tensor([width - 1, height - 1]) - 1


def test_a_place_that_is_none_has_no_correlations() -> None:
    flow = torch.zeros(1, 2, 2, 2)
    flow[0, :, 0, 0] = torch.tensor([torch.nan, 0.0])
    flow[0, :, 0, 1] = torch.tensor([0.0, torch.inf])
    flow[0, :, 1, 0] = torch.tensor([-torch.inf, 1e8])
    features = torch.ones(1, 4, 2, 2)
    tensors = {"features1": features, "features2": features, "flow": flow}
    looked_up = OPERATORS["correlation"].reference({"levels": 2, "radius": 0}, tensors)
    assert looked_up[0, 0].tolist() == [[0.0, 0.0], [0.0, 2.0]]


def test_convex_upsampling_by_eight_is_the_networks() -> None:
    flow, logits = normal(2, 2, 5, 7), normal(2, 576, 5, 7)
    tensors = {"flow": flow, "logits": logits}
    fine = OPERATORS["convex_upsample"].reference({"factor": 8}, tensors)
    assert torch.allclose(fine, convex_upsampling(flow, logits), rtol=0, atol=1e-12)


def unit(module: nn.Module, half: str = "") -> dict[str, Tensor]:
    """The weights of a unit of the network, or of one half of a separable one."""
    weights: dict[str, Tensor] = {}
    for gate in "zrq":
        conv = module.get_submodule(f"conv{gate}{half}")
        weights |= {f"{kind}_{gate}": value for kind, value in conv.state_dict().items()}
    return weights


def test_convolutional_units_are_the_networks() -> None:
    reference = OPERATORS["conv_gru"].reference
    h, x = torch.tanh(normal(2, 5, 6, 9)), normal(2, 7, 6, 9)
    whole, separable = ConvGru(5, 7).double(), SepConvGru(5, 7).double()
    stepped = reference({}, {"h": h, "x": x, **unit(whole)})
    assert torch.allclose(stepped, whole(h, x), rtol=0, atol=1e-14)
    first = reference({}, {"h": h, "x": x, **unit(separable, "1")})
    second = reference({}, {"h": first, "x": x, **unit(separable, "2")})
    assert torch.allclose(second, separable(h, x), rtol=0, atol=1e-14)


def test_recurrent_units_are_their_equations() -> None:
    """A sequence is steps of the cell, and a cell is what the header of hewn's gru says."""
    hidden, inputs, steps = 4, 3, 5
    weights = {
        "weight_ih": normal(3 * hidden, inputs),
        "weight_hh": normal(3 * hidden, hidden),
        "bias_hh": normal(3 * hidden),  # and none on the inputs
    }
    x, h = normal(2, steps, inputs), normal(2, 1, hidden)
    sequence = OPERATORS["gru"].reference({}, {"x": x, "h": h, **weights})
    state = h[:, 0]
    for step in range(steps):
        from_x = (x[:, step] @ weights["weight_ih"].T).chunk(3, dim=1)
        from_h = (state @ weights["weight_hh"].T + weights["bias_hh"]).chunk(3, dim=1)
        r, z = (torch.sigmoid(a + b) for a, b in zip(from_x[:2], from_h[:2], strict=True))
        expected = (1 - z) * torch.tanh(from_x[2] + r * from_h[2]) + z * state
        state = OPERATORS["gru_cell"].reference({}, {"x": x[:, step], "h": state, **weights})
        assert torch.allclose(state, expected, rtol=0, atol=1e-14)
        assert torch.allclose(sequence[:, step], expected, rtol=0, atol=1e-14)


def test_a_tree_is_causal_attention_of_each_of_its_texts() -> None:
    parents = [-1, 0, 1, 1, 0, 4, 3]
    q, k, v = normal(3, 7, 6)
    params = {"heads": 2, "is_causal": False, "tokens": list(range(7)), "parents": parents}
    tree = OPERATORS["tree_attention"].reference(params, {"q": q, "k": k, "v": v})
    for text in ([0, 1, 2], [0, 1, 3, 6], [0, 4, 5]):
        chain = {"heads": 2, "is_causal": True, "tokens": [], "parents": []}
        of_text = {"q": q[text], "k": k[text], "v": v[text]}
        alone = OPERATORS["tree_attention"].reference(chain, of_text)
        assert torch.allclose(tree[text], alone, rtol=0, atol=1e-14)
