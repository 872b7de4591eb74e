"""Random homographies: a picture seen from elsewhere. Places are pixels, x then y."""

import cv2
import numpy as np


def random_homography(
    rng: np.random.Generator,
    height: int,
    width: int,
    rotation: float = 45.0,
    zoom: float = 1.5,
    tilt: float = 0.2,
    shift: float = 0.15,
) -> np.ndarray:
    """A (3, 3) matrix that takes places of a picture to those of its view, of the same size.

    Up to `rotation` degrees either way, `zoom` nearer or farther; the corners move by up to `tilt`
    of the shorter side each and all by up to `shift` of the sides.
    """
    size = np.array([width, height])
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * (size - 1)
    middle = (size - 1) / 2
    angle = np.deg2rad(rng.uniform(-rotation, rotation))
    scale = np.exp(rng.uniform(-1, 1) * np.log(zoom))
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    seen = (corners - middle) @ turn + middle
    seen += rng.uniform(-tilt / 2, tilt / 2, (4, 2)) * min(height, width)
    seen += rng.uniform(-shift, shift, 2) * size
    return cv2.getPerspectiveTransform(corners.astype(np.float32), seen.astype(np.float32))


def moved(points: np.ndarray, homography: np.ndarray) -> np.ndarray:
    """Places (K, 2) under a homography."""
    places = np.asarray(points, np.float64).reshape(-1, 1, 2)
    if not len(places):
        return np.zeros((0, 2))
    return cv2.perspectiveTransform(places, homography).reshape(-1, 2)


def view(picture: np.ndarray, homography: np.ndarray) -> np.ndarray:
    """The picture from there, of its own size; mirrored at its borders, which then are no edges."""
    return cv2.warpPerspective(
        picture,
        homography,
        picture.shape[1::-1],
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )


def visible(height: int, width: int, homography: np.ndarray, margin: int = 0) -> np.ndarray:
    """The mask (H, W) of a view's pixels that show the picture, `margin` pixels from its end."""
    inside = np.zeros((height, width), np.uint8)
    inside[margin : height - margin, margin : width - margin] = 1
    return cv2.warpPerspective(inside, homography, (width, height), flags=cv2.INTER_NEAREST) > 0
