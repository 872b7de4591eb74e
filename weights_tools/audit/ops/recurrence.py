"""Gated recurrent units: gru_cell and gru on vectors, conv_gru on feature maps."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weights_tools.audit.ops.activation import activation_magnitude
from weights_tools.audit.ops.case import Case, Draw, Operator, Params, Tensors
from weights_tools.audit.ops.convolution import winograd_max_abs_limit, winograd_ratio_limit


@dataclass(frozen=True)
class _Term:
    """A value, and the magnitude behind it: what one rounding of its terms is relative to."""

    value: Tensor
    size: Tensor

    def __add__(self, other: "_Term") -> "_Term":
        return _Term(self.value + other.value, self.size + other.size)

    def __mul__(self, other: "_Term") -> "_Term":
        """The error of a product, to first order: each factor's times the other."""
        size = self.size * other.value.abs() + self.value.abs() * other.size
        return _Term(self.value * other.value, size)


def _argument(value: Tensor) -> _Term:
    return _Term(value, value.abs())


def _sigmoid(x: _Term) -> _Term:
    size = activation_magnitude({"activation": "sigmoid"}, x.value, x.size)
    return _Term(torch.sigmoid(x.value), size)


def _tanh(x: _Term) -> _Term:
    size = activation_magnitude({"activation": "tanh"}, x.value, x.size)
    return _Term(torch.tanh(x.value), size)


def _mixed_size(a: _Term, b: _Term, gate: _Term) -> Tensor:
    """Of (1 - gate) a + gate b, which an error of the gate moves from a towards b."""
    moved = gate.size * (b.value - a.value).abs()
    return (1 - gate.value) * a.size + gate.value * b.size + moved


# Units on vectors.


def _draw_unit(draw: Draw, rows: tuple[int, ...], state: tuple[int, ...]) -> Case:
    """A unit of vectors with either bias, both or none; rows and state are shapes before them."""
    inputs, hidden = draw.size(130), draw.size(80)
    gain = draw.choice((0.5, 1.0, 3.0))
    x = draw.normal(*rows, inputs, scale=draw.choice((0.1, 1.0, 10.0)))
    tensors = {
        "x": draw.salted(x) if draw.chance(0.1) else x,
        "h": torch.tanh(draw.normal(*state, hidden, scale=draw.choice((0.0, 1.0, 3.0)))),
        "weight_ih": draw.normal(3 * hidden, inputs, scale=gain * inputs**-0.5),
        "weight_hh": draw.normal(3 * hidden, hidden, scale=gain * hidden**-0.5),
    }
    for name in ("bias_ih", "bias_hh"):
        if draw.chance(0.6):
            tensors[name] = draw.normal(3 * hidden)
    return Case({}, tensors)


def _draw_gru_cell(draw: Draw) -> Case:
    batch = 0 if draw.chance(0.03) else draw.size(65)
    return _draw_unit(draw, (batch,), (batch,))


def _draw_gru(draw: Draw) -> Case:
    batch = 0 if draw.chance(0.03) else draw.size(17)
    return _draw_unit(draw, (batch, draw.size(9)), (batch, 1))


def _load(unit: nn.Module, tensors: Tensors, suffix: str = "") -> None:
    """A bias that a case does not have is 0, which PyTorch's units know together or not at all."""
    weights = {name: tensors[name] for name in ("weight_ih", "weight_hh")}
    zeros = torch.zeros_like(tensors["weight_ih"][:, 0])
    biases = {name: tensors.get(name, zeros) for name in ("bias_ih", "bias_hh")}
    state = {**weights, **biases}
    unit.load_state_dict({name + suffix: tensor for name, tensor in state.items()})


@torch.no_grad()
def _gru_cell(params: Params, tensors: Tensors) -> Tensor:
    x, h = tensors["x"], tensors["h"]
    cell = nn.GRUCell(x.shape[-1], h.shape[-1], dtype=x.dtype)
    _load(cell, tensors)
    return cell(x, h)


@torch.no_grad()
def _gru(params: Params, tensors: Tensors) -> Tensor:
    x, h = tensors["x"], tensors["h"]
    layer = nn.GRU(x.shape[-1], h.shape[-1], batch_first=True, dtype=x.dtype)
    _load(layer, tensors, suffix="_l0")
    return layer(x, h.transpose(0, 1))[0]


def _products(tensors: Tensors, rows: str, kind: str) -> list[_Term]:
    """The rows' products with the weights of a kind, for r, z and n."""
    weight, bias = tensors[f"weight_{kind}"], tensors.get(f"bias_{kind}")
    value = F.linear(tensors[rows], weight, bias)
    size = F.linear(tensors[rows].abs(), weight.abs(), None if bias is None else bias.abs())
    return [
        _Term(*gate) for gate in zip(value.chunk(3, dim=-1), size.chunk(3, dim=-1), strict=True)
    ]


def _gru_cell_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    r_x, z_x, n_x = _products(tensors, "x", "ih")
    r_h, z_h, n_h = _products(tensors, "h", "hh")
    n = _tanh(n_x + _sigmoid(r_x + r_h) * n_h)
    return _mixed_size(n, _argument(tensors["h"]), _sigmoid(z_x + z_h))


def _gru_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    """Of every step for itself, as if the state before it were exact."""
    before = torch.cat([tensors["h"], y[:, :-1]], dim=1)
    return _gru_cell_magnitude(params, {**tensors, "h": before}, y)


# A unit on feature maps.

_KERNELS = ((3, 3), (3, 3), (1, 5), (5, 1), (1, 5), (5, 1), (1, 1), (5, 3))

# Hidden channels, inputs and pixels along an axis, at most.
_LIMITS = ((36, 36, 20), (36, 36, 20), (130, 150, 7), (3, 9, 40))


def _draw_conv_gru(draw: Draw) -> Case:
    most_hidden, most_inputs, most_pixels = draw.choice(_LIMITS)
    hidden, inputs = draw.size(most_hidden), draw.size(most_inputs)
    batch, _, height, width = draw.maps(1, most_pixels, most_pixels)
    kernel = draw.choice(_KERNELS)
    fan_in = (hidden + inputs) * kernel[0] * kernel[1]
    state = draw.normal(batch, hidden, height, width, scale=draw.choice((0.3, 1.0, 3.0)))
    tensors = {"h": torch.tanh(state), "x": draw.normal(batch, inputs, height, width)}
    gain = draw.choice((0.5, 1.0, 3.0))
    for gate in "zrq":
        shape = (hidden, hidden + inputs, *kernel)
        tensors[f"weight_{gate}"] = draw.normal(*shape, scale=gain * fan_in**-0.5)
        tensors[f"bias_{gate}"] = draw.normal(hidden)
    constants = 0 if draw.chance(0.4) else draw.integer(0, inputs - 1)
    return Case({"constants": constants, "algorithm": draw.choice(("direct", "auto"))}, tensors)


def _convolve(tensors: Tensors, gate: str, maps: Tensor) -> Tensor:
    weight, bias = tensors[f"weight_{gate}"], tensors[f"bias_{gate}"]
    return F.conv2d(maps, weight, bias, padding=(weight.shape[2] // 2, weight.shape[3] // 2))


def _conv_gru(params: Params, tensors: Tensors) -> Tensor:
    """One step, whatever part of the inputs is constant and whatever the algorithm."""
    h, x = tensors["h"], tensors["x"]
    hx = torch.cat([h, x], dim=1)
    z, r = (torch.sigmoid(_convolve(tensors, gate, hx)) for gate in "zr")
    q = torch.tanh(_convolve(tensors, "q", torch.cat([r * h, x], dim=1)))
    return (1 - z) * h + z * q


def _conv_gru_magnitude(params: Params, tensors: Tensors, y: Tensor) -> Tensor:
    absolute = {name: tensor.abs() for name, tensor in tensors.items()}

    def gate_of(gate: str, h: _Term) -> _Term:
        value = _convolve(tensors, gate, torch.cat([h.value, tensors["x"]], dim=1))
        return _Term(value, _convolve(absolute, gate, torch.cat([h.size, absolute["x"]], dim=1)))

    h = _argument(tensors["h"])
    z, r = (_sigmoid(gate_of(gate, h)) for gate in "zr")
    return _mixed_size(h, _tanh(gate_of("q", r * h)), z)


RECURRENCE = {
    "gru_cell": Operator(_draw_gru_cell, _gru_cell, _gru_cell_magnitude),
    "gru": Operator(_draw_gru, _gru, _gru_magnitude),
    "conv_gru": Operator(
        _draw_conv_gru,
        _conv_gru,
        _conv_gru_magnitude,
        ratio_limit=winograd_ratio_limit,
        max_abs_limit=winograd_max_abs_limit,
    ),
}
