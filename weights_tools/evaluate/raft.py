"""Optical flow by `hewn flow` beside OpenCV's, by the end-point error on pairs whose flow is known.

The held-out pairs are those of train/motion.py from photographs that no training saw, 256 x 320
pixels, stored as PNG of 8 bits: half of small motion (layers shift by up to 1 to 5 pixels), half
of large motion (up to 5 to 40). None is chosen and none left out. They are made by the same rule
as the training's, so the figures say nothing of other kinds of pictures. The one pair of another
origin, flow_tiny, has 50 x 50 pixels; each method gets it with its border repeated up to 64 x 64,
since hewn takes nothing smaller than 57 x 57, and is judged on the 50 x 50.

An end-point error is the length of the difference of two vectors, in pixels. `visible` leaves out
the pixels that are hidden in the second picture or outside of it.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from weights_tools import flow_file
from weights_tools.audit.program import run_program
from weights_tools.errors import report_errors
from weights_tools.evaluate import report
from weights_tools.train import motion, photographs

HEIGHT, WIDTH = 256, 320
SMALL, LARGE = (1.0, 5.0), (5.0, 40.0)  # pixels: between which the longest shift of a pair is drawn
WEIGHTS = Path("models/raft/raft_small.safetensors")

_SIDE = 64  # to which a smaller picture is padded
_KINDS = ("small", "large", "together", "visible", "flow_tiny")


@dataclass(frozen=True)
class Case:
    kind: str  # small, large or flow_tiny
    first: np.ndarray  # (H, W, 3) of bytes, RGB
    second: np.ndarray
    flow: np.ndarray  # (2, H, W)
    visible: np.ndarray  # (H, W)


Way = Callable[[np.ndarray, np.ndarray], np.ndarray]  # two pictures to the flow (2, H, W)


def held_out_pairs(count: int, seed: int) -> list[Case]:
    """`count` pairs of each kind, the same for the same seed."""
    pictures = list(photographs.load_all(photographs.HELD_OUT).values())
    cases = []
    for which, (kind, (shortest, longest)) in enumerate((("small", SMALL), ("large", LARGE))):
        for number in range(count):
            rng = np.random.default_rng((seed, which, number))
            reach = float(np.exp(rng.uniform(np.log(shortest), np.log(longest))))
            pair = motion.make_pair(rng, pictures, HEIGHT, WIDTH, reach)
            first, second = (motion.as_bytes(picture) for picture in (pair.first, pair.second))
            cases.append(Case(kind, first, second, pair.flow, pair.visible))
    return cases


def tiny_pair() -> list[Case]:
    """The pair of `$HEWN_SHARED`, or none where that is not at hand."""
    folder = Path(os.environ.get("HEWN_SHARED") or "../shared") / "data" / "flow_tiny"
    if not folder.is_dir():
        print(f"left out: flow_tiny: {folder} is missing; set HEWN_SHARED to the folder above data")
        return []
    first, second = (
        np.ascontiguousarray(cv2.imread(str(folder / name), cv2.IMREAD_COLOR)[..., ::-1])
        for name in ("a_0.png", "a_1.png")
    )
    flow = flow_file.read(folder / "a.flo")[0].numpy()
    return [Case("flow_tiny", first, second, flow, np.ones(flow.shape[1:], bool))]


def at_rest(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.zeros((2, *first.shape[:2]), np.float32)


def farneback(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """With enough levels for 40 pixels, and the larger of the neighbourhoods its manual names."""
    grey = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first, second))
    flow = cv2.calcOpticalFlowFarneback(*grey, None, 0.5, 5, 15, 10, 7, 1.5, 0)
    return flow.transpose(2, 0, 1)


def dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dense inverse search, the slowest and best of its presets."""
    grey = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first, second))
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(*grey, None).transpose(2, 0, 1)


def of_hewn(hewn: Path, weights: Path, options: Sequence[str]) -> Way:
    def flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        with tempfile.TemporaryDirectory(prefix="hewn-evaluate-") as folder:
            pictures = [Path(folder, name) for name in ("first.png", "second.png")]
            for path, picture in zip(pictures, (first, second), strict=True):
                cv2.imwrite(str(path), picture[..., ::-1])
            out = Path(folder, "flow.flo")
            command = [hewn, "flow", *pictures, "--weights", weights, "--out", out, "--quiet"]
            run_program([*command, *options])
            return flow_file.read(out)[0].numpy()

    return flow


def errors(way: Way, case: Case) -> np.ndarray:
    """The end-point error (H, W) of every pixel."""
    height, width = case.flow.shape[1:]
    rows, columns = max(0, _SIDE - height), max(0, _SIDE - width)
    top, left = rows // 2, columns // 2
    padding = (top, rows - top, left, columns - left, cv2.BORDER_REPLICATE)
    first, second = (cv2.copyMakeBorder(x, *padding) for x in (case.first, case.second))
    found = way(first, second)[:, top : top + height, left : left + width]
    return np.linalg.norm(found - case.flow, axis=0)


def summary(way: Way, cases: Sequence[Case]) -> dict[str, float]:
    """The mean error of each kind: over pairs, all of which of a kind have the same size."""
    of_kind: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    for case in cases:
        error = errors(way, case)
        of_kind[case.kind].append(float(error.mean()))
        if case.kind != "flow_tiny":
            of_kind["together"].append(float(error.mean()))
            of_kind["visible"].append(float(error[case.visible].mean()))
    return {kind: round(float(np.mean(means)), 3) for kind, means in of_kind.items() if means}


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    kinds = list(next(iter(rows.values())))
    lines = [
        f"| end-point error, pixels | {' | '.join(kinds)} |",
        "| --- |" + " ---: |" * len(kinds),
    ]
    for name, row in rows.items():
        lines.append(f"| {name} | {' | '.join(f'{row[kind]:.3f}' for kind in kinds)} |")
    return "\n".join(lines)


def evaluate(arguments: argparse.Namespace) -> int:
    hewn = report.program(arguments)
    options = ["--iters", str(arguments.iters), *report.threads(arguments)]
    ways: dict[str, Way] = {
        "no motion at all": at_rest,
        "Farneback (OpenCV)": farneback,
        "DIS, medium (OpenCV)": dis,
        "hewn": of_hewn(hewn, arguments.weights, options),
    }
    cases = [*held_out_pairs(arguments.count, arguments.seed), *tiny_pair()]
    rows = {name: summary(way, cases) for name, way in ways.items()}
    print(table(rows))
    document = {
        "pairs": f"{arguments.count} of small and {arguments.count} of large motion",
        "size": [HEIGHT, WIDTH],
        "photographs": sorted(photographs.load_all(photographs.HELD_OUT)),
        "seed": arguments.seed,
        "iterations": arguments.iters,
        "end-point error, pixels": rows,
    }
    report.deliver(arguments, document, arguments.weights)
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = report.options("raft", __doc__, WEIGHTS, seed=7)
    parser.add_argument("--count", type=int, default=30, metavar="N", help="pairs of each kind")
    parser.add_argument("--iters", type=int, default=20, metavar="N", help="of the network")
    arguments = parser.parse_args(argv)
    return report_errors("evaluate", lambda: evaluate(arguments))
