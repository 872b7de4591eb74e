"""RAFT's encoders: residual blocks that take a picture to features at an eighth of its size.

The attribute names are the public checkpoints'. Batch norm ("batch") is only in a network that
loads a public checkpoint; a converted one has it folded into the convolutions ("none").
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPS = 1e-5  # of instance norm and of batch norm


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a path that carries the input on; used by the large network."""

    def __init__(self, inputs: int, outputs: int, norm: str, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm1 = _norm(norm, outputs)
        self.norm2 = _norm(norm, outputs)
        if stride != 1:
            self.norm3 = _norm(norm, outputs)
            # The norm has two names, norm3 and downsample.1; checkpoints hold it under both.
            shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride)
            self.downsample = nn.Sequential(shortcut, self.norm3)
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        return F.relu(self.downsample(x) + y)


class BottleneckBlock(nn.Module):
    """The same with a 3x3 convolution on a quarter of the channels; used by the small network."""

    def __init__(self, inputs: int, outputs: int, norm: str, stride: int) -> None:
        super().__init__()
        inner = outputs // 4
        self.conv1 = nn.Conv2d(inputs, inner, 1)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=stride, padding=1)
        self.conv3 = nn.Conv2d(inner, outputs, 1)
        self.norm1 = _norm(norm, inner)
        self.norm2 = _norm(norm, inner)
        self.norm3 = _norm(norm, outputs)
        if stride != 1:
            self.norm4 = _norm(norm, outputs)
            shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride)
            self.downsample = nn.Sequential(shortcut, self.norm4)
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        y = F.relu(self.norm3(self.conv3(y)))
        return F.relu(self.downsample(x) + y)


class Encoder(nn.Module):
    """(N, 3, H, W) to (N, outputs, H/8, W/8): halved by conv1, by layer2 and by layer3."""

    def __init__(
        self,
        block: type[ResidualBlock] | type[BottleneckBlock],
        stages: Sequence[int],
        outputs: int,
        norm: str,
    ) -> None:
        super().__init__()
        first, second, third = stages
        self.conv1 = nn.Conv2d(3, first, 7, stride=2, padding=3)
        self.norm1 = _norm(norm, first)
        self.layer1 = _stage(block, first, first, norm, stride=1)
        self.layer2 = _stage(block, first, second, norm, stride=2)
        self.layer3 = _stage(block, second, third, norm, stride=2)
        self.conv2 = nn.Conv2d(third, outputs, 1)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv1(image)))
        return self.conv2(self.layer3(self.layer2(self.layer1(x))))


def _stage(
    block: type[ResidualBlock] | type[BottleneckBlock],
    inputs: int,
    outputs: int,
    norm: str,
    stride: int,
) -> nn.Sequential:
    return nn.Sequential(
        block(inputs, outputs, norm, stride), block(outputs, outputs, norm, stride=1)
    )


def _norm(kind: str, channels: int) -> nn.Module:
    match kind:
        case "instance":  # of each channel's own map, without parameters
            return nn.InstanceNorm2d(channels, eps=NORM_EPS)
        case "batch":
            return nn.BatchNorm2d(channels, eps=NORM_EPS)
        case "none":
            return nn.Identity()
    raise ValueError(f"norm {kind}: expected instance, batch or none")
