"""RAFT: Recurrent All-Pairs Field Transforms for Optical Flow (Teed and Deng, 2020).

The network and its small form, for inference, as modules whose parameters have the names of the
checkpoints. They run in the precision of their weights: cast module and pictures to float64 for
the truth of the audit.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weights_tools.nets.raft_correlation import LEVELS, Lookup, correlation_pyramid, lookup
from weights_tools.nets.raft_encoder import BottleneckBlock, Encoder, ResidualBlock
from weights_tools.nets.raft_update import UpdateBlock

CELL = 8  # the encoders halve the picture three times
MINIMUM_SIZE = CELL << (LEVELS - 1)  # where the last level of the pyramid is one pixel


@dataclass(frozen=True)
class Variant:
    """What sets the two published networks apart, but for the layers of the update block."""

    name: str
    block: type[ResidualBlock] | type[BottleneckBlock]
    stages: tuple[int, int, int]  # channels of the encoders' three stages
    features: int
    hidden: int
    context: int
    context_norm: str  # as published; the feature encoder has instance norm in both
    radius: int

    @property
    def correlations(self) -> int:
        return LEVELS * (2 * self.radius + 1) ** 2


LARGE = Variant("large", ResidualBlock, (64, 96, 128), 256, 128, 128, "batch", radius=4)
SMALL = Variant("small", BottleneckBlock, (32, 64, 96), 128, 96, 64, "none", radius=3)
VARIANTS = {variant.name: variant for variant in (LARGE, SMALL)}


@dataclass(frozen=True)
class RaftOutput:
    """Flows from the first picture (N, 3, H, W) to the second, x before y, in pixels."""

    flow: Tensor  # (N, 2, H, W), after the last iteration
    flow_low: list[Tensor]  # (N, 2, H/8, W/8) after each iteration, in pixels of that size
    flows: list[Tensor]  # as `flow`, after each iteration; empty unless asked for


class Raft(nn.Module):
    """Either network; `folded` makes it the one of a converted file, without batch norm."""

    def __init__(self, variant: Variant, folded: bool = False) -> None:
        super().__init__()
        self.variant = variant
        norm = "none" if folded else variant.context_norm
        hidden, context = variant.hidden, variant.context
        self.fnet = Encoder(variant.block, variant.stages, variant.features, "instance")
        self.cnet = Encoder(variant.block, variant.stages, hidden + context, norm)
        self.update_block = UpdateBlock(variant == LARGE, hidden, context, variant.correlations)
        self.lookup: Lookup = lookup  # another form of the same may take its place
        self.eval()

    def forward(
        self,
        image1: Tensor,
        image2: Tensor,
        iterations: int,
        initial_flow: Tensor | None = None,
        all_iterations: bool = False,
    ) -> RaftOutput:
        """Pictures of values 0 to 255 in RGB, their sides multiples of 8 and at least 64 pixels.

        `initial_flow` is a `flow_low` to start from, (N, 2, H/8, W/8).
        """
        _check(image1, image2, iterations)
        images = normalised(image1), normalised(image2)
        return self.estimate(*images, iterations, initial_flow, all_iterations)

    def estimate(
        self,
        image1: Tensor,
        image2: Tensor,
        iterations: int,
        initial_flow: Tensor | None,
        all_iterations: bool,
    ) -> RaftOutput:
        """The same for pictures of values -1 to 1."""
        pyramid = correlation_pyramid(self.fnet(image1), self.fnet(image2))
        hidden, context = self.cnet(image1).split([self.variant.hidden, self.variant.context], 1)
        hidden, context = torch.tanh(hidden), F.relu(context)

        origin = pixel_grid(pyramid[0])
        flow = torch.zeros_like(origin) if initial_flow is None else initial_flow
        flow_low: list[Tensor] = []
        flows: list[Tensor] = []
        for _ in range(iterations):
            correlation = self.lookup(pyramid, origin + flow, self.variant.radius)
            hidden, step = self.update_block(hidden, context, correlation, flow)
            flow = flow + step
            flow_low.append(flow)
            if all_iterations:
                flows.append(self._upsampled(flow, hidden))
        final = flows[-1] if all_iterations else self._upsampled(flow, hidden)
        return RaftOutput(final, flow_low, flows)

    def _upsampled(self, flow: Tensor, hidden: Tensor) -> Tensor:
        if self.variant == LARGE:
            return convex_upsampling(flow, self.update_block.upsampling_mask(hidden))
        return bilinear_upsampling(flow)


def normalised(image: Tensor) -> Tensor:
    """Values 0 to 255 to -1 to 1."""
    return 2 * (image / 255) - 1


def pixel_grid(level: Tensor) -> Tensor:
    """The places (N, 2, h, w) of the pixels (N, h, w, ...) themselves: x, then y."""
    n, h, w = level.shape[:3]
    y, x = torch.meshgrid(
        torch.arange(h, dtype=level.dtype), torch.arange(w, dtype=level.dtype), indexing="ij"
    )
    return torch.stack([x, y]).expand(n, -1, -1, -1)


def convex_upsampling(flow: Tensor, mask: Tensor) -> Tensor:
    """(N, 2, h, w) to (N, 2, 8h, 8w): each fine pixel a mean of the 3 by 3 coarse ones around it.

    Channel k * 64 + 8 * i + j of the mask (N, 576, h, w) is the logit of neighbour k, in reading
    order, for the fine pixel (i, j) of a cell. Outside of the picture the flow is zero.
    """
    n, _, h, w = flow.shape
    weights = F.softmax(mask.reshape(n, 1, 9, CELL, CELL, h, w), dim=2)
    neighbours = F.unfold(CELL * flow, kernel_size=3, padding=1).reshape(n, 2, 9, 1, 1, h, w)
    fine = (weights * neighbours).sum(dim=2)  # (N, 2, i, j, h, w)
    return fine.permute(0, 1, 4, 2, 5, 3).reshape(n, 2, CELL * h, CELL * w)


def bilinear_upsampling(flow: Tensor) -> Tensor:
    """(N, 2, h, w) to (N, 2, 8h, 8w), the corner pixels on each other."""
    return CELL * F.interpolate(flow, scale_factor=CELL, mode="bilinear", align_corners=True)


@dataclass(frozen=True)
class Padding:
    """Pixels added around a picture, repeating its border, to make its sides multiples of 8."""

    left: int
    right: int
    top: int
    bottom: int

    @staticmethod
    def for_size(height: int, width: int, way: str) -> "Padding":
        """`sintel` splits both sums, the odd pixel right and below; `kitti` adds rows below only.

        A side of less than 64 pixels remains too small for the network.
        """
        if way not in ("sintel", "kitti"):
            raise ValueError(f"padding {way}: expected sintel or kitti")
        rows, columns = -height % CELL, -width % CELL
        left = columns // 2
        top = rows // 2 if way == "sintel" else 0
        return Padding(left, columns - left, top, rows - top)

    def pad(self, image: Tensor) -> Tensor:
        return F.pad(image, (self.left, self.right, self.top, self.bottom), mode="replicate")

    def crop(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        return image[..., self.top : height - self.bottom, self.left : width - self.right]


def _check(image1: Tensor, image2: Tensor, iterations: int) -> None:
    if image1.shape != image2.shape:
        raise ValueError(f"pictures of {tuple(image1.shape)} and {tuple(image2.shape)} differ")
    height, width = image1.shape[-2:]
    if height % CELL or width % CELL or min(height, width) < MINIMUM_SIZE:
        raise ValueError(
            f"picture of {height} x {width}: expected multiples of {CELL} from {MINIMUM_SIZE} on"
        )
    if iterations < 1:
        raise ValueError(f"{iterations} iterations: expected at least 1")
