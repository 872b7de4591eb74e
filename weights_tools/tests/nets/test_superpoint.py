"""The reference network: its heat map, its shapes, and one block against torch.nn's modules."""

import pytest
import torch
from torch import Tensor, nn

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert.superpoint import FORMS, convert
from weights_tools.nets.superpoint import SuperPointOutput, heat_map, superpoint
from weights_tools.tests.support.public_superpoint import public_checkpoint


def run(form: str, image: Tensor) -> SuperPointOutput:
    tensors, _ = convert(Checkpoint(form, "", public_checkpoint(form)))
    return superpoint({name: t.to(image.dtype) for name, t in tensors.items()}, image)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("height", "width"), [(8, 8), (24, 40), (29, 23)])
def test_shapes(form: str, height: int, width: int) -> None:
    output = run(form, torch.rand(1, 1, height, width))
    h, w = height // 8, width // 8
    assert output.semi.shape == (1, 65, h, w)
    assert output.scores.shape == (1, 8 * h, 8 * w)
    assert output.trace["conv1b"].shape == (1, 64, height, width)
    assert output.trace["conv1b.max_pool"].shape == (1, 64, height // 2, width // 2)
    assert output.trace["conv2b"].shape == (1, 64, height // 2, width // 2)
    assert ("conv5a" in output.trace) == (form == "conv5a")
    if form == "magicpoint":
        assert output.descriptors is None
        assert "convDb" not in output.trace
        return
    assert output.descriptors is not None
    assert output.descriptors.shape == (1, 256, h, w)
    lengths = output.descriptors.double().norm(dim=1)
    # A length of 256 squares, each float32: within 256 units in the last place, and far within.
    assert ((lengths - 1).abs() <= 256 * 2.0**-23).all()


def test_the_precision_is_that_of_the_arguments() -> None:
    output = run("open-v6", torch.rand(1, 1, 16, 16, dtype=torch.float64))
    assert output.scores.dtype == torch.float64
    assert all(tensor.dtype == torch.float64 for tensor in output.trace.values())


def test_trace_is_after_the_whole_layer() -> None:
    """Against the modules the open checkpoint is trained with, batch norm after ReLU."""
    checkpoint = public_checkpoint("open-v6")
    block = nn.Sequential(
        nn.Conv2d(1, 64, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(64, eps=1e-3)
    ).eval()
    names = {"0": "backbone.0.0.conv", "2": "backbone.0.0.bn"}
    state = {
        key: checkpoint[key.replace(key.split(".")[0], names[key.split(".")[0]], 1)]
        for key in block.state_dict()
    }
    block.load_state_dict(state)
    image = torch.rand(1, 1, 16, 24, dtype=torch.float64)
    with torch.inference_mode():
        expected = block.double()(image)
    actual = run("open-v6", image).trace["conv1a"]
    # Only scale and shift were rounded to float32; both are below 16 in magnitude here.
    assert (actual - expected).abs().max() <= 2 * 16 * 2.0**-24


def test_heat_map_puts_channel_8i_plus_j_at_row_i_and_column_j() -> None:
    semi = torch.zeros(1, 65, 2, 3)
    semi[0, 8 * 5 + 2, 1, 2] = 50.0  # so sure that float32 gives probability 1
    scores = heat_map(semi)
    assert scores.shape == (1, 16, 24)
    assert scores[0, 8 + 5, 16 + 2] == 1.0
    assert scores.argmax() == (8 + 5) * 24 + 16 + 2


def test_heat_map_drops_the_dustbin() -> None:
    semi = torch.zeros(1, 65, 1, 1)
    semi[0, 64] = 50.0
    assert heat_map(semi).max() < 1e-20
    uniform = heat_map(torch.zeros(1, 65, 1, 1))
    assert torch.allclose(uniform, torch.full((1, 8, 8), 1 / 65), rtol=2.0**-22, atol=0)
