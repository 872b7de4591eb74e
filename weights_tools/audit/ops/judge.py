"""Judges one answer of hewn: is it as near to the float64 result as PyTorch's float32 is?

The figure is the ratio of two errors against float64, hewn's to PyTorch's, once in the L2 norm
(where the norm of the truth, which would make it relative, cancels) and once as the largest
absolute difference. Neither may exceed the operator's limit for it, which is RATIO_LIMIT but for
fast convolution.

PyTorch's error may by luck be 0, or far below what float32 can promise: a sum of three products
comes out exact now and then. So it counts as at least a floor,

    floor = unit roundoff * magnitude + half of the smallest float32 number

where the magnitude of an element is the size of the terms summed for it (for a convolution the
same convolution of absolute values; for exp its result). One rounding of one such term moves the
result by up to unit roundoff * magnitude, and no evaluation in float32 has less than one rounding.
With the limit of 4, an answer passes that is 4 such roundings, which is 2 units in the last
place, from the truth; a wrong formula is thousands away.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from weights_tools.audit.distance import UNIT_ROUNDOFF, quotient
from weights_tools.audit.ops.case import Case, Operator, Tensors

_HALF_OF_SMALLEST = 2.0**-150


@dataclass(frozen=True)
class Verdict:
    """The two ratios of a case, and what is wrong with it (None: nothing)."""

    relative_l2_ratio: float = 0.0
    max_abs_ratio: float = 0.0
    failure: str | None = None


def judge(operator: Operator, case: Case, outputs: Tensors) -> Verdict:
    """Compares hewn's outputs of one case with PyTorch's."""
    pytorch = operator.reference(case.params, case.tensors)
    failure = check_form(outputs, pytorch) or _check_special(outputs["y"], pytorch)
    failure = failure or operator.check_more(case, outputs)
    if failure:
        return Verdict(failure=failure)
    if operator.exact(case.params):
        return Verdict(failure=_check_equal(outputs["y"], pytorch))
    return _compare_errors(operator, case, outputs["y"], pytorch)


def check_form(outputs: Tensors, pytorch: Tensor) -> str | None:
    """What is wrong with the name, the shape or the type of the output y, or None."""
    if "y" not in outputs:
        return "expected the tensor y, but it is missing"
    y = outputs["y"]
    if y.shape != pytorch.shape or y.dtype != torch.float32:
        return (
            f"expected y of float32 {tuple(pytorch.shape)}, "
            f"but it is {str(y.dtype).removeprefix('torch.')} {tuple(y.shape)}"
        )
    return None


def _check_special(y: Tensor, pytorch: Tensor) -> str | None:
    """NaN and each infinity must stand where PyTorch's float32 has them."""
    both_finite = torch.isfinite(y) & torch.isfinite(pytorch)
    both_nan = torch.isnan(y) & torch.isnan(pytorch)
    differing = ~(both_finite | both_nan | (y == pytorch))
    return _first_difference("NaN or infinity", y, pytorch, differing)


def _check_equal(y: Tensor, pytorch: Tensor) -> str | None:
    return _first_difference("expected equality", y, pytorch, (y != pytorch) & ~torch.isnan(y))


def _first_difference(what: str, y: Tensor, pytorch: Tensor, differing: Tensor) -> str | None:
    if not differing.any():
        return None
    place = tuple(torch.nonzero(differing)[0].tolist())
    return (
        f"{what}: differs at {int(differing.sum())} of {y.numel()} places, "
        f"first at {place}: hewn {y[place].item():.9g}, PyTorch {pytorch[place].item():.9g}"
    )


def _compare_errors(operator: Operator, case: Case, y: Tensor, pytorch: Tensor) -> Verdict:
    arguments = {name: tensor.double() for name, tensor in case.tensors.items()}
    truth = operator.reference(case.params, arguments)
    finite = torch.isfinite(pytorch) & torch.isfinite(truth)
    if not finite.any():  # nor in an empty result
        return Verdict()
    magnitude = operator.magnitude(case.params, arguments, truth)
    # A finite result of infinite terms, such as the sigmoid of infinity, adds nothing to the floor.
    magnitude = magnitude[finite].nan_to_num(0.0, posinf=0.0)
    floor = UNIT_ROUNDOFF * magnitude + _HALF_OF_SMALLEST
    hewn_error = (y.double() - truth)[finite]
    pytorch_error = (pytorch.double() - truth)[finite]

    l2 = quotient(_l2(hewn_error), max(_l2(pytorch_error), _l2(floor)))
    max_abs = quotient(_max_abs(hewn_error), max(_max_abs(pytorch_error), _max_abs(floor)))
    limits = operator.ratio_limit(case.params), operator.max_abs_limit(case.params)
    if l2 <= limits[0] and max_abs <= limits[1]:
        return Verdict(l2, max_abs)
    failure = f"{l2:.1f} (L2) and {max_abs:.1f} (max-abs) times as far from float64 as PyTorch"
    return Verdict(l2, max_abs, failure)


def _l2(error: Tensor) -> float:
    return error.norm().item()


def _max_abs(error: Tensor) -> float:
    return error.abs().max().item()
