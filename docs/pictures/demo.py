"""Makes the pictures that `hewn classify` and `hewn complete` are shown with: see docs/pictures.md.

    PYTHONPATH=. python docs/pictures/demo.py

scene_*.png are drawn by the rules of weights_tools.train.scenes, from seeds that no training has.
completion_picture.png is a part of scikit-image's "coffee", a photograph by Rachel Michetti under
CC0 1.0 that is held out from all trainings, and completion_mask.png has its holes.
"""

from pathlib import Path

import cv2
import numpy as np

from weights_tools.train import photographs, scenes
from weights_tools.train.scenes import Item, Scene

SIDE = 256
SCENES = {
    "star": [Item("star", "yellow", (0.5, 0.52), 0.33)],
    "pair": [
        Item("circle", "blue", (0.5, 0.26), 0.17),
        Item("square", "red", (0.52, 0.74), 0.17, turn=5),
    ],
    "night": [Item("heart", "pink", (0.5, 0.5), 0.33)],
}
SEEDS = {"star": 2_000_001, "pair": 2_000_002, "night": 2_000_003}
PART = (slice(60, 360), slice(100, 500))  # rows and columns of "coffee"
HOLES = ((150, 40), (60, 290))  # top and left corners, 64 x 64 pixels
HOLE = 64


def write(name: str, picture: np.ndarray) -> None:
    reversed_colours = picture[..., ::-1] if picture.ndim == 3 else picture
    cv2.imwrite(str(Path(__file__).with_name(f"{name}.png")), reversed_colours)


def main() -> None:
    coffee = photographs.load_all(photographs.HELD_OUT)["coffee"]
    painter = scenes.Painter({"coffee": coffee}, seed=2_000_000)
    for name, items in SCENES.items():
        rng = np.random.default_rng(SEEDS[name])
        picture = painter.paint(rng, Scene(items, ""), SIDE)
        write(f"scene_{name}", scenes.at_night(rng, picture) if name == "night" else picture)
    picture = coffee[PART]
    mask = np.zeros(picture.shape[:2], np.uint8)
    for top, left in HOLES:
        mask[top : top + HOLE, left : left + HOLE] = 255
    write("completion_picture", picture)
    write("completion_mask", mask)


if __name__ == "__main__":
    main()
