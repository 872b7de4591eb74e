"""Renders desk_left.png and desk_right.png, two views of one made-up desk: python docs/pictures/render.py

A ray caster of a page. The desk is a plane, the things on it are boxes; textures are functions of the place, the
lamp is a point, shadows are hard. The homography between the two views of the desk's plane is exact, which is
what `hewn match` is to find.
"""

from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH, SUPERSAMPLING = 360, 480, 2
LAMP = np.array([-1.5, -1.0, 4.0])
# Centre x and y, half sizes along x and y, height, turn in degrees, colour, texture.
BOXES = [
    (-1.15, 0.35, 0.42, 0.30, 0.34, 20, (0.80, 0.36, 0.26), "stripes"),
    (0.95, 0.65, 0.30, 0.36, 0.50, -32, (0.30, 0.50, 0.70), "bricks"),
    (0.15, 0.95, 0.26, 0.20, 0.22, 55, (0.85, 0.75, 0.35), "dots"),
    (1.25, -0.45, 0.24, 0.24, 0.28, 12, (0.40, 0.62, 0.38), "stripes"),
]


def hashed(i, j):
    """A number in [0, 1) for every pair of integers."""
    value = np.sin(i * 127.1 + j * 311.7) * 43758.5453
    return value - np.floor(value)


def pattern(kind, u, v):
    """A brightness in [0, 1] for every place (u, v) of a surface."""
    if kind == "bricks":
        row = np.floor(v / 0.12)
        column = np.floor(u / 0.22 + 0.5 * (row % 2))
        mortar = (v / 0.12 % 1 < 0.16) | ((u / 0.22 + 0.5 * (row % 2)) % 1 < 0.09)
        return np.where(mortar, 0.25, 0.65 + 0.35 * hashed(row, column))
    if kind == "stripes":
        return np.where(u / 0.13 % 1 < 0.5, 0.95, 0.45 + 0.3 * hashed(np.floor(u / 0.13), 3))
    inside = (u / 0.14 % 1 - 0.5) ** 2 + (v / 0.14 % 1 - 0.5) ** 2 < 0.09
    return np.where(inside, 0.35, 0.95)


def desk_colour(x, y):
    """Wooden planks, a chessboard and scattered cards."""
    plank = np.floor(y / 0.45)
    grain = 0.5 + 0.5 * np.sin(40 * y + 3 * np.sin(2.3 * x + 9 * hashed(plank, 1)))
    wood = 0.62 + 0.10 * hashed(plank, 5) + 0.05 * grain - 0.25 * (y / 0.45 % 1 < 0.02)
    colour = wood[..., None] * np.array([0.95, 0.74, 0.52])
    chess = (abs(x + 0.1) < 0.56) & (abs(y + 0.35) < 0.56)
    light = (np.floor((x + 0.66) / 0.14) + np.floor((y + 0.91) / 0.14)) % 2
    colour = np.where(chess[..., None], (0.12 + 0.78 * light)[..., None], colour)
    i, j = np.floor(x / 0.36), np.floor(y / 0.36)
    angle = 6.28 * hashed(i, j)
    dx, dy = x / 0.36 - i - 0.5, y / 0.36 - j - 0.5
    card = (abs(dx * np.cos(angle) + dy * np.sin(angle)) < 0.24) & (
        abs(dy * np.cos(angle) - dx * np.sin(angle)) < 0.15
    )
    card &= (hashed(i + 7, j) < 0.45) & ~chess
    tint = np.stack([0.35 + 0.6 * hashed(i, j + k) for k in (11, 23, 37)], axis=-1)
    return np.where(card[..., None], tint, colour)


def into_box(points, box, is_direction=False):
    """World coordinates to those of a box that stands at the origin, unturned."""
    angle = np.radians(box[5])
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    origin = np.zeros(3) if is_direction else np.array([box[0], box[1], 0])
    return (points - origin) @ turn.T


def hit_box(origin, direction, box):
    """Distance to a box (infinite when missed), by slabs, and the axis of the side that is hit."""
    start, step = into_box(origin, box), into_box(direction, box, is_direction=True)
    low, high = np.array([-box[2], -box[3], 0]), np.array([box[2], box[3], box[4]])
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (low - start) / step, (high - start) / step
    near, far = np.minimum(a, b), np.maximum(a, b)
    entry, axis = near.max(axis=-1), near.argmax(axis=-1)
    return np.where((entry < far.min(axis=-1)) & (entry > 1e-4), entry, np.inf), axis


def box_colour(points, axis, box):
    place = into_box(points, box)
    u = np.where(axis == 0, place[..., 1], place[..., 0])
    v = np.where(axis == 2, place[..., 1], place[..., 2])
    shade = pattern(box[7], u, v) * np.choose(axis, [0.62, 0.82, 1.0])
    return shade[..., None] * np.array(box[6])


def trace(origin, direction):
    distance = -origin[2] / direction[..., 2]
    colour = desk_colour(*np.moveaxis(origin + distance[..., None] * direction, -1, 0)[:2])
    for box in BOXES:
        entry, axis = hit_box(origin, direction, box)
        closer = entry < distance
        points = origin + np.where(closer, entry, 0)[..., None] * direction
        colour = np.where(closer[..., None], box_colour(points, axis, box), colour)
        distance = np.where(closer, entry, distance)
    points = origin + distance[..., None] * direction
    to_lamp = LAMP - points
    shadow = np.zeros(distance.shape, bool)
    for box in BOXES:
        entry, _ = hit_box(points + 1e-3 * to_lamp, to_lamp, box)
        shadow |= entry < 1
    falloff = 12 / (to_lamp**2).sum(axis=-1)
    return colour * (np.where(shadow, 0.35, 1) * np.minimum(falloff, 1.1))[..., None]


def render(eye, target):
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    h, w = HEIGHT * SUPERSAMPLING, WIDTH * SUPERSAMPLING
    y, x = np.mgrid[0:h, 0:w] + 0.5
    direction = (
        forward + ((x - w / 2) / w * 1.05)[..., None] * right + ((y - h / 2) / w * 1.05)[..., None] * down
    )
    colour = trace(eye, direction).reshape(HEIGHT, SUPERSAMPLING, WIDTH, SUPERSAMPLING, 3).mean(axis=(1, 3))
    return Image.fromarray((255 * np.clip(colour, 0, 1) ** (1 / 2.2)).astype(np.uint8))


def main():
    folder = Path(__file__).parent
    views = {"left": (-1.3, -2.9, 2.6), "right": (1.2, -2.6, 2.9)}
    for name, eye in views.items():
        picture = render(np.array(eye), np.array([0.0, 0.05, 0.0]))
        # A palette of 128 colours without dithering: a third of the bytes, and no noise to find keypoints in.
        picture.quantize(128, dither=Image.Dither.NONE).save(folder / f"desk_{name}.png", optimize=True)


if __name__ == "__main__":
    main()
