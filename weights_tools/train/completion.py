"""Trains the completion network on the photographs: what was in the hole, from what is around it.

The loss is the paper's first phase (Iizuka et al., 2017, equation 2), the squared error in the
hole; the discriminators of its later phases are not used, so a result is the mean of what could
be there, blurred where that is open. One thing is added: the error counts in a rim around the
hole as well, where Poisson blending reads the network's gradients.

Each convolution has its batch norm before the activation, as the paper has it, under the names of
the published checkpoints; weights_tools.convert folds it when the weights are written.
"""

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert.completion import (
    BATCH_NORM_EPS,
    BN_RELU,
    Options,
    convert,
    network_layers,
)
from weights_tools.errors import report_errors
from weights_tools.nets.completion import LAST, MASKED_CHANNELS, Preparation, prepared
from weights_tools.nets.layers import run
from weights_tools.train import photographs, progress, record, textures

LAYERS = network_layers(MASKED_CHANNELS)

_RATE, _DECAY = 1e-3, 0.01
_WARM_UP = 100  # steps
_GRADIENT_LIMIT = 1.0
_MOMENTUM = 0.02  # of batch norm's running statistics: batches are small

# The last part of the steps sees larger pictures, and batch norm as it will be run.
_SETTLED_FROM = 0.75
_SETTLED_ENLARGEMENT = 1.5

_HOLE_SIDES = (32, 80)  # pixels; the paper has 48 to 96 in 256 x 256
_RIM = 4  # pixels around a hole whose error counts
_MADE_BY_RULE = 0.15  # of the pictures; the others are photographs
_ZOOM = 3.0


class Batch(NamedTuple):
    """Pictures (n, 3, side, side) of 0 to 1, masks (n, 1, side, side), and where errors count."""

    pictures: Tensor
    masks: Tensor
    counted: Tensor


def new_tensors(seed: int) -> dict[str, Tensor]:
    """Weights (He et al., 2015) and batch norms under the names of the published checkpoints."""
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for name, public in LAYERS.items():
        layer = public.layer
        taps = (layer.kernel // layer.stride if layer.transposed else layer.kernel) ** 2
        gain = 1 if name == LAST else math.sqrt(2)
        weight = torch.randn(public.canonical_shape, generator=generator)
        weight *= gain * (public.inputs * taps) ** -0.5
        tensors[f"{public.conv}.weight"] = weight.to(memory_format=torch.channels_last)
        tensors[f"{public.conv}.bias"] = torch.zeros(layer.outputs)
        if public.norm is not None:
            tensors[f"{public.norm}.weight"] = torch.ones(layer.outputs)
            tensors[f"{public.norm}.bias"] = torch.zeros(layer.outputs)
            tensors[f"{public.norm}.running_mean"] = torch.zeros(layer.outputs)
            tensors[f"{public.norm}.running_var"] = torch.ones(layer.outputs)
    return tensors


def is_learned(name: str) -> bool:
    return "running" not in name


def forward(tensors: Mapping[str, Tensor], inputs: Tensor, batch_statistics: bool) -> Tensor:
    """The picture in 0 to 1; with `batch_statistics` the running ones are moved towards them."""
    x = inputs
    for public in LAYERS.values():

        def activation(y: Tensor, norm: str | None = public.norm) -> Tensor:
            if norm is None:
                return torch.sigmoid(y)
            mean, var, weight, bias = (
                tensors[f"{norm}.{part}"]
                for part in ("running_mean", "running_var", "weight", "bias")
            )
            return torch.relu(
                F.batch_norm(
                    y, mean, var, weight, bias, batch_statistics, _MOMENTUM, BATCH_NORM_EPS
                )
            )

        x = run(public.layer, public.conv, tensors, x, activation)
    return x


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
    mask = np.zeros((side, side), np.uint8)
    for _ in range(rng.integers(1, 3)):
        height, width = rng.integers(_HOLE_SIDES[0], min(_HOLE_SIDES[1], side * 5 // 8) + 1, 2)
        top, left = rng.integers(side - height + 1), rng.integers(side - width + 1)
        mask[top : top + height, left : left + width] = 1
    return mask


def loss_of(output: Tensor, batch: Batch, where: Tensor) -> Tensor:
    """The mean squared error over all colours of the pixels of `where`."""
    squared = (output.float() - batch.pictures).square() * where
    return squared.sum() / (3 * where.sum())


def canonical(
    tensors: Mapping[str, Tensor], mean: tuple[float, float, float]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata as weights_tools.convert makes them, with batch norm folded."""
    public = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
    return convert(Checkpoint("training", "", public), Options(BN_RELU, mean=mean))


def train(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    device = progress.device(arguments.device)
    pictures = Pictures(photographs.load_all(photographs.TRAINING))
    preparation = Preparation(mean=pictures.mean)
    tensors = {name: tensor.to(device) for name, tensor in new_tensors(arguments.seed).items()}
    learned = [tensor.requires_grad_() for name, tensor in tensors.items() if is_learned(name)]
    optimiser = torch.optim.AdamW(learned, lr=_RATE, weight_decay=_DECAY)
    training = progress.Progress(arguments, tensors, optimiser)

    for step in training.steps():
        settled = step >= _SETTLED_FROM * arguments.steps
        enlargement = _SETTLED_ENLARGEMENT if settled else 1
        side = round(arguments.size * enlargement)
        count = max(1, round(arguments.batch / enlargement**2))
        batch = pictures.draw(np.random.default_rng((arguments.seed, step)), count, side)
        batch = Batch(*(part.to(device) for part in batch))
        inputs = prepared(batch.pictures, batch.masks, preparation)
        with torch.autocast(device.type, torch.bfloat16):
            output = forward(
                tensors, inputs.to(memory_format=torch.channels_last), batch_statistics=not settled
            )
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
    folded, metadata = canonical(tensors, pictures.mean)
    record.write_weights(
        arguments.out,
        "completion",
        json.loads(metadata["hewn.config"]),
        folded,
        training.source("completion", "size"),
        training.story(size=arguments.size, photographs=pictures.names),
    )
    training.draw("completion: PSNR in the holes of training pictures, dB")


def main(argv: list[str] | None = None) -> int:
    out = Path("models/completion/completion.safetensors")
    parser = progress.options("completion", __doc__, {"steps": 4000, "batch": 8, "out": out})
    parser.add_argument(
        "--size", type=int, default=128, metavar="PIXELS", help="of a side; a multiple of 8"
    )
    arguments = parser.parse_args(argv)
    return report_errors("train", lambda: train(arguments))
