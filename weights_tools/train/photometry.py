"""Other light on a picture: what may change between two photographs of the same thing."""

import cv2
import numpy as np


def changed(rng: np.random.Generator, picture: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """A grey picture (H, W) of values 0 to 1, in other light, blurred by motion, and with noise."""
    height, width = picture.shape
    contrast = np.exp(strength * rng.uniform(-0.6, 0.4))
    brightness = strength * rng.uniform(-0.2, 0.2)
    level = picture.mean()
    y = (picture - level) * contrast + level + brightness
    if rng.random() < 0.5:
        y = y * _shade(rng, height, width, strength)
    if rng.random() < 0.3:
        y = _moved(rng, y)
    sigma = strength * rng.uniform(0, 0.05)
    y = y + sigma * rng.standard_normal((height, width), np.float32)
    return np.clip(y, 0, 1).astype(np.float32)


def _shade(rng: np.random.Generator, height: int, width: int, strength: float) -> np.ndarray:
    """Soft blobs that are darker or brighter, as factors."""
    mask = np.zeros((height, width), np.float32)
    for _ in range(rng.integers(1, 8)):
        centre = tuple(rng.uniform(0, [width, height]))
        axes = tuple(rng.uniform(0.1, 0.8, 2) * min(height, width))
        cv2.ellipse(mask, (centre, axes, rng.uniform(0, 180)), 1, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.03, 0.1) * min(height, width))
    return 1 + strength * rng.uniform(-0.5, 0.5) * soft


def _moved(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """The mean along a short straight way."""
    size = int(rng.choice([3, 5]))
    kernel = np.zeros((size, size), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = size / 2 * np.array([np.cos(angle), np.sin(angle)])
    middle = (size - 1) / 2
    a, b = (tuple(np.round(middle + sign * reach).astype(int).tolist()) for sign in (-1, 1))
    cv2.line(kernel, a, b, 1)
    return cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
