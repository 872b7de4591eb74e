"""Pictures of coloured shapes with captions, drawn by rule: all that the small CLIP knows.

The whole vocabulary is in the tables below. A scene has one shape, a pair of shapes with where
they are to each other, or up to four of a kind; a caption says all or some of what is to be seen.
The article is always "a", as in hewn's own template, "a photo of a {}.".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from weights_tools.train import textures

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.85, 0.1, 0.1),
    "orange": (1.0, 0.55, 0.05),
    "yellow": (0.98, 0.9, 0.15),
    "green": (0.1, 0.6, 0.2),
    "blue": (0.1, 0.3, 0.85),
    "purple": (0.5, 0.15, 0.65),
    "pink": (1.0, 0.6, 0.75),
    "white": (0.97, 0.97, 0.97),
    "black": (0.05, 0.05, 0.05),
}
PLURALS = {
    "circle": "circles",
    "square": "squares",
    "triangle": "triangles",
    "star": "stars",
    "cross": "crosses",
    "heart": "hearts",
    "moon": "moons",
    "arrow": "arrows",
}
SHAPES = tuple(PLURALS)
FILLINGS = ("", "striped", "dotted")
SIZES = {"small": (0.09, 0.13), "": (0.15, 0.24), "large": (0.28, 0.38)}  # radii, of a side
COUNTS = ("a", "two", "three", "four")
PLACES = {
    "at the top left": (0.26, 0.26),
    "at the top right": (0.74, 0.26),
    "at the bottom left": (0.26, 0.74),
    "at the bottom right": (0.74, 0.74),
    "in the middle": (0.5, 0.5),
}
RELATIONS = {
    "above": (0, -1),
    "below": (0, 1),
    "left of": (-1, 0),
    "right of": (1, 0),
}
TEMPLATES = ("a photo of {}.", "a photo of {}.", "a picture of {}.", "a drawing of {}.", "{}")

_DARKNESS, _GRAIN = 0.35, 18.0  # at night: a factor, and a deviation of 255

_FINE = 2  # scenes are drawn so many times larger and averaged
_CONTRAST = 0.35  # of a shape's colour and the background behind it, as a distance of colours
BACKGROUNDS = 300  # of noise, drawn once: they take longer than the rest
_NOISE_SIDE = 192


@dataclass(frozen=True)
class Item:
    """A shape; its centre and its radius are parts of the picture's side."""

    shape: str
    colour: str
    centre: tuple[float, float]
    radius: float
    filling: str = ""
    turn: float = 0  # degrees


@dataclass(frozen=True)
class Scene:
    items: Sequence[Item]
    caption: str


def single(rng: np.random.Generator) -> Scene:
    """One shape, with its size, its filling and its place, or without."""
    size = _choice(rng, [*SIZES])
    filling = _choice(rng, FILLINGS) if rng.random() < 0.5 else ""
    radius = rng.uniform(*SIZES[size])
    place = _choice(rng, [*PLACES]) if size != "large" and rng.random() < 0.5 else ""
    if place:
        centre = np.array(PLACES[place]) + rng.uniform(-0.06, 0.06, 2)
    else:
        margin = min(0.45, radius + 0.03)
        centre = rng.uniform(margin, 1 - margin, 2)
    item = _item(rng, centre, radius, filling=filling)
    words = [
        size if rng.random() < 0.6 else "",
        filling if rng.random() < 0.8 else "",
        item.colour if rng.random() < 0.85 else "",
        item.shape,
        place if rng.random() < 0.8 else "",
    ]
    return Scene([item], "a " + " ".join(word for word in words if word))


def pair(rng: np.random.Generator) -> Scene:
    """Two shapes that differ, beside or above each other."""
    relation = _choice(rng, [*RELATIONS])
    step = np.array(RELATIONS[relation]) * rng.uniform(0.21, 0.27)
    middle = 0.5 + rng.uniform(-0.08, 0.08, 2) * (step == 0) * 2
    first, second = (
        _item(rng, middle + sign * step + rng.uniform(-0.03, 0.03, 2), rng.uniform(0.13, 0.19))
        for sign in (1, -1)
    )
    if (first.shape, first.colour) == (second.shape, second.colour):
        return pair(rng)
    names = [f"a {item.colour} {item.shape}" for item in (first, second)]
    between = relation if rng.random() < 0.8 else "and"
    return Scene([first, second], f"{names[0]} {between} {names[1]}")


def several(rng: np.random.Generator) -> Scene:
    """Two to four alike, each in a field of its own of a grid of three by three."""
    count = int(rng.integers(2, 5))
    fields = rng.permutation(9)[:count]
    centres = [np.array([0.19 + 0.31 * (f % 3), 0.19 + 0.31 * (f // 3)]) for f in fields]
    one = _item(rng, centres[0], rng.uniform(0.1, 0.14))
    items = [
        Item(one.shape, one.colour, _place(centre + rng.uniform(-0.03, 0.03, 2)), one.radius)
        for centre in centres
    ]
    colour = f"{one.colour} " if rng.random() < 0.85 else ""
    return Scene(items, f"{COUNTS[count - 1]} {colour}{PLURALS[one.shape]}")


def lesson(rng: np.random.Generator) -> Scene:
    """One large shape, of which nothing is said but its name."""
    radius = rng.uniform(0.2, 0.38)
    margin = min(0.45, radius + 0.03)
    item = _item(rng, rng.uniform(margin, 1 - margin, 2), radius)
    return Scene([item], f"a {item.shape}")


def at_night(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """A picture of bytes as if it were dark, with a grain of a 64th of its side."""
    side = len(picture)
    grain = rng.normal(0, _GRAIN, (64, 64, 3)).astype(np.float32)
    grain = cv2.resize(grain, (side, side), interpolation=cv2.INTER_NEAREST)
    return np.clip(np.rint(_DARKNESS * picture + 10 + grain), 0, 255).astype(np.uint8)


def any_scene(rng: np.random.Generator) -> Scene:
    """One of training: half of them have one shape."""
    kind = rng.random()
    return single(rng) if kind < 0.5 else pair(rng) if kind < 0.8 else several(rng)


class Painter:
    """Draws scenes on plain colours, on noise and on photographs."""

    def __init__(self, photographs: Mapping[str, np.ndarray], seed: int) -> None:
        self._photographs = list(photographs.values())
        rng = np.random.default_rng(seed)
        self._noise = [
            (255 * textures.noise(rng, _NOISE_SIDE, _NOISE_SIDE)).astype(np.uint8)
            for _ in range(BACKGROUNDS)
        ]

    def paint(
        self, rng: np.random.Generator, scene: Scene, side: int, plain: bool = False
    ) -> np.ndarray:
        """(side, side, 3) of bytes; a background that would hide a shape is drawn anew."""
        fine = _FINE * side
        colours = {item.colour: _nuance(rng, item.colour) for item in scene.items}
        masks = [mask_of(item, fine) for item in scene.items]
        for _ in range(8):
            picture = self._background(rng, fine, plain)
            clear = (
                np.linalg.norm(picture[mask > 0.5].mean(axis=0) - colours[item.colour])
                for item, mask in zip(scene.items, masks, strict=True)
            )
            if min(clear) > _CONTRAST:
                break
        for item, mask in zip(scene.items, masks, strict=True):
            colour = colours[item.colour]
            other = 0.25 * colour + 0.75 * (colour.mean() < 0.5)
            pattern = _pattern(item.filling, fine)[..., None]
            picture += mask[..., None] * (colour + pattern * (other - colour) - picture)
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        return np.clip(np.rint(255 * small), 0, 255).astype(np.uint8)

    def _background(self, rng: np.random.Generator, side: int, plain: bool) -> np.ndarray:
        """Muted, of 0 to 1."""
        kind = rng.random()
        if plain or kind < 0.3:
            return np.full((side, side, 3), rng.uniform(0.1, 0.95, 3), np.float32)
        source = self._noise if kind < 0.6 else self._photographs
        picture = textures.crop(rng, source[rng.integers(len(source))], side, side)
        return (rng.uniform(0.5, 0.9) * (picture - 0.5) + rng.uniform(0.4, 0.6)).astype(np.float32)


def templated(rng: np.random.Generator, caption: str) -> str:
    return _choice(rng, TEMPLATES).format(caption)


def _item(rng: np.random.Generator, centre: np.ndarray, radius: float, filling: str = "") -> Item:
    shape, colour = _choice(rng, SHAPES), _choice(rng, [*COLOURS])
    return Item(shape, colour, _place(centre), radius, filling, rng.uniform(-12, 12))


def _place(centre: np.ndarray) -> tuple[float, float]:
    return float(centre[0]), float(centre[1])


def _choice(rng: np.random.Generator, values: Sequence[str]) -> str:
    return values[rng.integers(len(values))]


def _nuance(rng: np.random.Generator, colour: str) -> np.ndarray:
    return np.clip(np.array(COLOURS[colour]) + rng.uniform(-0.06, 0.06, 3), 0, 1)


def mask_of(item: Item, side: int) -> np.ndarray:
    """Where the shape is, (side, side) of 0 to 1."""
    turn = math.radians(item.turn)
    turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    points = (_corners(item.shape) @ turned.T * item.radius + item.centre) * side
    fixed = np.rint(16 * points).astype(np.int32)  # with four bits behind the point
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, shift=4)
    return mask.astype(np.float32) / 255


def _corners(shape: str) -> np.ndarray:
    """(n, 2) within the circle of radius 1, y downwards."""
    if shape == "circle":
        return _arc(1, 0, 360, 48)
    if shape == "square":
        return _arc(1, 45, 405, 5)[:-1]
    if shape == "triangle":
        return _arc(1, -90, 270, 4)[:-1]
    if shape == "star":
        outer, inner = _arc(1, -90, 270, 6)[:-1], _arc(0.42, -54, 306, 6)[:-1]
        return np.stack([outer, inner], axis=1).reshape(-1, 2)
    if shape == "cross":
        quarter = np.array([[0.28, -0.28], [0.28, -0.95], [-0.28, -0.95]])
        turns = [np.array([[c, -s], [s, c]]) for c, s in ((1, 0), (0, -1), (-1, 0), (0, 1))]
        return np.concatenate([quarter @ turn.T for turn in turns])
    if shape == "heart":
        t = np.linspace(0, 2 * math.pi, 48, endpoint=False)
        y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
        return np.stack([16 * np.sin(t) ** 3, -y - 2], axis=1) / 17
    if shape == "moon":
        inner = _arc(0.82, 293, 67, 24) + np.array([0.5, 0])
        return np.concatenate([_arc(1, 52, 308, 32), inner])
    arrow = [(-0.95, -0.22), (0.1, -0.22), (0.1, -0.65), (0.98, 0)]
    return np.array([*arrow, *((x, -y) for x, y in arrow[2::-1])])


def _arc(radius: float, begin: float, end: float, count: int) -> np.ndarray:
    angles = np.radians(np.linspace(begin, end, count))
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _pattern(filling: str, side: int) -> np.ndarray:
    """Where the second colour is, (side, side) of 0 and 1."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    if filling == "striped":
        return ((x + y) * 12 % 1 < 0.4).astype(np.float32)
    if filling == "dotted":
        return (((x * 13 % 1 - 0.5) ** 2 + (y * 13 % 1 - 0.5) ** 2) < 0.08).astype(np.float32)
    return np.zeros((side, side), np.float32)
