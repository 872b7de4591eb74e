"""RAFT's update operator: motion features, a gated recurrent unit, the flow head and the mask.

The attribute names are the public checkpoints'.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MASK_SCALE = 0.25  # balances the gradients in training, so it is part of the trained network


class LargeMotionEncoder(nn.Module):
    """Correlation and flow to 126 features of motion, and the flow itself behind them."""

    def __init__(self, correlations: int) -> None:
        super().__init__()
        self.convc1 = nn.Conv2d(correlations, 256, 1)
        self.convc2 = nn.Conv2d(256, 192, 3, padding=1)
        self.convf1 = nn.Conv2d(2, 128, 7, padding=3)
        self.convf2 = nn.Conv2d(128, 64, 3, padding=1)
        self.conv = nn.Conv2d(192 + 64, 128 - 2, 3, padding=1)

    def forward(self, flow: Tensor, correlation: Tensor) -> Tensor:
        seen = F.relu(self.convc2(F.relu(self.convc1(correlation))))
        moved = F.relu(self.convf2(F.relu(self.convf1(flow))))
        motion = F.relu(self.conv(torch.cat([seen, moved], dim=1)))
        return torch.cat([motion, flow], dim=1)


class SmallMotionEncoder(nn.Module):
    """The same with one convolution fewer, and 80 features."""

    def __init__(self, correlations: int) -> None:
        super().__init__()
        self.convc1 = nn.Conv2d(correlations, 96, 1)
        self.convf1 = nn.Conv2d(2, 64, 7, padding=3)
        self.convf2 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv = nn.Conv2d(96 + 32, 82 - 2, 3, padding=1)

    def forward(self, flow: Tensor, correlation: Tensor) -> Tensor:
        seen = F.relu(self.convc1(correlation))
        moved = F.relu(self.convf2(F.relu(self.convf1(flow))))
        motion = F.relu(self.conv(torch.cat([seen, moved], dim=1)))
        return torch.cat([motion, flow], dim=1)


class ConvGru(nn.Module):
    """A gated recurrent unit whose products are 3x3 convolutions."""

    def __init__(self, hidden: int, inputs: int) -> None:
        super().__init__()
        self.convz = nn.Conv2d(hidden + inputs, hidden, 3, padding=1)
        self.convr = nn.Conv2d(hidden + inputs, hidden, 3, padding=1)
        self.convq = nn.Conv2d(hidden + inputs, hidden, 3, padding=1)

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        return _gru_step(self.convz, self.convr, self.convq, h, x)


class SepConvGru(nn.Module):
    """Two units in a row: one sees five pixels of a row, the other five of a column."""

    def __init__(self, hidden: int, inputs: int) -> None:
        super().__init__()
        for part, size in (("1", (1, 5)), ("2", (5, 1))):
            padding = (size[0] // 2, size[1] // 2)
            for gate in "zrq":
                conv = nn.Conv2d(hidden + inputs, hidden, size, padding=padding)
                self.add_module(f"conv{gate}{part}", conv)

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        h = _gru_step(self.convz1, self.convr1, self.convq1, h, x)
        return _gru_step(self.convz2, self.convr2, self.convq2, h, x)


def _gru_step(convz: nn.Module, convr: nn.Module, convq: nn.Module, h: Tensor, x: Tensor) -> Tensor:
    hx = torch.cat([h, x], dim=1)
    z = torch.sigmoid(convz(hx))
    r = torch.sigmoid(convr(hx))
    q = torch.tanh(convq(torch.cat([r * h, x], dim=1)))
    return (1 - z) * h + z * q


class FlowHead(nn.Module):
    """What to add to the flow, in pixels of the feature map."""

    def __init__(self, hidden: int, inner: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(hidden, inner, 3, padding=1)
        self.conv2 = nn.Conv2d(inner, 2, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        return self.conv2(F.relu(self.conv1(h)))


class UpdateBlock(nn.Module):
    """One iteration: (hidden state, context, correlation, flow) to (hidden state, flow's step)."""

    def __init__(self, large: bool, hidden: int, context: int, correlations: int) -> None:
        super().__init__()
        inputs = context + (128 if large else 82)
        motion_encoder = LargeMotionEncoder if large else SmallMotionEncoder
        self.encoder = motion_encoder(correlations)
        self.gru = (SepConvGru if large else ConvGru)(hidden, inputs)
        self.flow_head = FlowHead(hidden, 256 if large else 128)
        if large:
            self.mask = nn.Sequential(
                nn.Conv2d(128, 256, 3, padding=1), nn.ReLU(), nn.Conv2d(256, 64 * 9, 1)
            )

    def forward(
        self, h: Tensor, context: Tensor, correlation: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        motion = self.encoder(flow, correlation)
        h = self.gru(h, torch.cat([context, motion], dim=1))
        return h, self.flow_head(h)

    def upsampling_mask(self, h: Tensor) -> Tensor:
        """Logits (N, 576, h, w) of the nine neighbours of each of a pixel's 64; large only."""
        return MASK_SCALE * self.mask(h)
