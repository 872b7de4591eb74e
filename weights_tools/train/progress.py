"""What trainings of one network by one optimiser share: options, states to go on from, curves."""

import argparse
import math
import os
import platform
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from weights_tools.train import record


def options(network: str, description: str | None, defaults: Mapping[str, Any]) -> Any:
    """A parser with the options of every training; `defaults` has some of each its own."""
    parser = argparse.ArgumentParser(
        prog=f"weights_tools.train {network}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--steps", type=int, metavar="N", help="default %(default)s")
    parser.add_argument("--batch", type=int, metavar="N", help="pictures; default %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda; default %(default)s")
    parser.add_argument("--state", type=Path, metavar="F", help="goes on from it if it is there")
    parser.add_argument("--save-every", type=int, default=100, metavar="N", help="steps")
    parser.add_argument("--out", type=Path, metavar="F", help="default %(default)s")
    parser.add_argument("--curve", type=Path, metavar="F", help="draw the curves here")
    parser.set_defaults(**defaults)
    return parser


def device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def machine() -> str:
    """What it ran on, in words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    bf16 = "AMX" if torch.cpu._is_amx_tile_supported() else "no AMX"
    return f"{os.cpu_count()} cores of {platform.machine()}, {bf16}"


def warmed_cosine(step: int, steps: int, warm_up: int, highest: float) -> float:
    """A learning rate: linear to its height, then half a cosine down to a hundredth of it."""
    if step < warm_up:
        return highest * (step + 1) / warm_up
    part = (step - warm_up) / max(1, steps - warm_up)
    return highest * (0.01 + 0.99 * (1 + math.cos(math.pi * part)) / 2)


@dataclass
class Progress:
    """The tensors and the optimiser of a training, and how far it is."""

    arguments: argparse.Namespace
    tensors: Mapping[str, Tensor]
    optimiser: torch.optim.Optimizer
    curves: record.Curves = field(default_factory=record.Curves)
    done: int = 0
    minutes_before: float = 0  # of the runs that this one goes on from

    def __post_init__(self) -> None:
        self._clock = record.Clock(self.arguments.steps)
        state = record.load_state(self.arguments.state) if self.arguments.state else None
        if state is None:
            return
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                tensor.copy_(state["tensors"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.curves = state["curves"]
        self.done, self.minutes_before = state["done"], state["minutes"]

    @property
    def minutes(self) -> float:
        return self.minutes_before + self._clock.minutes

    def steps(self) -> Iterator[int]:
        """Those left; the state is saved every so often and at the end."""
        for step in range(self.done, self.arguments.steps):
            yield step
            self.done = step + 1
            if self.done % self.arguments.save_every == 0 or self.done == self.arguments.steps:
                self._save()

    def descend(self, loss: Tensor, rate: float, gradient_limit: float) -> None:
        """One step of the optimiser at this learning rate."""
        self.optimiser.zero_grad()
        loss.backward()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
            torch.nn.utils.clip_grad_norm_(group["params"], gradient_limit)
        self.optimiser.step()

    def tell(self, step: int, **values: float) -> None:
        self.curves.add(step, **values)
        self._clock.tell(step + 1, **{name: self.curves.recent(name) for name in values})

    def story(self, **more: Any) -> dict[str, Any]:
        """For the metadata of the weights."""
        return {
            "seed": self.arguments.seed,
            "steps": self.arguments.steps,
            "batch": self.arguments.batch,
            **more,
            "minutes": round(self.minutes, 1),
            "machine": machine(),
        }

    def source(self, network: str, *names: str) -> str:
        """The command that repeats it."""
        given = vars(self.arguments)
        words = ["python", "-m", "weights_tools.train", network]
        for name in ("steps", "batch", "seed", *names):
            words += [f"--{name}", str(given[name])]
        return shlex.join(words)

    def draw(self, title: str) -> None:
        if self.arguments.curve is not None:
            self.curves.plot(self.arguments.curve, title)

    def _save(self) -> None:
        if self.arguments.state is None:
            return
        record.save_state(
            self.arguments.state,
            tensors={name: tensor.detach().cpu() for name, tensor in self.tensors.items()},
            optimiser=self.optimiser.state_dict(),
            curves=self.curves,
            done=self.done,
            minutes=self.minutes,
        )
