"""Compares keypoints: hewn's from a dump with PyTorch's, position by position.

Two questions are kept apart. Is hewn's post-processing right? Ours, run on hewn's own heat map,
must give the same keypoints to the bit. And do the two heat maps lead to the same keypoints? They
differ in the last bits, so a keypoint may come or go where a score is within TIE of the threshold
or of another score in its suppression window, and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from weights_tools.audit.distance import RATIO_LIMIT, UNIT_ROUNDOFF, distance
from weights_tools.errors import ToolError
from weights_tools.nets.superpoint import SuperPointOutput
from weights_tools.nets.superpoint_keypoints import (
    KeypointOptions,
    Keypoints,
    extract_keypoints,
    local_maxima,
    sample_descriptors,
)

TIE = 1e-6
SCORE_TOLERANCE = 1e-5

_LISTED = 5  # enough to look one up, few enough to read


@dataclass(frozen=True)
class KeypointComparison:
    """Counts and distances; see the module's first lines for what they mean."""

    hewn_count: int
    pytorch_count: int
    shared: int
    explained: int  # in one list only, by a threshold or a tie
    unexplained: list[tuple[int, int]]  # in one list only, by nothing; x, y
    max_score_difference: float
    post_processing: list[str]  # disagreements on hewn's own heat map

    def disagreements(self) -> list[str]:
        found = list(self.post_processing)
        if self.unexplained:
            found.append(
                f"keypoints: {len(self.unexplained)} in one list only, without a tie "
                f"or the threshold to explain them: {_listing(self.unexplained)}"
            )
        if not self.max_score_difference <= SCORE_TOLERANCE:
            found.append(
                f"keypoint scores: differ by {self.max_score_difference:.2e}, "
                f"expected at most {SCORE_TOLERANCE:.0e}"
            )
        return found

    def summary(self) -> str:
        return (
            f"keypoints: hewn {self.hewn_count}, PyTorch {self.pytorch_count}, "
            f"shared {self.shared}, one-sided by a tie or the threshold {self.explained}, "
            f"otherwise {len(self.unexplained)}; "
            f"scores differ by at most {self.max_score_difference:.2e}"
        )


def compare_keypoints(
    dump: Mapping[str, Tensor], pytorch: SuperPointOutput, sampling: str, options: KeypointOptions
) -> KeypointComparison:
    """Compares the dump of one image with PyTorch's float32 output on the same input."""
    _check_dump(dump, pytorch)
    hewn = Keypoints(dump["keypoints"], dump["keypoint_scores"])
    hewn_map, pytorch_map = dump["scores"][0], pytorch.scores[0]
    expected = extract_keypoints(pytorch_map, options)

    theirs, ours = _position_set(hewn), _position_set(expected)
    one_sided = theirs ^ ours
    explained = _explained(one_sided, hewn_map, pytorch_map, options)
    shared = theirs & ours
    difference = max((abs(float(hewn_map[y, x] - pytorch_map[y, x])) for x, y in shared), default=0)

    post_processing = _check_selection(hewn, extract_keypoints(hewn_map, options))
    if pytorch.descriptors is not None:
        post_processing += _check_descriptors(dump, sampling)
    return KeypointComparison(
        hewn_count=len(hewn.scores),
        pytorch_count=len(expected.scores),
        shared=len(shared),
        explained=len(explained),
        unexplained=sorted(one_sided - explained),
        max_score_difference=float(difference),
        post_processing=post_processing,
    )


def _check_dump(dump: Mapping[str, Tensor], pytorch: SuperPointOutput) -> None:
    count = dump["keypoint_scores"].numel() if "keypoint_scores" in dump else 0
    expected = {
        "scores": tuple(pytorch.scores.shape),
        "keypoints": (count, 2),
        "keypoint_scores": (count,),
    }
    if pytorch.descriptors is not None:
        channels = pytorch.descriptors.shape[1]
        expected |= {
            "descriptors": tuple(pytorch.descriptors.shape),
            "keypoint_descriptors": (count, channels),
        }
    for name, shape in expected.items():
        if name not in dump:
            raise ToolError(f"hewn --dump: expected the tensor {name}, but it is missing")
        if tuple(dump[name].shape) != shape:
            raise ToolError(
                f"hewn --dump: expected {name} of the shape {shape}, "
                f"but it is {tuple(dump[name].shape)}"
            )
    positions = dump["keypoints"]
    size = positions.new_tensor([pytorch.scores.shape[2], pytorch.scores.shape[1]])
    if not ((positions >= 0) & (positions < size)).all():
        raise ToolError("hewn --dump: expected keypoints inside the heat map, but one is outside")


def _check_selection(hewn: Keypoints, expected: Keypoints) -> list[str]:
    """Comparing, suppressing and sorting involve no rounding, so equality is the test."""
    if torch.equal(hewn.positions, expected.positions) and torch.equal(
        hewn.scores, expected.scores
    ):
        return []
    one_sided = sorted(_position_set(hewn) ^ _position_set(expected))
    reason = f"one-sided: {_listing(one_sided)}" if one_sided else "the order or a score differs"
    return [f"keypoints: not those of hewn's own heat map; {reason}"]


def _check_descriptors(dump: Mapping[str, Tensor], sampling: str) -> list[str]:
    """hewn's sampling of its own dense descriptors, as near to float64 as 4 times PyTorch's is.

    The floor is one rounding of the largest sampling coordinate: the sampled vector moves with it.
    """
    positions, dense = dump["keypoints"], dump["descriptors"][0]
    truth = sample_descriptors(positions.double(), dense.double(), sampling)
    pytorch = distance(sample_descriptors(positions, dense, sampling), truth).max_abs
    hewn = distance(dump["keypoint_descriptors"], truth).max_abs
    limit = RATIO_LIMIT * max(pytorch, UNIT_ROUNDOFF * max(dense.shape[1:]))
    if hewn <= limit:
        return []
    return [f"keypoint_descriptors: {hewn:.2e} from float64, expected at most {limit:.2e}"]


def _explained(
    one_sided: set[tuple[int, int]], hewn_map: Tensor, pytorch_map: Tensor, options: KeypointOptions
) -> set[tuple[int, int]]:
    """Those of the one-sided keypoints for which the threshold or a tie is the reason.

    A tie may also act at a distance: it decides a higher pixel's survival, and that pixel a lower
    one's within twice the radius. So the pixels whose survival differs are walked from high to low,
    and each is explained by itself or by one explained before it. A pixel never decides a higher
    one's survival, so those below the threshold do not matter.
    """
    radius = options.nms_radius
    differing = local_maxima(hewn_map, radius) != local_maxima(pytorch_map, radius)
    differing &= pytorch_map >= options.threshold - TIE
    by_score = sorted(
        ((int(x), int(y)) for y, x in torch.nonzero(differing)),
        key=lambda position: -float(pytorch_map[position[1], position[0]]),
    )
    explained: set[tuple[int, int]] = set()
    for x, y in by_score:
        if _tied(pytorch_map, x, y, radius) or any(
            abs(x - other_x) <= 2 * radius and abs(y - other_y) <= 2 * radius
            for other_x, other_y in explained
        ):
            explained.add((x, y))
    at_threshold = {
        (x, y) for x, y in one_sided if abs(float(pytorch_map[y, x]) - options.threshold) <= TIE
    }
    return one_sided & (explained | at_threshold)


def _tied(scores: Tensor, x: int, y: int, radius: int) -> bool:
    window = scores[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
    return int(((window - scores[y, x]).abs() <= TIE).sum()) > 1  # the pixel itself is in it


def _position_set(keypoints: Keypoints) -> set[tuple[int, int]]:
    return {(int(x), int(y)) for x, y in keypoints.positions.tolist()}


def _listing(positions: list[tuple[int, int]]) -> str:
    more = ", ..." if len(positions) > _LISTED else ""
    return ", ".join(str(position) for position in positions[:_LISTED]) + more
