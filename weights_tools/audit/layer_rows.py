"""Compares a network's tensors layer by layer, and prints the distances."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from weights_tools.audit.distance import Distance, distance, quotient
from weights_tools.errors import ToolError

_NAME_WIDTH = 16  # and more where a name is longer


@dataclass(frozen=True)
class LayerRow:
    """One layer's distance to PyTorch in float64: hewn's, and PyTorch's own in float32."""

    name: str
    hewn: Distance
    pytorch: Distance
    limit: float  # of hewn's relative L2 distance

    @property
    def max_abs_ratio(self) -> float:
        return quotient(self.hewn.max_abs, self.pytorch.max_abs)

    @property
    def relative_l2_ratio(self) -> float:
        return quotient(self.hewn.relative_l2, self.pytorch.relative_l2)


def compare_layers(
    hewn: Mapping[str, Tensor],
    pytorch: Mapping[str, Tensor],
    truth: Mapping[str, Tensor],
    limit: Callable[[str], float],
) -> list[LayerRow]:
    """A row for each tensor of the truth, in its order; hewn's must be there, of the same shape."""
    rows: list[LayerRow] = []
    for name, expected in truth.items():
        check_shape(hewn, name, tuple(expected.shape))
        errors = distance(hewn[name], expected), distance(pytorch[name], expected)
        rows.append(LayerRow(name, *errors, limit(name)))
    return rows


def check_shape(hewn: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> None:
    if name not in hewn:
        raise ToolError(f"hewn --dump and --trace: expected the tensor {name}, it is missing")
    if hewn[name].shape != shape:
        raise ToolError(
            f"hewn's {name}: expected the shape {shape}, but it is {tuple(hewn[name].shape)}"
        )


def beyond_limits(rows: Iterable[LayerRow]) -> list[str]:
    """One line for each layer beyond its limit."""
    return [
        f"{row.name}: relative L2 distance {row.hewn.relative_l2:.2e} to PyTorch's float64, "
        f"expected at most {row.limit:.0e}"
        for row in rows
        if not row.hewn.relative_l2 <= row.limit  # so that NaN fails too
    ]


def as_table(rows: Sequence[LayerRow]) -> str:
    """As text, one line a layer."""
    width = max([_NAME_WIDTH, *(len(row.name) for row in rows)])
    title = f"{'distance to PyTorch in float64':<{width + 18}}"
    lines = [
        f"{title}max-abs                        relative L2",
        f"{'layer':<{width}}       hewn   PyTorch     ratio       hewn   PyTorch     ratio",
    ]
    for row in rows:
        lines.append(
            f"{row.name:<{width}} {row.hewn.max_abs:10.2e}{row.pytorch.max_abs:10.2e}"
            f"{row.max_abs_ratio:10.2f} {row.hewn.relative_l2:10.2e}"
            f"{row.pytorch.relative_l2:10.2e}{row.relative_l2_ratio:10.2f}"
        )
    return "\n".join(lines)


def as_documents(rows: Iterable[LayerRow]) -> list[dict[str, Any]]:
    """For JSON; an infinite ratio becomes null."""
    return [
        {
            "name": row.name,
            "hewn": asdict(row.hewn),
            "pytorch_float32": asdict(row.pytorch),
            "max_abs_ratio": _finite(row.max_abs_ratio),
            "relative_l2_ratio": _finite(row.relative_l2_ratio),
            "relative_l2_limit": row.limit,
        }
        for row in rows
    ]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
