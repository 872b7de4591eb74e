"""Image completion without its postprocessing: a picture with a hole to the network's picture."""

import numpy as np
import torch
from torch import Tensor

from bench.peers.networks.canonical import CanonicalModule
from bench.peers.networks.network import Entrant, Network, Setup, Size
from bench.peers.networks.painting import paint_rectangles, write_picture
from weights_tools import safetensors_file
from weights_tools.convert.completion import BN_RELU, Options, convert, load_network
from weights_tools.convert.random_completion import random_checkpoint
from weights_tools.errors import ToolError
from weights_tools.nets.completion import CELL, LAST, LAYERS, completion, prepared

_SEED = 1


class RawCompletion(CanonicalModule):
    """The network alone, on a picture whose hole is filled already."""

    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        return (completion(self.weights(), inputs)[LAST],)


def prepare(setup: Setup) -> Network:
    """Reads the weights, or draws random ones, and paints a picture with a hole in the middle."""
    weights, size, folder = setup.weights, setup.size, setup.folder
    if size.height % CELL or size.width % CELL:
        raise ToolError(
            f"--size: expected multiples of {CELL} for image completion, so that nothing is "
            f"padded, but got {size}"
        )
    if weights is None:
        weights = folder / "weights.safetensors"
        # The order that suits everyone: its batch norm is part of the convolutions.
        tensors, metadata = convert(random_checkpoint(BN_RELU, _SEED), Options(BN_RELU))
        safetensors_file.write(weights, tensors, metadata)
    tensors, preparation = load_network(weights)
    network = {name: t for name, t in tensors.items() if name.split(".")[0] in LAYERS}

    pixels = paint_rectangles(size, channels=3)
    mask = np.zeros((size.height, size.width), dtype=np.uint8)
    mask[size.height // 4 : -size.height // 4, size.width // 4 : -size.width // 4] = 255
    picture = write_picture(folder / "picture.ppm", pixels)
    hole = write_picture(folder / "mask.pgm", mask)
    unit_picture = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
    unit_mask = torch.from_numpy(mask.astype(np.float32) / 255)[None, None]

    options = ["--weights", str(weights)]
    dump = ["complete", picture, "--mask", hole, *options, "--postprocess", "none", "--quiet"]
    return Network(
        name="completion",
        module=RawCompletion(network).eval(),
        inputs={"inputs": prepared(unit_picture, unit_mask, preparation)},
        outputs=("raw",),
        hewn_dump=[*dump, "--dump"],
        hewn_bench=["bench", "complete", "--size", str(size), *options],
    )


ENTRANT = Entrant(prepare, Size(256, 256), repeat=5)
