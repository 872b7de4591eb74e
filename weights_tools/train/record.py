"""What a training leaves behind: weights with their story, curves, a state to go on from."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from weights_tools import safetensors_file

LICENCE = "Apache-2.0"  # that of the repository


@dataclass
class Curves:
    """Values by the step, some of them seldom."""

    values: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def add(self, step: int, **values: float) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append((step, float(value)))

    def recent(self, name: str, count: int = 100) -> float:
        last = [value for _, value in self.values[name][-count:]]
        return sum(last) / len(last)

    def plot(self, path: Path, title: str) -> None:
        """One panel a curve, with its running mean where it has many values."""
        import matplotlib

        matplotlib.use("Agg")
        import numpy as np
        from matplotlib import pyplot

        figure, panels = pyplot.subplots(
            1, len(self.values), figsize=(4 * len(self.values), 3), squeeze=False
        )
        for panel, (name, points) in zip(panels[0], self.values.items(), strict=True):
            steps, values = np.array(points).T
            window = max(1, len(values) // 50)
            panel.plot(steps, values, color="#bbccdd", linewidth=0.7)
            mean = np.convolve(values, np.ones(window) / window, mode="valid")
            panel.plot(steps[window - 1 :], mean, color="#224466")
            panel.set_xlabel("step")
            panel.set_title(name)
        figure.suptitle(title)
        figure.tight_layout()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=80)
        pyplot.close(figure)


def write_weights(
    path: Path,
    model: str,
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    source: str,
    training: Mapping[str, Any],
) -> None:
    """A canonical file for hewn in float16 (integers as they are), with its licence and training.

    `source` is the command that made it, and `training` whatever a reader would ask: seed, steps,
    batch, pictures, minutes, the machine.
    """
    metadata = {
        "hewn.model": model,
        "hewn.format": "1",
        "hewn.config": json.dumps(config),
        "hewn.source": source,
        "licence": LICENCE,
        "training": json.dumps(training),
    }
    stored = {
        name: tensor.detach().half() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    safetensors_file.write(path, stored, metadata)


def note_evaluation(path: Path, evaluation: Mapping[str, Any]) -> None:
    """Writes figures into the metadata of a file that is there."""
    contents = safetensors_file.read(path)
    metadata = contents.metadata | {"evaluation": json.dumps(evaluation)}
    safetensors_file.write(path, contents.tensors, metadata)


def save_state(path: Path, **state: Any) -> None:
    """What `load_state` gives back, so that a training that was cut off goes on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def load_state(path: Path) -> dict[str, Any] | None:
    return torch.load(path, weights_only=False) if path.is_file() else None


@dataclass
class Clock:
    """Says how far a training is, a line every half minute."""

    steps: int
    _begun: float = field(default_factory=time.monotonic)
    _said: float = 0.0

    def tell(self, step: int, **values: float) -> None:
        now = time.monotonic()
        if now - self._said < 30 and step < self.steps:
            return
        self._said = now
        figures = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        print(f"{step}/{self.steps}  {(now - self._begun) / 60:.1f} min  {figures}", flush=True)

    @property
    def minutes(self) -> float:
        return (time.monotonic() - self._begun) / 60
