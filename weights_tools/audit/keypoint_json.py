"""Checks the JSON report of `hewn keypoints` against the dump of the same run."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

# The report's scores may be written to six decimals.
_SCORE_TOLERANCE = 1e-6


def check_report(report: Any, positions: Tensor, scores: Tensor) -> list[str]:
    """What differs between the report's keypoints and the dump's; both are best first."""
    listed = list(_keypoints(report))
    if len(listed) != len(scores):
        return [f"hewn --json: {len(listed)} keypoints, but {len(scores)} in the dump"]
    pairs = zip(listed, positions.tolist(), scores.tolist(), strict=True)
    for index, (keypoint, (x, y), score) in enumerate(pairs):
        close = abs(keypoint["score"] - score) <= _SCORE_TOLERANCE
        if not (close and keypoint["x"] == x and keypoint["y"] == y):
            return [f"hewn --json: keypoint {index} is {keypoint}, but {(x, y, score)} in the dump"]
    return []


def _keypoints(node: Any) -> Iterator[dict[str, float]]:
    """Every object with x, y and score, wherever it stands in the document."""
    if isinstance(node, dict):
        if {"x", "y", "score"} <= node.keys():
            yield {name: float(node[name]) for name in ("x", "y", "score")}
            return
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _keypoints(child)
