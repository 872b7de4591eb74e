"""SuperPoint without its keypoint selection: picture to logits, heat map and descriptors."""

import numpy as np
import torch
from torch import Tensor

from bench.peers.networks.canonical import CanonicalModule
from bench.peers.networks.network import Entrant, Network, Setup, Size
from bench.peers.networks.painting import paint_rectangles, write_picture
from weights_tools import safetensors_file
from weights_tools.convert.random_superpoint import random_checkpoint
from weights_tools.convert.superpoint import FORMS, convert
from weights_tools.errors import ToolError
from weights_tools.nets.superpoint import CELL, superpoint

_RANDOM_FORM = "magicleap"
_SEED = 1


class DenseSuperPoint(CanonicalModule):
    """The reference network as a module."""

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        output = superpoint(self.weights(), image)
        if output.descriptors is None:
            return output.semi, output.scores
        return output.semi, output.scores, output.descriptors


def prepare(setup: Setup) -> Network:
    """Reads the weights, or draws random ones, and paints a picture of the size."""
    weights, size, folder = setup.weights, setup.size, setup.folder
    if min(size.height, size.width) < CELL:
        raise ToolError(f"--size: expected at least {CELL}x{CELL} for SuperPoint, but got {size}")
    if weights is None:
        weights = folder / "weights.safetensors"
        safetensors_file.write(weights, *convert(random_checkpoint(FORMS[_RANDOM_FORM], _SEED)))
    contents = safetensors_file.read(weights)
    if contents.metadata.get("hewn.model") != "superpoint":
        raise ToolError(f"{weights}: expected SuperPoint's weights, made by weights_tools.convert")

    pixels = paint_rectangles(size)
    picture = write_picture(folder / "picture.pgm", pixels)

    outputs = ["semi", "scores"]
    if "convDa.weight" in contents.tensors:
        outputs.append("descriptors")
    options = ["--weights", str(weights), "--quiet"]
    return Network(
        name="superpoint",
        module=DenseSuperPoint(contents.tensors).eval(),
        inputs={"image": torch.from_numpy(pixels.astype(np.float32) / 255)[None, None]},
        outputs=tuple(outputs),
        hewn_dump=["keypoints", picture, *options, "--dump"],
        hewn_bench=["bench", "keypoints", "--size", str(size), *options],
    )


ENTRANT = Entrant(prepare, Size(480, 640), repeat=10)
