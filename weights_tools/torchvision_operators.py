"""Lets open_clip be imported beside a PyTorch without CUDA.

open_clip imports torchvision, whose compiled operators load only beside the PyTorch that they were
built for, and which without them fails where it describes two of them. open_clip uses none.
"""

import contextlib
import importlib.util

import torch

_SUPPRESSION = "(Tensor boxes, Tensor scores, float threshold) -> Tensor"


def declare_missing() -> None:
    """Declares, without implementations, what torchvision describes, where it could not load it."""
    if importlib.util.find_spec("torchvision") is None:
        return
    try:
        import torchvision  # noqa: F401
    except RuntimeError:  # operator torchvision::nms does not exist
        for name in ("nms", "qnms"):
            with contextlib.suppress(RuntimeError):  # declared before
                torch.library.define(f"torchvision::{name}", _SUPPRESSION)
