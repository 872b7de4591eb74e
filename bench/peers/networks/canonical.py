"""Canonical weights in a module, so that exporters can read them."""

from collections.abc import Mapping

import torch
from torch import Tensor


class CanonicalModule(torch.nn.Module):
    """Holds the tensors of a converted file as its buffers."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        # A buffer's name must not contain a dot.
        self._buffer_names = {name: name.replace(".", "_") for name in weights}
        for name, tensor in weights.items():
            self.register_buffer(self._buffer_names[name], tensor.float())

    def weights(self) -> dict[str, Tensor]:
        """By their canonical names, in the module's precision."""
        return {name: getattr(self, buffer) for name, buffer in self._buffer_names.items()}
