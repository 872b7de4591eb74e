"""PyTorch, eager, in whichever memory layout is faster here."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from bench.peers import files
from bench.peers.timing import brief_trial

_LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class Session:
    def __init__(self, folder: Path, inputs: Mapping[str, np.ndarray], threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        self._inputs = [torch.from_numpy(array) for array in inputs.values()]
        self._outputs: tuple[torch.Tensor, ...] = ()
        # The file is a pickle, which may run code; this one the race has just written itself.
        self._module = torch.load(folder / files.TORCH, weights_only=False)
        trials = {name: self._try(layout) for name, layout in _LAYOUTS.items()}
        self.note = min(trials, key=trials.__getitem__)
        self._use(_LAYOUTS[self.note])

    def run(self) -> None:
        with torch.inference_mode():
            self._outputs = self._module(*self._inputs)

    def outputs(self) -> list[np.ndarray]:
        return [tensor.contiguous().numpy() for tensor in self._outputs]

    def _use(self, layout: torch.memory_format) -> None:
        self._module.to(memory_format=layout)
        self._inputs = [
            tensor.contiguous(memory_format=layout) if tensor.dim() == 4 else tensor
            for tensor in self._inputs
        ]

    def _try(self, layout: torch.memory_format) -> float:
        """The shortest of a few runs, after one to warm up."""
        self._use(layout)
        self.run()
        return min(brief_trial(self.run))
