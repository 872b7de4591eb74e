"""What the race needs to know of a network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True)
class Size:
    """Pixels of an input picture."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"


@dataclass(frozen=True)
class Setup:
    """What the command line says of a network."""

    weights: Path | None  # None for random ones
    size: Size | None  # None for a network that has one alone
    folder: Path  # to work in
    iterations: int | None  # None for a network without
    batch: int | None = None  # pictures at once; None for a network that takes one
    labels: int | None = None  # texts at once; None for a network without


@dataclass(frozen=True)
class Network:
    """A network in PyTorch, what goes in and comes out, and hewn's commands that run the same.

    `hewn_dump` runs hewn on `inputs`, and must be followed by the file to write the outputs to;
    `hewn_bench` times it on an input of the same size, and reports the time of a `stage`.
    """

    name: str
    module: torch.nn.Module  # float32, in evaluation mode; maps `inputs` to a tuple
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]  # names of the tuple's members, as in hewn's dump
    hewn_dump: list[str]
    hewn_bench: list[str]
    stage: str = "network"

    def truth(self) -> dict[str, Tensor]:
        """The outputs that PyTorch computes in float64."""
        with torch.inference_mode():
            self.module.double()
            values = self.module(
                *(t.double() if t.is_floating_point() else t for t in self.inputs.values())
            )
            self.module.float()  # exact: every weight was a float32
        return dict(zip(self.outputs, values, strict=True))


@dataclass(frozen=True)
class Entrant:
    """A network that can race, before its weights are read, and the defaults of its options."""

    prepare: Callable[[Setup], Network]
    size: Size | None
    repeat: int
    iterations: int | None = None
    batch: int | None = None
    labels: int | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)  # packages, and why
