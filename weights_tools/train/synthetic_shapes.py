"""Synthetic shapes: pictures whose interest points are known (DeTone et al., 2018, section 4.1).

Grey pictures (H, W) of values 0 to 1 with the places (K, 2), x then y, of corners, line ends and
centres of ellipses. Each is blurred, lit unevenly and made noisy, and one kind has noise alone.
"""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np

from weights_tools.train import photometry

Canvas = tuple[np.ndarray, np.ndarray]  # a picture of bytes, and its points

_LEAST_CONTRAST = 30  # grey levels between a shape and what is under it
_SUBPIXELS = 4  # cv2 takes places as integers of a sixteenth of a pixel


def draw(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of a random kind and its points."""
    kind = _KINDS[rng.choice(len(_KINDS), p=_SHARES)]
    picture, points = kind(rng, _background(rng, height, width))
    inside = ((points >= 0) & (points <= [width - 1, height - 1])).all(axis=1)
    sigma = rng.uniform(0.3, 1.5)
    blurred = cv2.GaussianBlur(picture.astype(np.float32) / 255, (0, 0), sigma)
    return photometry.changed(rng, blurred), points[inside]


def _background(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """One level, or large blobs of similar ones."""
    level = rng.uniform(0, 255)
    coarse = level + rng.uniform(0, 40) * rng.standard_normal((rng.integers(2, 6), 6))
    smooth = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255).astype(np.uint8)


def _level(rng: np.random.Generator, under: float) -> int:
    """A grey level that differs from the one under it."""
    while abs((level := int(rng.integers(256))) - under) < _LEAST_CONTRAST:
        pass
    return level


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.round(np.asarray(points) * (1 << _SUBPIXELS)).astype(np.int32)


def _fill(picture: np.ndarray, corners: np.ndarray, level: int) -> None:
    cv2.fillPoly(picture, [_fixed(corners)], level, cv2.LINE_AA, _SUBPIXELS)


def _line(picture: np.ndarray, ends: np.ndarray, level: int, thickness: int) -> None:
    a, b = _fixed(ends).tolist()
    cv2.line(picture, a, b, level, thickness, cv2.LINE_AA, _SUBPIXELS)


def _together(points: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros((0, 2)), *points])


def _somewhere(rng: np.random.Generator, picture: np.ndarray, count: int) -> np.ndarray:
    height, width = picture.shape
    return rng.uniform(0, [width, height], (count, 2))


def _convex(rng: np.random.Generator, centre: np.ndarray, radius: float) -> np.ndarray:
    """3 to 6 corners around a centre whose angles are far from straight and from each other."""
    count = rng.integers(3, 7)
    angles = 2 * np.pi * (np.arange(count) + rng.uniform(-0.3, 0.3, count)) / count
    turn = rng.uniform(0, 2 * np.pi)
    reach = radius * rng.uniform(0.7, 1.0, (count, 1))
    return centre + reach * np.stack([np.cos(angles + turn), np.sin(angles + turn)], axis=1)


def _lines(rng: np.random.Generator, picture: np.ndarray) -> Canvas:
    """Lines that do not cross: a crossing would be a point that nobody lists."""
    drawn: list[np.ndarray] = []
    for _ in range(rng.integers(2, 12)):
        ends = _somewhere(rng, picture, 2)
        if np.linalg.norm(ends[0] - ends[1]) < 15 or any(_near(ends, other) for other in drawn):
            continue
        _line(picture, ends, _level(rng, picture.mean()), int(rng.integers(1, 5)))
        drawn.append(ends)
    return picture, _together(drawn)


def _near(a: np.ndarray, b: np.ndarray) -> bool:
    along = np.linspace(0, 1, 20)[:, None]
    first, second = (ends[0] + along * (ends[1] - ends[0]) for ends in (a, b))
    return bool(np.linalg.norm(first[:, None] - second, axis=-1).min() < 8)


def _polygons(rng: np.random.Generator, picture: np.ndarray) -> Canvas:
    """One large convex polygon, or several small ones that keep apart."""
    several = rng.random() < 0.6
    points: list[np.ndarray] = []
    taken: list[tuple[np.ndarray, float]] = []
    for _ in range(rng.integers(4, 20) if several else 1):
        size = min(picture.shape)
        radius = size * (rng.uniform(0.08, 0.25) if several else rng.uniform(0.2, 0.6))
        centre = _somewhere(rng, picture, 1)[0]
        if any(np.linalg.norm(centre - other) < radius + far + 3 for other, far in taken):
            continue
        corners = _convex(rng, centre, radius)
        _fill(picture, corners, _level(rng, picture.mean()))
        points.append(corners)
        taken.append((centre, radius))
    return picture, _together(points)


def _ellipses(rng: np.random.Generator, picture: np.ndarray) -> Canvas:
    """Round things have no corners; as in the paper's code, they are there to be passed over."""
    for centre in _somewhere(rng, picture, int(rng.integers(1, 15))):
        axes = rng.uniform(4, min(picture.shape) / 4, 2)
        box = (tuple(centre), tuple(2 * axes), rng.uniform(0, 180))
        cv2.ellipse(picture, box, _level(rng, picture.mean()), -1, cv2.LINE_AA)
    return picture, np.zeros((0, 2))


def _star(rng: np.random.Generator, picture: np.ndarray) -> Canvas:
    """Rays from one place, which is a point like their ends."""
    count = rng.integers(3, 7)
    centre = np.array(picture.shape[::-1]) * rng.uniform(0.25, 0.75, 2)
    angles = 2 * np.pi * (np.arange(count) + rng.uniform(-0.3, 0.3, count)) / count
    reach = min(picture.shape) * rng.uniform(0.2, 0.6, (count, 1))
    ends = centre + reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    thickness = int(rng.integers(1, 5))
    for end in ends:
        _line(picture, np.stack([centre, end]), _level(rng, picture.mean()), thickness)
    return picture, np.concatenate([centre[None], ends])


def _projected(rng: np.random.Generator, picture: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Places (..., 2) of the unit square, seen from some side, about as large as the picture."""
    height, width = picture.shape
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    seen = (corners - 0.5) * rng.uniform(0.6, 1.3) + rng.uniform(-0.2, 0.2, (4, 2))
    turn = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    places = (seen @ rotation + 0.5 + rng.uniform(-0.15, 0.15, 2)) * [width, height]
    matrix = cv2.getPerspectiveTransform(corners, places.astype(np.float32))
    return cv2.perspectiveTransform(grid.reshape(-1, 1, 2), matrix).reshape(grid.shape)


def _checkerboard(rng: np.random.Generator, picture: np.ndarray) -> Canvas:
    rows, columns = rng.integers(3, 8, 2)
    y, x = np.mgrid[0 : rows + 1, 0 : columns + 1].astype(float)
    corners = _projected(rng, picture, np.stack([x / columns, y / rows], axis=-1))
    dark = int(rng.integers(256))
    levels = dark, _level(rng, dark)
    for i in range(rows):
        for j in range(columns):
            square = corners[[i, i, i + 1, i + 1], [j, j + 1, j + 1, j]]
            jitter = int(rng.integers(-10, 11))
            _fill(picture, square, int(np.clip(levels[(i + j) % 2] + jitter, 0, 255)))
    return picture, corners.reshape(-1, 2)


def _mosaic(rng: np.random.Generator, picture: np.ndarray) -> Canvas:
    """Crooked tiles of any level: as many corners as photographs have, many of them faint."""
    height, width = picture.shape
    tile = rng.uniform(9, 30)
    rows, columns = int(2 * height / tile), int(2 * width / tile)
    y, x = np.mgrid[0 : rows + 1, 0 : columns + 1].astype(float)
    crooked = np.stack([x, y], axis=-1) + rng.uniform(-0.3, 0.3, (rows + 1, columns + 1, 2))
    corners = _projected(rng, picture, 2 * crooked / [columns, rows] - 0.5)  # beyond the picture
    middle, spread = rng.uniform(60, 195), rng.uniform(20, 120)
    levels = np.clip(rng.uniform(middle - spread, middle + spread, (rows, columns)), 0, 255)
    for i in range(rows):
        for j in range(columns):
            tile_corners = corners[[i, i, i + 1, i + 1], [j, j + 1, j + 1, j]]
            _fill(picture, tile_corners, int(levels[i, j]))
    around = np.stack([levels[:-1, :-1], levels[:-1, 1:], levels[1:, :-1], levels[1:, 1:]])
    seen = np.ptp(around, axis=0) >= _LEAST_CONTRAST
    return picture, corners[1:-1, 1:-1][seen]


def _stripes(rng: np.random.Generator, picture: np.ndarray) -> Canvas:
    """Bands side by side, whose ends are corners."""
    count = rng.integers(4, 12)
    x = np.concatenate([[0], np.cumsum(rng.uniform(0.5, 1.5, count))])
    x /= x[-1]
    ends = np.stack([np.stack([x, 0 * x], axis=-1), np.stack([x, 0 * x + 1], axis=-1)])
    top, bottom = _projected(rng, picture, ends)
    level = int(rng.integers(256))
    for (a, b), (c, d) in zip(pairwise(top), pairwise(bottom), strict=True):
        level = _level(rng, level)
        _fill(picture, np.stack([a, b, d, c]), level)
    return picture, np.concatenate([top, bottom])


def _cube(rng: np.random.Generator, picture: np.ndarray) -> Canvas:
    """Three visible faces: a hexagon around the corner that they share."""
    centre = np.array(picture.shape[::-1]) * rng.uniform(0.3, 0.7, 2)
    angles = np.array([0, 120, 240]) + rng.uniform(-25, 25, 3) + rng.uniform(0, 360)
    reach = min(picture.shape) * rng.uniform(0.15, 0.45, (3, 1))
    turned = np.deg2rad(angles)
    edges = reach * np.stack([np.cos(turned), np.sin(turned)], axis=1)
    level = picture.mean()
    outer = []
    for i in range(3):
        a, b = edges[i], edges[(i + 1) % 3]
        level = _level(rng, level)
        _fill(picture, centre + np.stack([0 * a, a, a + b, b]), level)
        outer += [a, a + b]
    return picture, centre + np.stack([np.zeros(2), *outer])


def _noise(rng: np.random.Generator, picture: np.ndarray) -> Canvas:
    strength = rng.uniform(5, 60)
    noisy = picture + strength * rng.standard_normal(picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), np.zeros((0, 2))


_KINDS: tuple[Callable[[np.random.Generator, np.ndarray], Canvas], ...] = (
    _lines,
    _polygons,
    _ellipses,
    _star,
    _checkerboard,
    _mosaic,
    _stripes,
    _cube,
    _noise,
)
_SHARES = (0.1, 0.15, 0.05, 0.1, 0.15, 0.2, 0.1, 0.1, 0.05)
