"""What a peer's Session can do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np


class Session(Protocol):
    """A loaded model, in float32, on one input that stays the same."""

    # What the reader of a table should know about how it runs; may be empty.
    note: str

    def __init__(self, folder: Path, inputs: Mapping[str, np.ndarray], threads: int) -> None:
        """Loads the model that was exported into the folder."""

    def run(self) -> None:
        """Runs once. This is what is timed: it neither copies inputs in nor outputs out."""

    def outputs(self) -> list[np.ndarray]:
        """What the last run computed, in the order of the network's outputs."""
