"""conv2d with its epilogue: y = act(conv + bias) * scale + shift + residual."""

import torch.nn.functional as F
from torch import Tensor

from weights_tools.audit.ops.activation import (
    activation_magnitude,
    apply_activation,
    draw_activation,
)
from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors

_KERNELS = ((1, 1), (3, 3), (3, 3), (3, 3), (5, 5), (7, 7), (1, 5), (5, 1), (2, 2), (4, 4), (3, 2))


def _draw(draw: Draw) -> Case:
    kernel = draw.choice(_KERNELS)
    strided = draw.chance(0.4)
    stride = [draw.integer(1, 3) if strided else 1 for _ in kernel]
    dilated = draw.chance(0.25)
    dilation = [draw.integer(1, 4) if dilated else 1 for _ in kernel]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    padding = [draw.choice((0, r // 2, draw.integer(0, r))) for r in reach]
    height, width = (max(draw.size(33), r - 2 * p) for r, p in zip(reach, padding, strict=True))
    groups = draw.choice((1, 1, 1, 1, 2, 3, 8))
    depthwise = groups > 1 and draw.chance(0.5)
    in_channels = groups * (1 if depthwise else draw.size(72 // groups))
    out_channels = groups * (draw.integer(1, 2) if depthwise else draw.size(72 // groups))

    algorithm = draw.choice(("direct", "auto"))
    x = draw.normal(draw.batch(), in_channels, height, width)
    # A fast algorithm may spread NaN and infinity over its tile; the direct one must not.
    if algorithm == "direct" and draw.chance(0.15):
        x = draw.salted(x)
    fan_in = in_channels // groups * kernel[0] * kernel[1]
    weight = draw.normal(out_channels, in_channels // groups, *kernel, scale=fan_in**-0.5)
    params = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "algorithm": algorithm,
        **draw_activation(draw),
    }
    tensors = {"x": x, "weight": weight}
    for name in ("bias", "scale", "shift"):
        if draw.chance(0.5):
            tensors[name] = draw.normal(out_channels)
    if draw.chance(0.3):
        tensors["residual"] = draw.normal(*_convolve(params, tensors).shape)
    return Case(params, tensors)


def _convolve(params: Params, tensors: Tensors) -> Tensor:
    options = {name: params[name] for name in ("stride", "padding", "dilation", "groups")}
    return F.conv2d(tensors["x"], tensors["weight"], tensors.get("bias"), **options)


def _reference(params: Params, tensors: Tensors) -> Tensor:
    return _epilogue(tensors, apply_activation(params, _convolve(params, tensors)))


def _epilogue(tensors: Tensors, y: Tensor) -> Tensor:
    if "scale" in tensors:
        y = y * tensors["scale"][:, None, None]
    if "shift" in tensors:
        y = y + tensors["shift"][:, None, None]
    if "residual" in tensors:
        y = y + tensors["residual"]
    return y


def _magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    absolute = {name: tensor.abs() for name, tensor in tensors.items()}
    sums = _convolve(params, absolute)
    return _epilogue(absolute, activation_magnitude(params, _convolve(params, tensors), sums))


CONVOLUTION = {"conv2d": Operator(_draw, _reference, _magnitude)}
