"""Trains SuperPoint as its paper does, smaller (DeTone et al., 2018).

1. The detector alone on synthetic shapes, whose corners are known (MagicPoint).
2. Homographic adaptation: its heat map, averaged over many views of each photograph, gives labels.
3. Detector and descriptors together on pairs of views of the photographs.

The second and third are repeated, with labels by what was learned.

    python -m weights_tools.train superpoint --out superpoint.safetensors --state FOLDER

A training that was cut off goes on from what is in the folder.
"""

import argparse
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from weights_tools.errors import ToolError, report_errors
from weights_tools.nets.superpoint import heat_map
from weights_tools.nets.superpoint_keypoints import KeypointOptions, extract_keypoints
from weights_tools.train import (
    homographies,
    photographs,
    photometry,
    progress,
    record,
    textures,
)
from weights_tools.train.superpoint_losses import (
    cell_labels,
    descriptor_loss,
    detector_loss,
)
from weights_tools.train.superpoint_network import CONFIG, SuperPointNetwork
from weights_tools.train.synthetic_shapes import draw

SHAPES_SIZE = (120, 160)
PHOTOGRAPH_SIZE = (240, 320)  # the paper's
LABEL_THRESHOLD = 1 / 65  # the score of a cell that knows nothing
NEAREST = 2.0  # times nearer or farther may the second view of a pair be
PLACES = 512  # of each pair, whose descriptors meet
DESCRIPTOR_WEIGHT = 1.0  # lambda: both parts are means, so they are of the detector's size as it is
LAST_RATE = 0.02  # of the first one, at the end of the cosine


@dataclass
class Training:
    """What the steps share."""

    network: SuperPointNetwork
    rng: np.random.Generator
    generator: torch.Generator
    device: torch.device
    curves: record.Curves
    clock: record.Clock

    def run(self, pictures: Tensor, describe: bool) -> tuple[Tensor, Tensor | None]:
        """In bfloat16 where a product may be: on processors that have it, several times faster."""
        inputs = pictures.to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.network(inputs, describe)


@dataclass(frozen=True)
class Labelled:
    """A part of a photograph (H, W) of values 0 to 1, and its interest points (K, 2)."""

    picture: np.ndarray
    points: np.ndarray


def learn_shapes(
    training: Training, optimiser: torch.optim.Optimizer, batch: int
) -> dict[str, float]:
    """One step of the detector alone, on shapes."""
    drawn = [draw(training.rng, *SHAPES_SIZE) for _ in range(batch)]
    pictures = torch.from_numpy(np.stack([picture for picture, _ in drawn]))[:, None]
    labels = [
        cell_labels(torch.from_numpy(points), *SHAPES_SIZE, training.generator)
        for _, points in drawn
    ]
    semi, _ = training.run(pictures, describe=False)
    truth = torch.stack(labels).to(semi.device)
    loss = detector_loss(semi, truth, torch.ones_like(truth, dtype=torch.bool))
    _take_step(optimiser, loss)
    return {"shapes": loss.item()}


def label(training: Training, pictures: list[np.ndarray], count: int) -> list[Labelled]:
    """Homographic adaptation (section 5): the mean of the heat maps of views, as seen from here."""
    training.network.eval()
    labelled = []
    for i, picture in enumerate(pictures):
        total = np.zeros(PHOTOGRAPH_SIZE, np.float32)
        times = np.zeros(PHOTOGRAPH_SIZE, np.float32)
        for first in range(0, count, 8):
            matrices = [
                np.eye(3) if v == 0 else homographies.random_homography(training.rng, *total.shape)
                for v in range(first, min(first + 8, count))
            ]
            views = np.stack([homographies.view(picture, m) for m in matrices])
            with torch.inference_mode():
                semi, _ = training.run(torch.from_numpy(views)[:, None], describe=False)
            for scores, matrix in zip(heat_map(semi).cpu().numpy(), matrices, strict=True):
                back = np.linalg.inv(matrix)
                seen = homographies.visible(*total.shape, back).astype(np.float32)
                total += seen * homographies.view(scores, back)
                times += seen
        mean = torch.from_numpy(total / np.maximum(times, 1))
        found = extract_keypoints(mean, KeypointOptions(threshold=LABEL_THRESHOLD))
        labelled.append(Labelled(picture, found.positions.numpy()))
        training.clock.tell(i, points=len(found.positions))
    training.network.train()
    return labelled


def learn_pairs(
    training: Training, optimiser: torch.optim.Optimizer, labelled: list[Labelled], pairs: int
) -> dict[str, float]:
    """One step of both heads, on parts of photographs and other views of them."""
    pictures, labels, valid, matrices, chosen = [], [], [], [], []
    for _ in range(pairs):
        one = labelled[training.rng.integers(len(labelled))]
        matrix = homographies.random_homography(training.rng, *PHOTOGRAPH_SIZE, zoom=NEAREST)
        for picture, points, seen in (
            (one.picture, one.points, np.ones(PHOTOGRAPH_SIZE, bool)),
            (
                homographies.view(one.picture, matrix),
                homographies.moved(one.points, matrix),
                homographies.visible(*PHOTOGRAPH_SIZE, matrix, margin=4),
            ),
        ):
            pictures.append(photometry.changed(training.rng, picture, strength=0.8))
            places = torch.from_numpy(np.asarray(points, np.float32))
            labels.append(cell_labels(places, *PHOTOGRAPH_SIZE, training.generator))
            whole = seen.reshape(seen.shape[0] // 8, 8, seen.shape[1] // 8, 8).all(axis=(1, 3))
            valid.append(torch.from_numpy(whole))
        matrices.append(matrix)
        chosen.append(one)

    semi, descriptors = training.run(torch.from_numpy(np.stack(pictures))[:, None], describe=True)
    detector = 2 * detector_loss(
        semi, torch.stack(labels).to(semi.device), torch.stack(valid).to(semi.device)
    )
    positive = negative = semi.new_zeros(())
    for i, (one, matrix) in enumerate(zip(chosen, matrices, strict=True)):
        places, moved = _partners(training.rng, one, matrix)
        parts = descriptor_loss(
            descriptors[2 * i],
            descriptors[2 * i + 1],
            torch.from_numpy(places).to(semi.device),
            torch.from_numpy(moved).to(semi.device),
        )
        positive, negative = (
            sum_ + part / pairs for sum_, part in zip((positive, negative), parts, strict=True)
        )
    _take_step(optimiser, detector + DESCRIPTOR_WEIGHT * (positive + negative))
    return {"detector": detector.item(), "positive": positive.item(), "negative": negative.item()}


def _partners(
    rng: np.random.Generator, one: Labelled, matrix: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Interest points and as many other places, of the picture and of its view, inside of both."""
    size = np.array(PHOTOGRAPH_SIZE[::-1])
    points = rng.permutation(one.points)[: PLACES // 2]
    anywhere = rng.uniform(0, size - 1, (2 * PLACES - len(points), 2))
    places = np.concatenate([points, anywhere])
    moved = homographies.moved(places, matrix)
    inside = ((moved >= 0) & (moved <= size - 1)).all(axis=1)
    return tuple(p[inside][:PLACES].astype(np.float32) for p in (places, moved))


def _take_step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def parts_of_photographs(rng: np.random.Generator, each: int) -> list[np.ndarray]:
    """Grey, of several sizes; from all photographs alike."""
    found = photographs.load_all(photographs.TRAINING).values()
    return [
        textures.crop(rng, photograph, *PHOTOGRAPH_SIZE, zoom=3.0) @ textures.GREY
        for photograph in found
        for _ in range(each)
    ]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="weights_tools.train superpoint", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--curves", type=Path, help="a PNG of the losses")
    parser.add_argument("--state", type=Path, required=True, help="a folder to go on from")
    parser.add_argument("--shapes-steps", type=int, default=5000)
    parser.add_argument("--shapes-batch", type=int, default=8)
    parser.add_argument("--parts", type=int, default=12, help="of each photograph")
    parser.add_argument(
        "--views", type=int, default=24, help="of a part, for labels; the paper: 100"
    )
    parser.add_argument("--rounds", type=int, default=2, help="of labels and both heads")
    parser.add_argument("--steps", type=int, default=2500, help="of both heads, a round")
    parser.add_argument("--pairs", type=int, default=2, help="a step")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda; default %(default)s")
    options = parser.parse_args(argv)
    return report_errors("train", lambda: train(options))


def train(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device = progress.device(options.device)
    training = Training(
        SuperPointNetwork().to(device, memory_format=torch.channels_last),
        np.random.default_rng(options.seed),
        torch.Generator().manual_seed(options.seed),
        device,
        record.Curves(),
        record.Clock(options.shapes_steps),
    )
    minutes = _learn(
        training,
        options.state / "shapes.pt",
        options.shapes_steps,
        options.rate,
        functools.partial(learn_shapes, training, batch=options.shapes_batch),
    )
    for turn in range(1, options.rounds + 1):
        labelled, spent = _labels(training, options, options.state / f"labels{turn}.pt")
        minutes += spent
        minutes += _learn(
            training,
            options.state / f"pairs{turn}.pt",
            options.steps,
            options.rate,
            functools.partial(learn_pairs, training, labelled=labelled, pairs=options.pairs),
            before=(turn - 1) * options.steps,
        )
    record.write_weights(
        options.out,
        "superpoint",
        CONFIG,
        training.network.cpu().canonical(),
        f"weights_tools.train superpoint --seed {options.seed}",
        {
            "steps": [options.shapes_steps, *[options.steps] * options.rounds],
            "batch": [options.shapes_batch, 2 * options.pairs],
            "parts": len(labelled),
            "seed": options.seed,
            "minutes": round(minutes),
            "device": f"{device}, {options.threads} threads",
        },
    )
    if options.curves:
        training.curves.plot(options.curves, "SuperPoint")
    return 0


def _labels(
    training: Training, options: argparse.Namespace, kept: Path
) -> tuple[list[Labelled], float]:
    """Parts of photographs with the points that the network as it is finds there; the minutes."""
    state = record.load_state(kept)
    if state is None:
        parts = parts_of_photographs(training.rng, options.parts)
        training.clock = record.Clock(len(parts))
        labelled = label(training, parts, options.views)
        state = {"labelled": labelled, "minutes": training.clock.minutes}
        record.save_state(kept, **state)
    found = [one for one in state["labelled"] if len(one.points)]
    if not found:
        raise ToolError("the detector finds no point in any photograph: --shapes-steps are too few")
    return found, state["minutes"]


def _learn(
    training: Training,
    state: Path,
    steps: int,
    rate: float,
    step: Callable[[torch.optim.Optimizer], dict[str, float]],
    before: int = 0,
) -> float:
    """Runs `step` with Adam, whose rate falls by a cosine; the minutes that it took, in all.

    `before` are the steps of earlier rounds, which the curves go on from.
    """
    network = training.network
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, LAST_RATE * rate)
    parts = {"network": network, "optimiser": optimiser, "schedule": schedule}
    done, minutes = 0, 0.0
    saved = record.load_state(state)
    if saved is not None:
        done, minutes = saved["done"], saved["minutes"]
        training.curves = saved["curves"]
        training.rng.bit_generator.state = saved["rng"]
        training.generator.set_state(saved["generator"])
        for name, part in parts.items():
            part.load_state_dict(saved[name])
    training.clock = clock = record.Clock(steps)
    network.train()
    while done < steps:
        losses = step(optimiser)
        schedule.step()
        done += 1
        training.curves.add(before + done, **losses)
        clock.tell(done, **{name: training.curves.recent(name) for name in losses})
        if done % 250 == 0 or done == steps:
            record.save_state(
                state,
                done=done,
                minutes=minutes + clock.minutes,
                curves=training.curves,
                rng=training.rng.bit_generator.state,
                generator=training.generator.get_state(),
                **{name: part.state_dict() for name, part in parts.items()},
            )
    return minutes + clock.minutes if saved is None or saved["done"] < steps else minutes
