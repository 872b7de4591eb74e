"""conv_transpose2d with bias and activation."""

import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.activation import (
    activation_magnitude,
    apply_activation,
    draw_activation,
)
from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors

_KERNELS = ((4, 4), (4, 4), (3, 3), (2, 2), (1, 1), (5, 4), (2, 7))


def _draw(draw: Draw) -> Case:
    kernel = draw.choice(_KERNELS)
    stride = draw.choice(([2, 2], [2, 2], [1, 1], [draw.integer(1, 4), draw.integer(1, 4)]))
    dilated = draw.chance(0.25)
    dilation = [draw.integer(1, 3) if dilated else 1 for _ in kernel]
    padding = [draw.integer(0, d * (k - 1)) for d, k in zip(dilation, kernel, strict=True)]
    output_padding = [draw.integer(0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True)]
    # The result has one pixel at least.
    extents = zip(stride, dilation, padding, output_padding, kernel, strict=True)
    least = [max(1, (2 * p - d * (k - 1) - o + s - 1) // s + 1) for s, d, p, o, k in extents]
    size = [max(draw.size(24), side) for side in least]
    groups = draw.choice((1, 1, 1, 2, 3))
    in_channels, group_out = groups * draw.size(60 // groups), draw.size(60 // groups)
    params = {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
        "groups": groups,
        **draw_activation(draw),
    }
    x = draw.normal(draw.batch(), in_channels, *size)
    scale = (in_channels // groups * kernel[0] * kernel[1]) ** -0.5
    tensors = {"x": x, "weight": draw.normal(in_channels, group_out, *kernel, scale=scale)}
    if draw.chance(0.5):
        tensors["bias"] = draw.normal(groups * group_out)
    return Case(params, tensors)


def _convolve(params: Params, tensors: Tensors) -> Tensor:
    names = ("stride", "padding", "output_padding", "groups", "dilation")
    options = {name: params[name] for name in names}
    return F.conv_transpose2d(tensors["x"], tensors["weight"], tensors.get("bias"), **options)


def _reference(params: Params, tensors: Tensors) -> Tensor:
    return apply_activation(params, _convolve(params, tensors))


def _magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    absolute = {name: tensor.abs() for name, tensor in tensors.items()}
    return activation_magnitude(params, _convolve(params, tensors), _convolve(params, absolute))


TRANSPOSED_CONVOLUTION = {"conv_transpose2d": Operator(_draw, _reference, _magnitude)}
