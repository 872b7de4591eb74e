"""Trains the completion network on the photographs: what was in the hole, from what is around it.

The loss is the paper's first phase (Iizuka et al., 2017, equation 2), the squared error in the
hole; the discriminators of its later phases are not used, so a result is the mean of what could
be there, blurred where that is open. One thing is added: the error counts in a rim around the
hole as well, where Poisson blending reads the network's gradients.

Two things are not the paper's, since processor time is short. There is no batch norm: the layers in
the middle begin as blurred copies instead (`new_tensors`). And small pictures with small holes
come first, which are learned from more quickly; then larger ones.
"""

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from weights_tools.convert.completion import BN_RELU
from weights_tools.errors import report_errors
from weights_tools.nets.completion import (
    LAST,
    LAYERS,
    MASKED_CHANNELS,
    Preparation,
    completion,
    prepared,
)
from weights_tools.train import photographs, progress, record, textures

_RATE, _DECAY = 7e-4, 0.01
_WARM_UP = 50  # steps
_GRADIENT_LIMIT = 1.0

_BLURRING = tuple(f"conv{i}" for i in range(5, 13))  # 256 channels each, at a quarter of the size
_OTHERS = 0.3  # of the deviation of He et al. that these begin with beside the copies

_HOLE_SIDES = (0.25, 0.625)  # of a picture's; the paper has 48 to 96 pixels in 256 x 256
_RIM = 4  # pixels around a hole whose error counts
_MADE_BY_RULE = 0.15  # of the pictures; the others are photographs
_ZOOM = 3.0


class Phase(NamedTuple):
    """A part of the steps; its pictures and their number are those of the options, enlarged."""

    until: float
    enlargement: float
    more: float


PHASES = (Phase(0.3, 0.5, 2), Phase(0.8, 1, 1), Phase(1, 1.5, 0.5))


class Batch(NamedTuple):
    """Pictures (n, 3, side, side) of 0 to 1, masks (n, 1, side, side), and where errors count."""

    pictures: Tensor
    masks: Tensor
    counted: Tensor


def new_tensors(seed: int) -> dict[str, Tensor]:
    """Weights as of He et al., 2015; those in the middle first copy what they read.

    Of eight groups of channels the first stays as it is, and each next one has its copy blurred,
    by the mean of 3 x 3 taps, in one layer more. With the dilations of those layers the network
    begins with what is around a hole at eight scales.
    """
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    inputs = MASKED_CHANNELS
    for name, layer in LAYERS.items():
        taps = (layer.kernel // layer.stride if layer.transposed else layer.kernel) ** 2
        gain = 1 if name == LAST else math.sqrt(2)
        weight = torch.randn(layer.weight_shape(inputs), generator=generator)
        weight *= gain * (inputs * taps) ** -0.5
        if name in _BLURRING:
            weight = _OTHERS * weight + _copies(layer.outputs, 1 + _BLURRING.index(name))
        tensors[f"{name}.weight"] = weight.to(memory_format=torch.channels_last)
        tensors[f"{name}.bias"] = torch.zeros(layer.outputs)
        inputs = layer.outputs
    return tensors


def _copies(channels: int, first_blurred: int) -> Tensor:
    """(channels, channels, 3, 3): each to itself, in groups from the first blurred one on."""
    weight = torch.zeros(channels, channels, 3, 3)
    for channel in range(channels):
        if channel // (channels // 8) >= first_blurred:
            weight[channel, channel] = 1 / 9
        else:
            weight[channel, channel, 1, 1] = 1
    return weight


class Pictures:
    """Draws batches from photographs and pictures made by rule."""

    def __init__(self, loaded: Mapping[str, np.ndarray]) -> None:
        self.names = list(loaded)
        self._photographs = list(loaded.values())
        means = [picture.reshape(-1, 3).mean(axis=0) / 255 for picture in self._photographs]
        self.mean = tuple(round(float(value), 6) for value in np.mean(means, axis=0))

    def draw(self, rng: np.random.Generator, count: int, side: int) -> Batch:
        pictures = np.stack([self._picture(rng, side) for _ in range(count)])
        masks = np.stack([_holes(rng, side) for _ in range(count)])
        kernel = np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8)
        counted = np.stack([cv2.dilate(mask, kernel) for mask in masks])
        return Batch(
            torch.from_numpy(pictures).permute(0, 3, 1, 2),
            torch.from_numpy(masks)[:, None].float(),
            torch.from_numpy(counted)[:, None].float(),
        )

    def _picture(self, rng: np.random.Generator, side: int) -> np.ndarray:
        if rng.random() < _MADE_BY_RULE:
            return textures.shapes(rng, side, side).astype(np.float32)
        photograph = self._photographs[rng.integers(len(self._photographs))]
        return _recoloured(rng, textures.crop(rng, photograph, side, side, _ZOOM))


def _recoloured(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """With another brightness, contrast and tint; a tenth of them grey."""
    if rng.random() < 0.1:
        picture = np.broadcast_to(picture.mean(axis=2, keepdims=True), picture.shape)
    gain = rng.uniform(0.7, 1.2) * rng.uniform(0.9, 1.1, 3)
    exponent = math.exp(rng.uniform(-0.35, 0.35))
    return np.clip(picture**exponent * gain, 0, 1).astype(np.float32)


def _holes(rng: np.random.Generator, side: int) -> np.ndarray:
    """One rectangle of missing pixels, or two of them, (side, side) of 0 and 1."""
    least, most = (round(part * side) for part in _HOLE_SIDES)
    mask = np.zeros((side, side), np.uint8)
    for _ in range(rng.integers(1, 3)):
        height, width = rng.integers(least, most + 1, 2)
        top, left = rng.integers(side - height + 1), rng.integers(side - width + 1)
        mask[top : top + height, left : left + width] = 1
    return mask


def loss_of(output: Tensor, batch: Batch, where: Tensor) -> Tensor:
    """The mean squared error over all colours of the pixels of `where`."""
    squared = (output.float() - batch.pictures).square() * where
    return squared.sum() / (3 * where.sum())


def train(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    device = progress.device(arguments.device)
    pictures = Pictures(photographs.load_all(photographs.TRAINING))
    preparation = Preparation(mean=pictures.mean)
    tensors = {
        name: tensor.to(device).requires_grad_()
        for name, tensor in new_tensors(arguments.seed).items()
    }
    optimiser = torch.optim.AdamW(tensors.values(), lr=_RATE, weight_decay=_DECAY)
    training = progress.Progress(arguments, tensors, optimiser)

    for step in training.steps():
        phase = next(phase for phase in PHASES if step < phase.until * arguments.steps)
        batch = pictures.draw(
            np.random.default_rng((arguments.seed, step)),
            count=max(1, round(arguments.batch * phase.more)),
            side=round(arguments.size * phase.enlargement),
        )
        batch = Batch(*(part.to(device) for part in batch))
        inputs = prepared(batch.pictures, batch.masks, preparation)
        with torch.autocast(device.type, torch.bfloat16):
            output = completion(tensors, inputs.to(memory_format=torch.channels_last))[LAST]
        loss = loss_of(output, batch, batch.counted)
        rate = progress.warmed_cosine(step, arguments.steps, _WARM_UP, _RATE)
        training.descend(loss, rate, _GRADIENT_LIMIT)
        in_hole = loss_of(output.detach(), batch, batch.masks).item()
        training.tell(step, PSNR=-10 * math.log10(in_hole))
    _write(arguments, tensors, pictures, training)
    return 0


def _write(
    arguments: argparse.Namespace,
    tensors: Mapping[str, Tensor],
    pictures: Pictures,
    training: progress.Progress,
) -> None:
    preparation = Preparation(mean=pictures.mean)
    config = {
        "order": BN_RELU,  # of no meaning without batch norm
        "input": preparation.form,
        "mean": preparation.mean,
        "channels": preparation.channels,
        "discriminators": False,
    }
    record.write_weights(
        arguments.out,
        "completion",
        config,
        {name: tensor.cpu() for name, tensor in tensors.items()},
        training.source("completion", "size"),
        training.story(size=arguments.size, photographs=pictures.names),
    )
    training.draw("completion: the holes")


def main(argv: list[str] | None = None) -> int:
    out = Path("models/completion/completion.safetensors")
    parser = progress.options("completion", __doc__, {"steps": 1150, "batch": 8, "out": out})
    parser.add_argument(
        "--size", type=int, default=128, metavar="PIXELS", help="of a side; a multiple of 8"
    )
    arguments = parser.parse_args(argv)
    return report_errors("train", lambda: train(arguments))
