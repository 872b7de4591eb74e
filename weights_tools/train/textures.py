"""Pictures made by rule, beside the photographs: noise of many sizes, and shapes upon it."""

import cv2
import numpy as np

GREY = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue: BT.601, as hewn has it


def noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Colours of a random smoothness, (height, width, 3) of 0 to 1: octaves of blurred noise."""
    picture = np.zeros((height, width, 3), np.float32)
    fall = rng.uniform(0.4, 0.9)  # of the amplitude, from one octave to the next finer one
    cells = 2
    amplitude = 1.0
    while cells < max(height, width):
        size = (max(2, cells * height // width), cells)
        grey = rng.standard_normal((*size, 1), np.float32)
        coarse = grey + 0.5 * rng.standard_normal((*size, 3), np.float32)
        picture += amplitude * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        amplitude *= fall
        cells *= 2
    low, high = np.percentile(picture, [2, 98]).astype(np.float32)
    return np.clip((picture - low) / (high - low), 0, 1)


def shapes(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """The same with polygons, ellipses and lines of one colour each, or of another noise."""
    picture = noise(rng, height, width)
    for _ in range(rng.integers(3, 25)):
        mask = np.zeros((height, width), np.uint8)
        centre = rng.uniform(0, [width, height])
        radius = rng.uniform(0.03, 0.3) * max(height, width)
        kind = rng.integers(3)
        if kind == 0:
            corners = centre + rng.uniform(-radius, radius, (rng.integers(3, 7), 2))
            cv2.fillPoly(mask, [corners.astype(np.int32)], 255, cv2.LINE_AA)
        elif kind == 1:
            axes = rng.uniform(0.2, 1, 2) * radius
            turn = rng.uniform(0, 180)
            cv2.ellipse(mask, (tuple(centre), tuple(2 * axes), turn), 255, -1, cv2.LINE_AA)
        else:
            ends = (centre + rng.uniform(-2 * radius, 2 * radius, (2, 2))).astype(np.int32)
            thickness = int(rng.integers(1, 9))
            cv2.line(mask, ends[0].tolist(), ends[1].tolist(), 255, thickness, cv2.LINE_AA)
        opacity = mask[..., None].astype(np.float32) / 255
        plain = rng.random() < 0.6
        paint = rng.random(3, np.float32) if plain else noise(rng, height, width)
        picture += opacity * (paint - picture)
    return picture


def crop(
    rng: np.random.Generator, photograph: np.ndarray, height: int, width: int, zoom: float = 2.0
) -> np.ndarray:
    """A random part of a photograph of bytes, as values 0 to 1, at up to `zoom` times less detail.

    It may be mirrored, and one that is too small is enlarged.
    """
    rows, columns = photograph.shape[:2]
    fit = min(rows / height, columns / width)
    scale = min(fit, np.exp(rng.uniform(0, np.log(zoom)))) if fit > 1 else fit
    h, w = min(rows, round(height * scale)), min(columns, round(width * scale))
    top, left = rng.integers(rows - h + 1), rng.integers(columns - w + 1)
    part = photograph[top : top + h, left : left + w]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    way = cv2.INTER_AREA if scale >= 1 else cv2.INTER_LINEAR
    return cv2.resize(part, (width, height), interpolation=way).astype(np.float32) / 255
