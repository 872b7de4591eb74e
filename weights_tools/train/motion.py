"""Pairs of pictures whose motion is known: layers cut from photographs, each moved by its own map.

A layer's map M takes the places of the first picture to those of the second: a small bending
p + s(p), then an affine or perspective matrix. s is a sum of a few long sine waves, known in
closed form at every place, so the flow M(p) - p of the layer on top is exact. The second picture
needs the inverse of M: that of the matrix, then p = r - s(p) iterated, which converges because the
waves are chosen to be contractions (`BENDING`). Both pictures are interpolated from the layers, so
that neither is the sharper one.

Pixels that are hidden in the second picture, or outside of it, keep the flow of their layer, as
in the data sets that RAFT's paper trains on.

`python -m weights_tools.train.motion DIRECTORY` makes the pair of the demonstration, flow_1.png
and flow_2.png: the face of a cat before a cup of coffee.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from weights_tools.train import photographs, textures

BENDING = 0.2  # how much s(p) may change from one pixel to the next; below 1 the inverse converges
_INVERSE_STEPS = 7  # the error of the inverse shrinks by BENDING in each: 4 pixels to 5e-5
_OPAQUE = 0.99

Picture = np.ndarray  # (H, W, 3): RGB of 0 to 1 in float32, or of bytes in a bank


@dataclass(frozen=True)
class Motion:
    """p to H(p + s(p)) with a 3x3 matrix H and the sum s of waves; places are pixels (x, y)."""

    matrix: np.ndarray  # (3, 3)
    directions: np.ndarray  # (waves, 2), radians per pixel
    amplitudes: np.ndarray  # (waves, 2), pixels
    phases: np.ndarray  # (waves,)

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """Places (2, ...) of the first picture in the second."""
        return _projected(self.matrix, places + self._sway(places))

    def inverse(self, places: np.ndarray) -> np.ndarray:
        target = _projected(np.linalg.inv(self.matrix), places)
        found = target
        for _ in range(_INVERSE_STEPS):
            found = target - self._sway(found)
        return found

    def _sway(self, places: np.ndarray) -> np.ndarray:
        x, y = places
        sway = np.zeros_like(places)
        waves = zip(self.directions, self.amplitudes, self.phases, strict=True)
        for (kx, ky), (ax, ay), phase in waves:
            wave = np.sin(np.float32(kx) * x + (np.float32(ky) * y + np.float32(phase)))
            sway[0] += np.float32(ax) * wave
            sway[1] += np.float32(ay) * wave
        return sway


@dataclass(frozen=True)
class Layer:
    """A picture with an opacity, on a canvas that is `margin` pixels larger on every side."""

    canvas: Tensor  # (4, H + 2 margin, W + 2 margin): red, green, blue, opacity; 0 to 1
    margin: int
    shift: np.ndarray  # (2,), parts of a pixel: from the first picture to the canvas
    motion: Motion

    def at(self, places: np.ndarray) -> np.ndarray:
        """(4, H, W): what the layer shows at places (2, H, W) of the first picture."""
        height, width = self.canvas.shape[1:]
        on_canvas = places + (self.margin - self.shift)[:, None, None].astype(np.float32)
        span = np.array([width - 1, height - 1], np.float32)[:, None, None]
        grid = torch.from_numpy(2 * on_canvas / span - 1).permute(1, 2, 0)
        shown = F.grid_sample(
            self.canvas[None], grid[None], "bicubic", padding_mode="reflection", align_corners=True
        )
        return shown[0].clamp(0, 1).numpy()


@dataclass(frozen=True)
class Pair:
    first: Picture
    second: Picture
    flow: np.ndarray  # (2, H, W): x, then y, in pixels
    visible: np.ndarray  # (H, W): whether the second picture shows the same point of the layer


def bank(pictures: Sequence[np.ndarray], rng: np.random.Generator, made: int) -> list[np.ndarray]:
    """Photographs of bytes to cut layers from, and `made` textures of the same kind."""
    drawn = [as_bytes(textures.shapes(rng, 400, 500)) for _ in range(made)]
    return [*pictures, *drawn]


def make_pair(
    rng: np.random.Generator,
    pictures: Sequence[np.ndarray],
    height: int,
    width: int,
    longest: float,
    clean: bool = False,
) -> Pair:
    """A background and one to five layers before it, all of `pictures`.

    `longest` bounds the shift of a layer's middle, in pixels; turning, zooming and bending add
    less than as much again at its rim. A `clean` pair has neither noise nor changes of the light.
    """
    margin = round(1.2 * longest) + 8
    layers = [_background(rng, pictures, height, width, margin, longest)]
    for _ in range(rng.integers(1, 6)):
        layers.append(_foreground(rng, pictures, height, width, margin, longest))
    pair = render(layers, height, width)
    if clean:
        return pair
    first, second = _lit(rng, pair.first, pair.second)
    return Pair(first, second, pair.flow, pair.visible)


def render(layers: Sequence[Layer], height: int, width: int) -> Pair:
    """Both pictures and the flow of layers, the first of them opaque and behind the others."""
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    first, second = np.zeros((2, 3, height, width), np.float32)
    flow = np.zeros((2, height, width), np.float32)
    shown1, shown2 = [], []  # opacity of each layer, less what is before it
    for layer in layers:
        *_, opacity1 = seen1 = layer.at(pixels)
        *_, opacity2 = seen2 = layer.at(layer.motion.inverse(pixels))
        first += opacity1 * (seen1[:3] - first)
        second += opacity2 * (seen2[:3] - second)
        flow = np.where(opacity1 > 0.5, layer.motion(pixels) - pixels, flow)
        shown1 = [before * (1 - opacity1) for before in shown1] + [opacity1]
        shown2 = [before * (1 - opacity2) for before in shown2] + [opacity2]
    x, y = pixels + flow
    visible = np.zeros((height, width), bool)
    for alone1, alone2 in zip(shown1, shown2, strict=True):
        arrived = cv2.remap(alone2, x, y, cv2.INTER_LINEAR)  # 0 outside of the picture
        visible |= (alone1 > _OPAQUE) & (arrived > _OPAQUE)
    return Pair(first.transpose(1, 2, 0), second.transpose(1, 2, 0), flow, visible)


def random_motion(
    rng: np.random.Generator, centre: np.ndarray, radius: float, longest: float
) -> Motion:
    """A shift of at most `longest` pixels, and turns, zooms and waves that suit it.

    `centre` and `radius` are those of what moves, in pixels.
    """
    turn, zoom, shear, stretch = np.clip(rng.normal(0, 0.2, 4) * longest / radius, -0.15, 0.15)
    tilt = np.clip(rng.normal(0, 0.05, 2) * longest / radius, -0.04, 0.04) / radius
    if rng.random() < 0.5:
        tilt *= 0
    cos, sin = np.cos(turn), np.sin(turn)
    affine = np.array([[cos, -sin], [sin, cos]]) @ np.array(
        [[1 + zoom + stretch, shear], [shear, 1 + zoom - stretch]]
    )
    matrix = np.eye(3)
    matrix[:2, :2], matrix[2, :2] = affine, tilt
    angle = rng.uniform(0, 2 * np.pi)
    shift = longest * np.sqrt(rng.random()) * np.array([np.cos(angle), np.sin(angle)])
    matrix = _translation(centre + shift) @ matrix @ _translation(-centre)

    waves = rng.integers(0, 4)
    lengths, angles = rng.uniform(50, 250, waves), rng.uniform(0, 2 * np.pi, waves)
    directions = (2 * np.pi / lengths)[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    amplitudes = rng.normal(0, 0.15 * min(longest, 20), (waves, 2))
    steepness = np.linalg.norm(amplitudes, axis=1) @ np.linalg.norm(directions, axis=1)
    amplitudes *= min(1, BENDING / max(steepness, 1e-9))
    return Motion(matrix, directions, amplitudes, rng.uniform(0, 2 * np.pi, waves))


def blob(rng: np.random.Generator, centre: np.ndarray, radius: float) -> np.ndarray:
    """Corners (K, 2) of a random outline: a polygon, an ellipse, or a wavy round thing."""
    kind = rng.integers(3)
    if kind == 0:
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
        reach = rng.uniform(0.4, 1, angles.size)
    else:
        angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
        reach = np.ones_like(angles)
        if kind == 2:
            for count in range(2, 7):
                phase = rng.uniform(0, 2 * np.pi)
                reach += rng.normal(0, 0.5 / count) * np.cos(count * angles + phase)
            reach = np.clip(reach, 0.2, 1.8)
    round_ = np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]
    round_[:, 1] *= np.exp(rng.uniform(np.log(0.25), 0))
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(turn), np.sin(turn)
    return centre + radius * round_ @ np.array([[cos, sin], [-sin, cos]])


def filled(outline: np.ndarray, height: int, width: int) -> np.ndarray:
    """The opacity (height, width) of what an outline encloses, with soft rims."""
    mask = np.zeros((height, width), np.uint8)
    bits = 4  # of the fractions of a pixel
    cv2.fillPoly(mask, [np.round(outline * 2**bits).astype(np.int32)], 255, cv2.LINE_AA, bits)
    return mask.astype(np.float32) / 255


def make_layer(
    picture: Picture, opacity: np.ndarray, margin: int, shift: np.ndarray, motion: Motion
) -> Layer:
    canvas = np.concatenate([picture.transpose(2, 0, 1), opacity[None]])
    return Layer(torch.from_numpy(canvas), margin, shift, motion)


def demonstration() -> Pair:
    """The face of chelsea.png, cut out, before coffee.png: both of them CC0, and both held out."""
    height, width, margin = 320, 480, 40
    pictures = photographs.load_all(photographs.HELD_OUT)
    h, w = height + 2 * margin, width + 2 * margin
    coffee = _resized(pictures["coffee"], h, w)
    cat = _resized(pictures["chelsea"], h, w)
    middle, radii = np.array([w * 0.5, h * 0.47]), np.array([150, 135])
    angles = np.linspace(0, 2 * np.pi, 120)
    rim = 1 + 0.03 * np.sin(9 * angles)
    outline = middle + radii * (rim * np.stack([np.cos(angles), np.sin(angles)])).T
    rng = np.random.default_rng(5)
    centre = np.array([width, height]) / 2
    behind = random_motion(rng, centre, 300, 8)
    before = random_motion(rng, middle - margin, 140, 16)
    solid = np.ones((h, w), np.float32)
    return render(
        [
            make_layer(coffee, solid, margin, rng.random(2), behind),
            make_layer(cat, filled(outline, h, w), margin, rng.random(2), before),
        ],
        height,
        width,
    )


def _resized(photograph: np.ndarray, height: int, width: int) -> Picture:
    resized = cv2.resize(photograph, (width, height), interpolation=cv2.INTER_LINEAR)
    return resized.astype(np.float32) / 255


def as_bytes(picture: Picture) -> np.ndarray:
    return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def _background(
    rng: np.random.Generator,
    pictures: Sequence[np.ndarray],
    height: int,
    width: int,
    margin: int,
    longest: float,
) -> Layer:
    h, w = height + 2 * margin, width + 2 * margin
    centre = np.array([width, height]) / 2
    reach = 0.0 if rng.random() < 0.1 else 0.7 * longest  # now and then the camera stands still
    motion = random_motion(rng, centre, np.hypot(height, width) / 2, reach)
    opacity = np.ones((h, w), np.float32)
    return make_layer(_cut(rng, pictures, h, w), opacity, margin, rng.random(2), motion)


def _foreground(
    rng: np.random.Generator,
    pictures: Sequence[np.ndarray],
    height: int,
    width: int,
    margin: int,
    longest: float,
) -> Layer:
    h, w = height + 2 * margin, width + 2 * margin
    centre = rng.uniform(0, [width, height])
    radius = np.exp(rng.uniform(np.log(0.08), np.log(0.45))) * max(height, width)
    motion = random_motion(rng, centre, max(radius, 40), longest)
    opacity = filled(blob(rng, centre + margin, radius), h, w)
    return make_layer(_cut(rng, pictures, h, w), opacity, margin, rng.random(2), motion)


def _cut(
    rng: np.random.Generator, pictures: Sequence[np.ndarray], height: int, width: int
) -> Picture:
    """A part of one of the pictures, in colours that are a little others."""
    part = textures.crop(rng, pictures[rng.integers(len(pictures))], height, width)
    gain, offset = rng.uniform(0.6, 1.2, 3), rng.uniform(-0.15, 0.15)
    return np.clip(part * gain.astype(np.float32) + np.float32(offset), 0, 1)


def _lit(rng: np.random.Generator, first: Picture, second: Picture) -> tuple[Picture, Picture]:
    """The pair under light that changes between the pictures, and with a camera's noise."""
    if rng.random() < 0.5:
        gain, offset = rng.normal(1, 0.05, 3), rng.normal(0, 0.03)
        second = np.clip(second, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.1)))
        second = second * gain.astype(np.float32) + np.float32(offset)
    noise = rng.uniform(0, 0.03) if rng.random() < 0.5 else 0.0
    noisy = [
        np.clip(picture + np.float32(noise) * rng.standard_normal(picture.shape, np.float32), 0, 1)
        for picture in (first, second)
    ]
    return noisy[0], noisy[1]


def _projected(matrix: np.ndarray, places: np.ndarray) -> np.ndarray:
    x, y = places
    rows = matrix.astype(np.float32)
    u, v, w = (a * x + (b * y + c) for a, b, c in rows)
    return np.stack([u / w, v / w])


def _translation(by: np.ndarray) -> np.ndarray:
    matrix = np.eye(3)
    matrix[:2, 2] = by
    return matrix


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m weights_tools.train.motion DIRECTORY")
        return 2
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    pair = demonstration()
    for name, picture in (("flow_1.png", pair.first), ("flow_2.png", pair.second)):
        Image.fromarray(as_bytes(picture)).save(directory / name, optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
