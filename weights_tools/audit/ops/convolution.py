"""conv2d with its epilogue: y = act(conv + bias + before) * scale + shift + after."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.distance import RATIO_LIMIT
from weights_tools.audit.ops.activation import (
    activation_magnitude,
    apply_activation,
    draw_activation,
)
from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors

_KERNELS = (
    *((1, 1), (3, 3), (3, 3), (3, 3), (5, 5), (7, 7), (1, 5), (1, 5), (5, 1), (5, 1)),
    *((2, 2), (4, 4), (3, 2)),
)

# Winograd's algorithms by hewn's names, and the kernel and stride that each is for.
_WINOGRAD = {
    "winograd_4x4_3x3": ((3, 3), (1, 1)),
    "winograd_2x2_3x3": ((3, 3), (1, 1)),
    "winograd_3x3s2": ((3, 3), (2, 2)),
    "winograd_1x4_1x5": ((1, 5), (1, 1)),
    "winograd_4x1_5x1": ((5, 1), (1, 1)),
}

# Winograd trades rounding error for multiplications: about four times that of the direct sum, and
# six times is the most that ops/conv2d promises. `auto` may choose it, `direct` never.
WINOGRAD_RATIO_LIMIT = 6.0

# The largest error of thousands of outputs stands out more with Winograd, whose outputs are not all
# equally exact within a tile: of 1500 random cases one reached 6.5 where the L2 norm's ratio stayed
# below 2. (tests/ops/winograd_test.cpp holds every single output to a bound of theory.)
_WINOGRAD_MAX_ABS_LIMIT = 8.0

# Channels and pixels along an axis, at most: all-round, deep, and large.
_LIMITS = ((72, 33), (72, 33), (72, 33), (72, 33), (260, 12), (9, 130))


def winograd_algorithms(
    kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], groups: int
) -> list[str]:
    """Those of Winograd's algorithms that can compute such a convolution; with any padding."""
    if groups != 1 or (max(stride) > 1 and max(dilation) > 1):
        return []
    asked = (tuple(kernel), tuple(stride))
    return [name for name, computed in _WINOGRAD.items() if computed == asked]


def _draw(draw: Draw) -> Case:
    most_channels, most_pixels = draw.choice(_LIMITS)
    kernel = draw.choice(_KERNELS)
    geometry, size = _draw_geometry(draw, kernel, most_pixels)
    groups, in_channels, out_channels = _draw_channels(draw, most_channels)
    winograd = winograd_algorithms(kernel, geometry["stride"], geometry["dilation"], groups)
    algorithm = draw.choice(("direct", "auto", *winograd))
    params = {**geometry, "groups": groups, "algorithm": algorithm, **draw_activation(draw)}

    x = draw.normal(draw.batch(), in_channels, *size)
    # A fast algorithm may spread NaN and infinity over its tile; the direct one must not.
    if algorithm == "direct" and draw.chance(0.15):
        x = draw.salted(x)
    fan_in = in_channels // groups * kernel[0] * kernel[1]
    weight = draw.normal(out_channels, in_channels // groups, *kernel, scale=fan_in**-0.5)
    tensors = {"x": x, "weight": weight}
    for name in ("bias", "scale", "shift"):
        if draw.chance(0.5):
            tensors[name] = draw.normal(out_channels)
    shape = _convolve(params, tensors).shape
    for name in ("before", "after"):
        if draw.chance(0.3):
            tensors[name] = draw.normal(*shape)
    return Case(params, tensors)


def _draw_geometry(
    draw: Draw, kernel: tuple[int, int], most_pixels: int
) -> tuple[Params, list[int]]:
    """Stride, padding and dilation, and a height and width that hold one window at least."""
    strided, dilated = draw.chance(0.4), draw.chance(0.25)
    stride = [draw.integer(1, 3) if strided else 1 for _ in kernel]
    dilation = [draw.integer(1, 4) if dilated else 1 for _ in kernel]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    padding = [draw.choice((0, r // 2, draw.integer(0, r))) for r in reach]
    size = [max(draw.size(most_pixels), r - 2 * p) for r, p in zip(reach, padding, strict=True)]
    return {"stride": stride, "padding": padding, "dilation": dilation}, size


def _draw_channels(draw: Draw, most: int) -> tuple[int, int, int]:
    """Groups, input channels and output channels; of several groups, half are depthwise."""
    groups = draw.choice((1, 1, 1, 1, 2, 3, 8))
    if groups > 1 and draw.chance(0.5):
        return groups, groups, groups * draw.integer(1, 2)
    return groups, groups * draw.size(most // groups), groups * draw.size(most // groups)


def _convolve(params: Params, tensors: Tensors) -> Tensor:
    options = {name: params[name] for name in ("stride", "padding", "dilation", "groups")}
    return F.conv2d(tensors["x"], tensors["weight"], tensors.get("bias"), **options)


def _reference(params: Params, tensors: Tensors) -> Tensor:
    return _epilogue(tensors, apply_activation(params, _before_activation(params, tensors)))


def _before_activation(params: Params, tensors: Tensors) -> Tensor:
    y = _convolve(params, tensors)
    return y + tensors["before"] if "before" in tensors else y


def _epilogue(tensors: Tensors, y: Tensor) -> Tensor:
    if "scale" in tensors:
        y = y * tensors["scale"][:, None, None]
    if "shift" in tensors:
        y = y + tensors["shift"][:, None, None]
    if "after" in tensors:
        y = y + tensors["after"]
    return y


def _magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    absolute = {name: tensor.abs() for name, tensor in tensors.items()}
    sums = _before_activation(params, absolute)
    exact = _before_activation(params, tensors)
    return _epilogue(absolute, activation_magnitude(params, exact, sums))


def winograd_ratio_limit(params: Params) -> float:
    """For whatever may be run by Winograd's algorithms unless it is `direct`."""
    return RATIO_LIMIT if params["algorithm"] == "direct" else WINOGRAD_RATIO_LIMIT


def winograd_max_abs_limit(params: Params) -> float:
    return RATIO_LIMIT if params["algorithm"] == "direct" else _WINOGRAD_MAX_ABS_LIMIT


CONVOLUTION = {
    "conv2d": Operator(
        _draw,
        _reference,
        _magnitude,
        ratio_limit=winograd_ratio_limit,
        max_abs_limit=winograd_max_abs_limit,
    ),
}
