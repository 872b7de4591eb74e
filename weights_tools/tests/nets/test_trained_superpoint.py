"""Real weights and pictures: the trained MagicPoint finds the corners it is known to find."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from weights_tools import safetensors_file
from weights_tools.convert.__main__ import main
from weights_tools.nets.superpoint import superpoint
from weights_tools.nets.superpoint_keypoints import KeypointOptions, extract_keypoints


def test_magicpoint_on_a_photograph(shared_data: Path, tmp_path: Path) -> None:
    converted = tmp_path / "magicpoint.safetensors"
    checkpoint = shared_data / "magicpoint" / "magicpoint_bn.pth"
    assert main(["superpoint", str(checkpoint), str(converted)]) == 0
    weights = safetensors_file.read(converted).tensors

    with Image.open(shared_data / "images" / "box.png") as picture:
        pixels = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255)
    with torch.inference_mode():
        scores = superpoint(weights, pixels[None, None]).scores[0]
    keypoints = extract_keypoints(scores, KeypointOptions())

    # A trained detector is sure of a few hundred points, and elsewhere sure that there are none.
    assert 100 < len(keypoints.scores) < 1500
    assert keypoints.scores[0] > 0.5
    assert scores.median() < 0.001
