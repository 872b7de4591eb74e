"""The recurrent unit of RAFT's update operator."""

import pytest
import torch

from weights_tools.nets.raft_update import SepConvGru

pytestmark = pytest.mark.usefixtures("on_one_thread")


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
