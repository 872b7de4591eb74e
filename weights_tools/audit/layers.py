"""The rounding error of each algorithm of conv2d on the layers of the networks, beside PyTorch's.

The layers are those that the benchmarks run, bench/shapes/*.txt. Their inputs are like those in a
network: rectified standard normal values, and normal weights of variance 2 / fan-in (He et al.,
2015), which keep the size of the values from layer to layer.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from weights_tools.audit.distance import RATIO_LIMIT, distance, quotient
from weights_tools.audit.ops.audit_operators import run_cases
from weights_tools.audit.ops.case import Case, Draw
from weights_tools.audit.ops.convolution import (
    CONVOLUTION,
    WINOGRAD_RATIO_LIMIT,
    winograd_algorithms,
)
from weights_tools.audit.ops.judge import check_form
from weights_tools.errors import ToolError

_CONV2D = CONVOLUTION["conv2d"]

# Every output is a sum of its own, so an error over more pixels than this is the same to two
# digits. A dilated map falls into as many maps as the dilation squared; each keeps 4 pixels a side.
_ENOUGH_PIXELS = 48
_ENOUGH_PIXELS_OF_A_PHASE = 4

_FIELDS = "name h w in out kernel stride padding dilation"


@dataclass(frozen=True)
class Layer:
    """One convolution of a network; pairs are rows before columns."""

    network: str
    name: str
    size: tuple[int, int]
    in_channels: int
    out_channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


@dataclass(frozen=True)
class LayerErrors:
    """The relative L2 distances to float64 on one layer."""

    network: str
    name: str
    pytorch: float
    direct: float
    winograd: dict[str, float]  # by the algorithm's name, of those that apply

    @property
    def direct_ratio(self) -> float:
        return quotient(self.direct, self.pytorch)

    def winograd_ratio(self, algorithm: str) -> float:
        return quotient(self.winograd[algorithm], self.direct)


def read_layers(folder: Path) -> list[Layer]:
    """The layers of every list in the folder; a list's name is the network's."""
    paths = sorted(folder.glob("*.txt"))
    if not paths:
        raise ToolError(f"{folder}: expected lists of layers, *.txt, but there are none")
    return [layer for path in paths for layer in _read_list(path)]


def audit_layers(
    runner: Path, layers: Sequence[Layer], seed: int, isa: str | None, options: list[str]
) -> list[LayerErrors]:
    """The errors of all algorithms that apply to each layer."""
    return [_audit_layer(runner, layer, seed, isa, options) for layer in layers]


def disagreements(audit: Sequence[LayerErrors]) -> list[str]:
    """One line for each error beyond its limit; NaN is beyond any."""
    lines: list[str] = []
    for row in audit:
        where = f"{row.network} {row.name}"
        if not row.direct_ratio <= RATIO_LIMIT:
            lines.append(
                f"{where}: direct: {row.direct_ratio:.2f} times PyTorch's error, "
                f"expected at most {RATIO_LIMIT:g}"
            )
        for algorithm in row.winograd:
            ratio = row.winograd_ratio(algorithm)
            if not ratio <= WINOGRAD_RATIO_LIMIT:
                lines.append(
                    f"{where}: {algorithm}: {ratio:.2f} times the direct algorithm's error, "
                    f"expected at most {WINOGRAD_RATIO_LIMIT:g}"
                )
    return lines


def as_table(audit: Sequence[LayerErrors]) -> str:
    """The figures as a table in Markdown, one line for each layer and algorithm of Winograd's."""
    header = (
        *("network", "layer", "PyTorch float32", "hewn direct", "/ PyTorch"),
        *("Winograd", "error", "/ direct", "/ PyTorch"),
    )
    alignment = ("---", "---", "---:", "---:", "---:", "---", "---:", "---:", "---:")
    return "\n".join(_line(cells) for cells in (header, alignment, *_table_rows(audit)))


def as_json(audit: Sequence[LayerErrors]) -> str:
    """The distances as a JSON document; one that is not finite becomes null."""
    return json.dumps({"layers": [_finite(asdict(row)) for row in audit]}, indent=2)


def _read_list(path: Path) -> list[Layer]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: cannot be read: {error}") from error
    layers: list[Layer] = []
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        try:
            layers.append(_parse(path.stem, line))
        except ValueError as error:
            raise ToolError(f"{path}:{number}: expected '{_FIELDS}', got '{line}'") from error
    return layers


def _parse(network: str, line: str) -> Layer:
    name, height, width, in_channels, out_channels, *pairs = line.split()
    kernel, stride, padding, dilation = (_pair(field) for field in pairs)
    size = (int(height), int(width))
    channels = (int(in_channels), int(out_channels))
    return Layer(network, name, size, *channels, kernel, stride, padding, dilation)


def _pair(field: str) -> tuple[int, int]:
    """A field for both axes, `3`, or rows x columns, `1x5`."""
    first, *more = (int(number) for number in field.split("x"))
    (second,) = more or [first]
    return first, second


def _audit_layer(
    runner: Path, layer: Layer, seed: int, isa: str | None, options: list[str]
) -> LayerErrors:
    winograd = winograd_algorithms(layer.kernel, layer.stride, layer.dilation, groups=1)
    cases = _cases(layer, ("direct", *winograd), seed)
    params, tensors = cases[0].params, cases[0].tensors
    pytorch = _CONV2D.reference(params, tensors)
    truth = _CONV2D.reference(params, {name: each.double() for name, each in tensors.items()})

    def error(case: Case, outputs: dict[str, Tensor]) -> float:
        failure = check_form(outputs, pytorch)
        if failure:
            algorithm = case.params["algorithm"]
            raise ToolError(f"{runner.name}: {layer.network} {layer.name} {algorithm}: {failure}")
        return distance(outputs["y"], truth).relative_l2

    answers = run_cases(runner, "conv2d", cases, isa, options)
    direct, *others = (error(*pair) for pair in zip(cases, answers, strict=True))
    return LayerErrors(
        layer.network,
        layer.name,
        distance(pytorch, truth).relative_l2,
        direct,
        dict(zip(winograd, others, strict=True)),
    )


def _cases(layer: Layer, algorithms: Sequence[str], seed: int) -> list[Case]:
    """One case for each algorithm, each on a copy of the same values: no two may share memory."""
    draw = Draw(f"{seed}/{layer.network}/{layer.name}")
    x = draw.normal(1, layer.in_channels, *cropped_size(layer)).relu()
    fan_in = layer.in_channels * math.prod(layer.kernel)
    scale = math.sqrt(2 / fan_in)
    weight = draw.normal(layer.out_channels, layer.in_channels, *layer.kernel, scale=scale)
    params = {
        "stride": list(layer.stride),
        "padding": list(layer.padding),
        "dilation": list(layer.dilation),
        "groups": 1,
        "activation": "none",
    }
    return [
        Case({**params, "algorithm": algorithm}, {"x": x.clone(), "weight": weight.clone()})
        for algorithm in algorithms
    ]


def cropped_size(layer: Layer) -> tuple[int, int]:
    """The height and width of a part of the layer's map that is large enough."""
    height, width = (
        min(side, max(_ENOUGH_PIXELS, _ENOUGH_PIXELS_OF_A_PHASE * dilation))
        for side, dilation in zip(layer.size, layer.dilation, strict=True)
    )
    return height, width


def _table_rows(audit: Sequence[LayerErrors]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for row in audit:
        direct = (f"{row.pytorch:.2e}", f"{row.direct:.2e}", f"{row.direct_ratio:.2f}")
        winograd = [
            (
                algorithm,
                f"{error:.2e}",
                f"{row.winograd_ratio(algorithm):.2f}",
                f"{quotient(error, row.pytorch):.2f}",
            )
            for algorithm, error in row.winograd.items()
        ]
        for columns in winograd or [("",) * 4]:
            rows.append((row.network, row.name, *direct, *columns))
    return rows


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
