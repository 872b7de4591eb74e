"""Checks that all programs compute the same, then times them in turns."""

import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from bench.peers.networks.network import Network
from bench.peers.programs import Program, Turn
from weights_tools.audit.distance import distance
from weights_tools.errors import ToolError

# SuperPoint in float32, Winograd or not, is 1e-6 away, in float16 8e-4 and in bfloat16 7e-3: a
# program past this computes another network, or in another precision.
RELATIVE_L2_LIMIT = 1e-4


@dataclass(frozen=True)
class Entry:
    """One program's turns with one number of threads."""

    title: str
    threads: int
    turns: list[Turn] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(turn.seconds for turn in self.turns)

    @property
    def peak_bytes(self) -> int:
        return max(turn.peak_bytes for turn in self.turns)


def measure_errors(
    programs: Sequence[Program], network: Network, folder: Path, threads: int
) -> dict[str, dict[str, float]]:
    """Each program's relative L2 distance to PyTorch's float64, output by output."""
    truth = network.truth()
    errors: dict[str, dict[str, float]] = {}
    for program in programs:
        outputs = program.outputs(network, folder, threads)
        errors[program.title] = {
            name: _relative_l2(f"{program.title}: {name}", outputs[name], expected)
            for name, expected in truth.items()
        }
    return errors


def disagreements(errors: dict[str, dict[str, float]]) -> list[str]:
    """A line for each output that is too far from the truth; NaN is."""
    return [
        f"{title}: {name}: relative L2 distance {error:.1e} to PyTorch's float64, "
        f"expected at most {RELATIVE_L2_LIMIT:.0e}"
        for title, outputs in errors.items()
        for name, error in outputs.items()
        if not error <= RELATIVE_L2_LIMIT
    ]


def run_race(
    programs: Sequence[Program],
    network: Network,
    folder: Path,
    threads: Sequence[int],
    rounds: int,
    repeat: int,
) -> list[Entry]:
    """Every program has a turn in every round, so that what slows the machine down for a while
    slows all of them."""
    entries: list[Entry] = []
    for count in threads:
        field_of_count = [Entry(program.title, count) for program in programs]
        for number in range(1, rounds + 1):
            for program, entry in zip(programs, field_of_count, strict=True):
                turn = program.turn(network, folder, count, repeat)
                entry.turns.append(turn)
                _say(f"{_threads(count)}, round {number}/{rounds}: {program.title} ", turn)
        entries += field_of_count
    return entries


def _relative_l2(what: str, actual: Tensor, expected: Tensor) -> float:
    if actual.numel() != expected.numel():
        raise ToolError(
            f"{what}: expected the shape {tuple(expected.shape)}, but it is {tuple(actual.shape)}"
        )
    error = distance(actual.reshape(expected.shape), expected).relative_l2
    return error if math.isfinite(error) else math.nan


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _say(what: str, turn: Turn) -> None:
    print(f"{what:<40}{1e3 * turn.seconds:10.2f} ms", file=sys.stderr, flush=True)
