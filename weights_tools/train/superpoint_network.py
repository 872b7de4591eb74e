"""SuperPoint as it is trained: nets/superpoint.py with batch norm that learns.

Each convolution is followed by ReLU, but the two heads' last ones, and then by batch norm, as in
the public form open-v6: with it a few thousand small steps are enough. The logits alone have none:
its one scale and shift a class would have to bring them from chance to certainty, which Adam moves
by no more than its rate a step, where the convolution's weights do so together.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weights_tools.convert.superpoint import DESCRIPTOR_SHAPES, DETECTOR_SHAPES, ENCODER_SHAPES
from weights_tools.train.superpoint_losses import DUSTBIN

CONFIG = {"form": "open-v6", "descriptor_sampling": "half-pixel"}

_NORM_EPS = 1e-3
_POOLED = ("conv1b", "conv2b", "conv3b")
_LOGITS, _DESCRIPTORS = "convPb", "convDb"
_FIRST_POINTS = 0.05  # the part of cells that are taken to have a point before anything is learned


class SuperPointNetwork(nn.Module):
    """Grey pictures (N, 1, H, W) of values 0 to 1 to logits and descriptors of their cells."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.ModuleDict()
        self.norm = nn.ModuleDict()
        for name, shape in (ENCODER_SHAPES | DETECTOR_SHAPES | DESCRIPTOR_SHAPES).items():
            outputs, inputs, kernel, _ = shape
            self.conv[name] = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
            if name != _LOGITS:
                self.norm[name] = nn.BatchNorm2d(outputs, eps=_NORM_EPS)
            nn.init.kaiming_normal_(self.conv[name].weight, nonlinearity="relu")
            nn.init.zeros_(self.conv[name].bias)
        with torch.no_grad():
            logits = self.conv[_LOGITS]
            logits.weight *= 0.1
            logits.bias[DUSTBIN] = math.log(DUSTBIN * (1 - _FIRST_POINTS) / _FIRST_POINTS)

    def forward(self, image: Tensor, describe: bool = True) -> tuple[Tensor, Tensor | None]:
        """(N, 65, h, w), and (N, 256, h, w) of unit length if asked for."""
        x = image
        for name in ENCODER_SHAPES:
            x = self._layer(name, x)
            if name in _POOLED:
                x = F.max_pool2d(x, 2)
        semi = self.conv[_LOGITS](self._layer("convPa", x)).float()
        if not describe:
            return semi, None
        described = self.norm[_DESCRIPTORS](self.conv[_DESCRIPTORS](self._layer("convDa", x)))
        return semi, F.normalize(described.float(), dim=1)

    def _layer(self, name: str, x: Tensor) -> Tensor:
        return self.norm[name](F.relu(self.conv[name](x)))

    def canonical(self) -> dict[str, Tensor]:
        """The tensors of a converted file: batch norm becomes a scale and a shift."""
        tensors: dict[str, Tensor] = {}
        for name, conv in self.conv.items():
            scale, shift = torch.ones_like(conv.bias), torch.zeros_like(conv.bias)
            if name in self.norm:
                norm = self.norm[name]
                scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
                shift = norm.bias - norm.running_mean * scale
            tensors |= {
                f"{name}.weight": conv.weight,
                f"{name}.bias": conv.bias,
                f"{name}.scale": scale,
                f"{name}.shift": shift,
            }
        return {name: tensor.detach().clone() for name, tensor in tensors.items()}
