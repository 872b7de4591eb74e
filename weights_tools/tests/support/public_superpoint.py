"""The public checkpoints' names and shapes, written out independently of the converter."""

import torch
from torch import Tensor

MAGICLEAP = """
conv1a.weight 64x1x3x3     conv1a.bias 64
conv1b.weight 64x64x3x3    conv1b.bias 64
conv2a.weight 64x64x3x3    conv2a.bias 64
conv2b.weight 64x64x3x3    conv2b.bias 64
conv3a.weight 128x64x3x3   conv3a.bias 128
conv3b.weight 128x128x3x3  conv3b.bias 128
conv4a.weight 128x128x3x3  conv4a.bias 128
conv4b.weight 128x128x3x3  conv4b.bias 128
convPa.weight 256x128x3x3  convPa.bias 256
convPb.weight 65x256x1x1   convPb.bias 65
convDa.weight 256x128x3x3  convDa.bias 256
convDb.weight 256x256x1x1  convDb.bias 256
"""

CONV5A = f"""{MAGICLEAP}
conv5a.weight 128x128x1x1  conv5a.bias 128
"""

# A `+` line is a batch norm: its weight, bias, running_mean, running_var and num_batches_tracked.
OPEN_V6 = """
backbone.0.0.conv.weight 64x1x3x3     backbone.0.0.conv.bias 64   + backbone.0.0.bn 64
backbone.0.1.conv.weight 64x64x3x3    backbone.0.1.conv.bias 64   + backbone.0.1.bn 64
backbone.1.0.conv.weight 64x64x3x3    backbone.1.0.conv.bias 64   + backbone.1.0.bn 64
backbone.1.1.conv.weight 64x64x3x3    backbone.1.1.conv.bias 64   + backbone.1.1.bn 64
backbone.2.0.conv.weight 128x64x3x3   backbone.2.0.conv.bias 128  + backbone.2.0.bn 128
backbone.2.1.conv.weight 128x128x3x3  backbone.2.1.conv.bias 128  + backbone.2.1.bn 128
backbone.3.0.conv.weight 128x128x3x3  backbone.3.0.conv.bias 128  + backbone.3.0.bn 128
backbone.3.1.conv.weight 128x128x3x3  backbone.3.1.conv.bias 128  + backbone.3.1.bn 128
detector.0.conv.weight 256x128x3x3    detector.0.conv.bias 256    + detector.0.bn 256
detector.1.conv.weight 65x256x1x1     detector.1.conv.bias 65     + detector.1.bn 65
descriptor.0.conv.weight 256x128x3x3  descriptor.0.conv.bias 256  + descriptor.0.bn 256
descriptor.1.conv.weight 256x256x1x1  descriptor.1.conv.bias 256  + descriptor.1.bn 256
"""

MAGICPOINT = """
backbone.block1_1.0.weight 64x1x3x3      backbone.block1_1.0.bias 64    + backbone.block1_1.2 64
backbone.block1_2.0.weight 64x64x3x3     backbone.block1_2.0.bias 64    + backbone.block1_2.2 64
backbone.block2_1.0.weight 64x64x3x3     backbone.block2_1.0.bias 64    + backbone.block2_1.2 64
backbone.block2_2.0.weight 64x64x3x3     backbone.block2_2.0.bias 64    + backbone.block2_2.2 64
backbone.block3_1.0.weight 128x64x3x3    backbone.block3_1.0.bias 128   + backbone.block3_1.2 128
backbone.block3_2.0.weight 128x128x3x3   backbone.block3_2.0.bias 128   + backbone.block3_2.2 128
backbone.block4_1.0.weight 128x128x3x3   backbone.block4_1.0.bias 128   + backbone.block4_1.2 128
backbone.block4_2.0.weight 128x128x3x3   backbone.block4_2.0.bias 128   + backbone.block4_2.2 128
detector_head.convPa.weight 256x128x3x3  detector_head.convPa.bias 256  + detector_head.bnPa 256
detector_head.convPb.weight 65x256x1x1   detector_head.convPb.bias 65   + detector_head.bnPb 65
"""

PUBLIC = {
    "magicleap": MAGICLEAP,
    "conv5a": CONV5A,
    "open-v6": OPEN_V6,
    "magicpoint": MAGICPOINT,
}


def public_checkpoint(form: str) -> dict[str, Tensor]:
    """Random tensors under the public names of a form, small enough for tame activations."""
    generator = torch.Generator().manual_seed(20)
    tensors: dict[str, Tensor] = {}
    words = iter(PUBLIC[form].split())
    for name in words:
        if name == "+":
            name, channels = next(words), int(next(words))
            for part in ("weight", "bias", "running_mean"):
                tensors[f"{name}.{part}"] = torch.randn(channels, generator=generator)
            variance = 0.5 + torch.rand(channels, generator=generator)
            tensors[f"{name}.running_var"] = variance
            tensors[f"{name}.num_batches_tracked"] = torch.tensor(7)
        else:
            shape = [int(size) for size in next(words).split("x")]
            tensors[name] = 0.05 * torch.randn(shape, generator=generator)
    return tensors
