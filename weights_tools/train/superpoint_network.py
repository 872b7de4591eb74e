"""SuperPoint as it is trained: nets/superpoint.py with batch norm that learns.

Each convolution is followed by ReLU, but the two heads' last ones, and then by batch norm, as in
the public form open-v6: with it a few thousand small steps are enough.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weights_tools.convert.superpoint import DESCRIPTOR_SHAPES, DETECTOR_SHAPES, ENCODER_SHAPES

CONFIG = {"form": "open-v6", "descriptor_sampling": "half-pixel"}

_NORM_EPS = 1e-3
_POOLED = ("conv1b", "conv2b", "conv3b")
_LINEAR = ("convPb", "convDb")


class SuperPointNetwork(nn.Module):
    """Grey pictures (N, 1, H, W) of values 0 to 1 to logits and descriptors of their cells."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.ModuleDict()
        self.norm = nn.ModuleDict()
        for name, shape in (ENCODER_SHAPES | DETECTOR_SHAPES | DESCRIPTOR_SHAPES).items():
            outputs, inputs, kernel, _ = shape
            self.conv[name] = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
            self.norm[name] = nn.BatchNorm2d(outputs, eps=_NORM_EPS)
            nn.init.kaiming_normal_(self.conv[name].weight, nonlinearity="relu")
            nn.init.zeros_(self.conv[name].bias)

    def forward(self, image: Tensor, describe: bool = True) -> tuple[Tensor, Tensor | None]:
        """(N, 65, h, w), and (N, 256, h, w) of unit length if asked for."""
        x = image
        for name in ENCODER_SHAPES:
            x = self._layer(name, x)
            if name in _POOLED:
                x = F.max_pool2d(x, 2)
        semi = self._layer("convPb", self._layer("convPa", x)).float()
        if not describe:
            return semi, None
        return semi, F.normalize(self._layer("convDb", self._layer("convDa", x)).float(), dim=1)

    def _layer(self, name: str, x: Tensor) -> Tensor:
        y = self.conv[name](x)
        return self.norm[name](y if name in _LINEAR else F.relu(y))

    def canonical(self) -> dict[str, Tensor]:
        """The tensors of a converted file: batch norm becomes a scale and a shift."""
        tensors: dict[str, Tensor] = {}
        for name, conv in self.conv.items():
            norm = self.norm[name]
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            tensors |= {
                f"{name}.weight": conv.weight,
                f"{name}.bias": conv.bias,
                f"{name}.scale": scale,
                f"{name}.shift": norm.bias - norm.running_mean * scale,
            }
        return {name: tensor.detach().clone() for name, tensor in tensors.items()}
