"""Trains the small RAFT on the pairs of motion.py: python -m weights_tools.train raft [options].

The loss is the paper's: the L1 distance of the flow after each iteration to the true flow, in
pixels, each iteration weighted GAMMA times less than the next one. As there, no gradient passes
from one iteration to the next through the flow, only through the hidden state.

Two parts: the first at a constant learning rate; then, for the last LATE of the steps, with more
iterations, and larger crops if asked for, while the rate falls linearly to nothing. As long as the
first part lasts, --steps may still be changed from one call to the next. A training that was cut
off goes on from its --state, and is then the same as one that was not.
"""

import argparse
import platform
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from weights_tools.errors import report_errors
from weights_tools.nets.raft import SMALL, Raft, bilinear_upsampling, normalised, pixel_grid
from weights_tools.nets.raft_correlation import LEVELS, correlation_pyramid
from weights_tools.train import motion, photographs, progress, record

GAMMA = 0.8
LATE = 0.4
WARM_UP = 200  # steps
SHORTEST, LONGEST = 1.0, 40.0  # pixels; see motion.make_pair
TEXTURES = 16  # beside the photographs
CLIP = 1.0  # of the gradient's norm
WEIGHT_DECAY = 1e-5
SAVE_EVERY = 100
HELD_OUT_EVERY = 500
HELD_OUT_PAIRS, HELD_OUT_SIZE, HELD_OUT_ITERATIONS = 8, (192, 256), 12

Size = tuple[int, int]  # rows, columns


@dataclass(frozen=True)
class Part:
    size: Size
    iterations: int


@dataclass(frozen=True)
class Plan:
    steps: int
    batch: int
    rate: float
    seed: int
    early: Part
    late: Part

    @property
    def turn(self) -> int:
        """The first step of the late part."""
        return round((1 - LATE) * self.steps)

    def part(self, step: int) -> Part:
        return self.early if step < self.turn else self.late

    def rate_at(self, step: int) -> float:
        warm = min(1, (step + 1) / WARM_UP)
        fallen = min(1, (self.steps - step) / (self.steps - self.turn))
        return self.rate * warm * fallen


class Pairs(Dataset):
    """Pair i of a training is drawn from (seed, i) alone, so that any process can make it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        loaded = list(photographs.load_all(photographs.TRAINING).values())
        self.pictures = motion.bank(loaded, np.random.default_rng(plan.seed), TEXTURES)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        size = self.plan.part(index // self.plan.batch).size
        return drawn(np.random.default_rng([self.plan.seed, index]), self.pictures, size)


def drawn(
    rng: np.random.Generator, pictures: list[np.ndarray], size: Size
) -> tuple[Tensor, Tensor, Tensor]:
    """Two pictures (3, H, W) of 0 to 255 and the flow (2, H, W); short motions as often as long."""
    longest = float(np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST))))
    pair = motion.make_pair(rng, pictures, *size, longest)
    first, second = (
        torch.from_numpy(255 * picture).permute(2, 0, 1).contiguous()
        for picture in (pair.first, pair.second)
    )
    return first, second, torch.from_numpy(pair.flow)


def begun(seed: int) -> Raft:
    """The network before its training; the encoders' rectifiers keep the size of what passes."""
    torch.manual_seed(seed)
    network = Raft(SMALL)
    for encoder in (network.fnet, network.cnet):
        for layer in encoder.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)
    return network


def lookup(pyramid: list[Tensor], coordinates: Tensor, radius: int) -> Tensor:
    """What nets/raft_correlation.py's `lookup` gives, by grid_sample, whose gradient is faster."""
    n, _, h, w = coordinates.shape
    around = torch.arange(-radius, radius + 1, dtype=torch.float32, device=coordinates.device)
    offsets = torch.stack(torch.meshgrid(around, around, indexing="ij"), dim=-1)
    places = coordinates.permute(0, 2, 3, 1).reshape(n * h * w, 1, 1, 2)
    samples = []
    for level, maps in enumerate(pyramid):
        rows, columns = maps.shape[-2:]
        size = torch.tensor([columns, rows], dtype=torch.float32, device=maps.device)
        grid = (2 * (places / 2**level + offsets) + 1) / size - 1
        maps = maps.reshape(n * h * w, 1, rows, columns)
        samples.append(F.grid_sample(maps, grid, align_corners=False).reshape(n, h, w, -1))
    return torch.cat(samples, dim=-1).permute(0, 3, 1, 2)


def unrolled(network: Raft, first: Tensor, second: Tensor, iterations: int) -> list[Tensor]:
    """The network's flow after each iteration, for training: `Raft.forward` but for precision.

    Convolutions run in bfloat16; the correlations, the places looked up and the flow in float32.
    """
    variant = network.variant
    precision = torch.autocast(first.device.type, torch.bfloat16)
    images = [normalised(x).contiguous(memory_format=torch.channels_last) for x in (first, second)]
    with precision:
        features = [network.fnet(image).float() for image in images]
        hidden, context = network.cnet(images[0]).split([variant.hidden, variant.context], dim=1)
        hidden, context = torch.tanh(hidden), F.relu(context)
    pyramid = correlation_pyramid(*features)
    origin = pixel_grid(pyramid[0]).to(first.device)
    flow = torch.zeros_like(origin)
    flows = []
    for _ in range(iterations):
        flow = flow.detach()
        seen = lookup(pyramid, origin + flow, variant.radius)
        with precision:
            hidden, step = network.update_block(hidden, context, seen, flow)
        flow = flow + step
        flows.append(bilinear_upsampling(flow))
    return flows


def sequence_loss(flows: list[Tensor], truth: Tensor) -> Tensor:
    last = len(flows) - 1
    return sum(GAMMA ** (last - i) * (flow - truth).abs().mean() for i, flow in enumerate(flows))


def end_point_error(flow: Tensor, truth: Tensor) -> float:
    return (flow - truth).norm(dim=1).mean().item()


class Training:
    """The network on its way, with all that `--state` keeps."""

    def __init__(self, plan: Plan, device: torch.device, state: Path) -> None:
        self.plan, self.device, self.state = plan, device, state
        self.network = begun(plan.seed).to(device, memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=plan.rate, weight_decay=WEIGHT_DECAY
        )
        self.step, self.minutes, self.curves = 0, 0.0, record.Curves()
        self._load()

    def run(self, until: int, apart: bool = True) -> None:
        """Trains up to step `until`; another process makes the pairs, unless `apart` is false."""
        clock, before = record.Clock(self.plan.steps), self.minutes
        batches = DataLoader(
            Pairs(self.plan),
            batch_size=self.plan.batch,
            sampler=range(self.step * self.plan.batch, until * self.plan.batch),
            num_workers=1 if apart else 0,
            # A forked process would hang on locks that its parent's threads hold.
            multiprocessing_context="spawn" if apart else None,
            worker_init_fn=_on_one_thread,
            prefetch_factor=4 if apart else None,
        )
        held_out = _held_out_pairs()
        for first, second, truth in batches:
            self._train(*(x.to(self.device) for x in (first, second, truth)))
            if self.step % HELD_OUT_EVERY == 0 or self.step == until:
                self.curves.add(self.step, **{"held-out error": self._held_out_error(held_out)})
            self.minutes = before + clock.minutes
            if self.step % SAVE_EVERY == 0 or self.step == until:
                self._save()
            clock.tell(
                self.step,
                loss=self.curves.recent("loss"),
                error=self.curves.recent("error"),
                rate=self.plan.rate_at(self.step - 1),
            )

    def _train(self, first: Tensor, second: Tensor, truth: Tensor) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate_at(self.step)
        flows = unrolled(self.network, first, second, self.plan.part(self.step).iterations)
        loss = sequence_loss(flows, truth)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimiser.step()
        self.step += 1
        error = end_point_error(flows[-1].detach(), truth)
        self.curves.add(self.step, loss=loss.item(), error=error)

    @torch.no_grad()
    def _held_out_error(self, pairs: list[tuple[Tensor, Tensor, Tensor]]) -> float:
        errors = []
        for pair in pairs:
            first, second, truth = (x[None].to(self.device) for x in pair)
            flow = unrolled(self.network, first, second, HELD_OUT_ITERATIONS)[-1]
            errors.append(end_point_error(flow, truth))
        return float(np.mean(errors))

    def _save(self) -> None:
        record.save_state(
            self.state,
            step=self.step,
            minutes=self.minutes,
            network=self.network.state_dict(),
            optimiser=self.optimiser.state_dict(),
            curves=self.curves,
        )

    def _load(self) -> None:
        state = record.load_state(self.state)
        if state is None:
            return
        self.step, self.minutes, self.curves = state["step"], state["minutes"], state["curves"]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        print(f"goes on at step {self.step}", flush=True)


def write(path: Path, training: Training, source: str) -> None:
    plan = training.plan
    config = {
        "variant": SMALL.name,
        "correlation_levels": LEVELS,
        "correlation_radius": SMALL.radius,
    }
    story = {
        "seed": plan.seed,
        "steps": training.step,
        "batch": plan.batch,
        "rate": plan.rate,
        "crops": [plan.early.size, plan.late.size],
        "iterations": [plan.early.iterations, plan.late.iterations],
        "photographs": sorted(photographs.load_all(photographs.TRAINING)),
        "minutes": round(training.minutes),
        "machine": f"{platform.machine()}, {training.device}, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
    }
    tensors = {name: t.cpu().contiguous() for name, t in training.network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    record.write_weights(path, "raft", config, tensors, source, story)


def _held_out_pairs() -> list[tuple[Tensor, Tensor, Tensor]]:
    pictures = list(photographs.load_all(photographs.HELD_OUT).values())
    rngs = [np.random.default_rng([0, i]) for i in range(HELD_OUT_PAIRS)]
    return [drawn(rng, pictures, HELD_OUT_SIZE) for rng in rngs]


def _on_one_thread(worker: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _size(text: str) -> Size:
    rows, _, columns = text.partition("x")
    return int(rows), int(columns)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m weights_tools.train raft", description=__doc__)
    add = parser.add_argument
    add("--steps", type=int, default=7000)
    add("--batch", type=int, default=4)
    add("--rate", type=float, default=5e-4, help="the highest learning rate")
    add("--iterations", type=int, default=6)
    add("--size", type=_size, default=(128, 192), help="of the crops: rows x columns, as 128x192")
    add("--late-iterations", type=int, default=8)
    add("--late-size", type=_size, default=(128, 192))
    add("--seed", type=int, default=1)
    add("--until", type=int, help="end after this step, to go on another time")
    add("--threads", type=int, default=1)
    add("--device", default="auto", help="cpu, cuda, or auto: a GPU if there is one")
    add("--state", type=Path, default=Path("out/train/raft/state.pt"))
    add("--out", type=Path, default=Path("models/raft/raft_small.safetensors"))
    add("--curves", type=Path, default=Path("docs/weights/raft_small.png"))
    return parser.parse_args(argv)


def train(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    early = Part(options.size, options.iterations)
    late = Part(options.late_size, options.late_iterations)
    plan = Plan(options.steps, options.batch, options.rate, options.seed, early, late)
    training = Training(plan, progress.device(options.device), options.state)
    training.run(min(options.until or plan.steps, plan.steps))
    if training.step < plan.steps:
        return 0
    command = f"python -m weights_tools.train raft --steps {plan.steps} --seed {plan.seed}"
    write(options.out, training, command)
    training.curves.plot(options.curves, "RAFT small")
    return 0


def main(argv: list[str] | None = None) -> int:
    options = _options(argv)
    return report_errors("train", lambda: train(options))
