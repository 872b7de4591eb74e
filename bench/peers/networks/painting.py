"""Pictures to race on: drawn, so that every machine has the same."""

from pathlib import Path

import numpy as np

from bench.peers.networks.network import Size

_SEED = 1


def paint_rectangles(size: Size, channels: int = 1) -> np.ndarray:
    """Rectangles over each other, as many as give a photograph's corners.

    Bytes (height, width, channels), in gray or in colour; without the channels for one.
    """
    random = np.random.default_rng(_SEED)
    pixels = np.full((size.height, size.width, channels), 128, dtype=np.uint8)
    for _ in range(size.height * size.width // 1000):
        top, left = random.integers(size.height), random.integers(size.width)
        height, width = random.integers(8, 80, size=2)
        pixels[top : top + height, left : left + width] = random.integers(256, size=channels)
    return pixels[..., 0] if channels == 1 else pixels


def write_picture(path: Path, pixels: np.ndarray) -> str:
    """As PGM or PPM, in gray (height, width) or in colour; returns the path as text."""
    height, width = pixels.shape[:2]
    magic = b"P5" if pixels.ndim == 2 else b"P6"
    path.write_bytes(b"%s\n%d %d\n255\n" % (magic, width, height) + pixels.tobytes())
    return str(path)
