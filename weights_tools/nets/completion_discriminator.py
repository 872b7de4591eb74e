"""The context discriminators of image completion: is a completed picture a real one?

One sees the whole picture, the other the surroundings of the hole. Both run on the canonical
tensors that weights_tools.convert writes, in the precision of their arguments.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from weights_tools.nets.layers import Layer, run

LOCAL_SIZE, GLOBAL_SIZE = 128, 256

_CELLS = 4  # both maps of features are 4 x 4 in the end


def _half(outputs: int) -> Layer:
    return Layer(outputs, kernel=5, stride=2, padding=2)


# The fully connected layers are convolutions over the whole map.
_VECTOR = Layer(1024, kernel=_CELLS, padding=0)
LOCAL_LAYERS: dict[str, Layer] = {
    "conv1": _half(64),
    "conv2": _half(128),
    "conv3": _half(256),
    "conv4": _half(512),
    "conv5": _half(512),
    "linear6": _VECTOR,
}
GLOBAL_LAYERS: dict[str, Layer] = {
    "conv1": _half(64),
    "conv2": _half(128),
    "conv3": _half(256),
    "conv4": _half(512),
    "conv5": _half(512),
    "conv6": _half(512),
    "linear7": _VECTOR,
}
JOINT_LAYER = Layer(1, kernel=1, padding=0)


def discriminate(weights: Mapping[str, Tensor], patch: Tensor, picture: Tensor) -> Tensor:
    """How real pictures are, 0 to 1: (N), of (N, 3, 256, 256) and patches (N, 3, 128, 128)."""
    local, whole = patch, picture
    for name, layer in LOCAL_LAYERS.items():
        local = run(layer, f"local.{name}", weights, local)
    for name, layer in GLOBAL_LAYERS.items():
        whole = run(layer, f"global.{name}", weights, whole)
    joint = torch.cat([local, whole], dim=1)
    return run(JOINT_LAYER, "joint.linear", weights, joint, torch.sigmoid).flatten()
