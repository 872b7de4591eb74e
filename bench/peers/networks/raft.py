"""RAFT: a pair of pictures to the flow between them, at their size and at an eighth of it."""

import functools

import numpy as np
import torch
from torch import Tensor

from bench.peers.networks.network import Entrant, Network, Setup, Size
from bench.peers.networks.painting import paint_rectangles, write_picture
from weights_tools import safetensors_file
from weights_tools.convert.raft import convert, load_network
from weights_tools.convert.random_raft import random_checkpoint
from weights_tools.errors import ToolError
from weights_tools.nets.raft import CELL, MINIMUM_SIZE, VARIANTS, Raft, normalised

_SEED = 1
_MOVED = (-3, 5)  # rows and columns from the first picture to the second

_WITHOUT_NCNN = (
    "it has no gather, and its GridSample takes all channels at the same places, "
    "where the lookup needs a map and places for each pixel"
)


class FinalFlow(torch.nn.Module):
    """The network with its iterations unrolled; the mask is computed for the last one alone."""

    def __init__(self, network: Raft, iterations: int) -> None:
        super().__init__()
        self.network = network
        self.network.lookup = lookup_by_windows
        self.iterations = iterations

    def forward(self, image1: Tensor, image2: Tensor) -> tuple[Tensor, Tensor]:
        images = normalised(image1), normalised(image2)
        output = self.network.estimate(*images, self.iterations, None, all_iterations=False)
        return output.flow, output.flow_low[-1]


def lookup_by_windows(pyramid: list[Tensor], coordinates: Tensor, radius: int) -> Tensor:
    """The network's lookup in the form that suits the peers best; docs/benchmarks.md has others.

    All places of a window lie equally far from whole pixels, so its (d + 1)**2 pixels are gathered
    once for all d**2 places, and neighbours are blended with the same weights.
    """
    x, y = coordinates.unsqueeze(-1).unbind(dim=1)
    samples = [
        _windows(maps, x / 2**level, y / 2**level, radius) for level, maps in enumerate(pyramid)
    ]
    return torch.cat(samples, dim=-1).permute(0, 3, 1, 2)


def _windows(maps: Tensor, x: Tensor, y: Tensor, radius: int) -> Tensor:
    """Of maps (n, h, w, H, W) around places (n, h, w, 1), each window's x before its y."""
    height, width = maps.shape[-2:]
    left, top = x.floor(), y.floor()
    right_part, bottom_part = (x - left).unsqueeze(-1), (y - top).unsqueeze(-1)
    steps = torch.arange(-radius, radius + 2, dtype=x.dtype)
    columns, rows = (left + steps).unsqueeze(-1), (top + steps).unsqueeze(-2)

    index = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    pixels = maps.flatten(-2).gather(-1, index.flatten(-2).long())
    inside = ((columns >= 0) & (columns < width)) & ((rows >= 0) & (rows < height))
    window = torch.where(inside, pixels.reshape(index.shape), 0)

    window = (1 - right_part) * window[..., :-1, :] + right_part * window[..., 1:, :]
    window = (1 - bottom_part) * window[..., :-1] + bottom_part * window[..., 1:]
    return window.flatten(-2)


def prepare(variant: str, setup: Setup) -> Network:
    """Reads the weights, or draws random ones, and paints a pair of pictures of the size."""
    size = setup.size
    if size.height % CELL or size.width % CELL or min(size.height, size.width) < MINIMUM_SIZE:
        raise ToolError(
            f"--size: expected multiples of {CELL} from {MINIMUM_SIZE} on for RAFT, so that "
            f"nothing is padded, but got {size}"
        )
    weights = setup.weights
    if weights is None:
        weights = setup.folder / "weights.safetensors"
        safetensors_file.write(weights, *convert(random_checkpoint(VARIANTS[variant], _SEED)))
    network = load_network(weights)
    if network.variant.name != variant:
        raise ToolError(f"{weights}: expected weights of RAFT's {variant} network")

    first = paint_rectangles(size, channels=3)
    pictures = {"image1": first, "image2": np.roll(first, _MOVED, axis=(0, 1))}
    paths = [write_picture(setup.folder / f"{name}.ppm", p) for name, p in pictures.items()]
    options = ["--weights", str(weights), "--iters", str(setup.iterations)]
    return Network(
        name="raft" if variant == "large" else f"raft-{variant}",
        module=FinalFlow(network, setup.iterations).eval(),
        inputs={name: _as_input(picture) for name, picture in pictures.items()},
        outputs=("flow", "flow_low"),
        hewn_dump=["flow", *paths, *options, "--quiet", "--dump"],
        hewn_bench=["bench", "flow", "--size", str(size), *options],
    )


def _entrant(variant: str) -> Entrant:
    return Entrant(
        functools.partial(prepare, variant),
        Size(440, 1024),  # the pictures of Sintel with their padding
        repeat=3,
        iterations=20,
        left_out={"ncnn": _WITHOUT_NCNN},
    )


LARGE_ENTRANT, SMALL_ENTRANT = _entrant("large"), _entrant("small")


def _as_input(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None].contiguous()
