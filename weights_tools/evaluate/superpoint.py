"""How well keypoints are found again, and homographies from them, beside OpenCV's ORB and SIFT.

As in section 7 of SuperPoint's paper, on views of held-out photographs whose homographies are
known: repeatability (3 pixels, 300 points, 240 x 320) and the part of homographies whose corners
come to lie within 1, 3 and 5 pixels (1000 points, 480 x 640, mutual nearest neighbours, OpenCV's
RANSAC for all). Half of the views are taken from elsewhere in nearly the same light, half from the
same place in another light.

Where $HEWN_SHARED has OpenCV's pictures of a box and of a table with it among other things, `hewn
match` also has to find the box: at half its size, and turned. What SIFT finds there is the truth.

    python -m weights_tools.evaluate superpoint [--weights F] [--detector F] [--json F] [--note]
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from weights_tools.audit.program import run_program
from weights_tools.errors import ToolError, report_errors
from weights_tools.evaluate import report
from weights_tools.train import homographies, photographs, photometry, textures

WEIGHTS = Path("models/superpoint/superpoint.safetensors")
REPEATABILITY_SIZE, HOMOGRAPHY_SIZE = (240, 320), (480, 640)
REPEATABILITY_POINTS, HOMOGRAPHY_POINTS = 300, 1000
NMS_RADIUS = 4
CORRECT = 3.0  # pixels between a point and its partner
ERRORS = (1, 3, 5)
VIEWS = 8  # of each kind and photograph
RANSAC_PIXELS = 3.0


@dataclass(frozen=True)
class Pair:
    """A picture (H, W) of bytes, another of it, and the homography from the first to the second."""

    kind: str
    first: np.ndarray
    second: np.ndarray
    homography: np.ndarray


@dataclass(frozen=True)
class Features:
    """Points (K, 2), best first, and their descriptors (K, ...) if there are any."""

    points: np.ndarray
    descriptors: np.ndarray | None


@dataclass
class Figures:
    """Of one method; the rates are for all pairs and for each kind of them."""

    repeatability: dict[str, float]
    homography: dict[str, dict[str, float]]  # by the error


Method = Callable[[Sequence[np.ndarray], int], list[Features]]


def make_pairs(size: tuple[int, int], seed: int) -> list[Pair]:
    """The middle of each held-out photograph and views of it."""
    rng = np.random.default_rng(seed)
    pairs = []
    for photograph in photographs.load_all(photographs.HELD_OUT).values():
        picture = _middle(photograph, *size) @ textures.GREY
        for _ in range(VIEWS):
            seen = homographies.random_homography(
                rng, *size, rotation=25, zoom=1.25, tilt=0.25, shift=0.1
            )
            view = photometry.changed(rng, homographies.view(picture, seen), strength=0.3)
            light = photometry.changed(rng, picture, strength=1.3)
            pairs.append(Pair("viewpoint", _bytes(picture), _bytes(view), seen))
            pairs.append(Pair("light", _bytes(picture), _bytes(light), np.eye(3)))
    return pairs


def _middle(photograph: np.ndarray, height: int, width: int) -> np.ndarray:
    """As much of a photograph as has this shape, of values 0 to 1."""
    rows, columns = photograph.shape[:2]
    scale = min(rows / height, columns / width)
    h, w = int(height * scale), int(width * scale)
    top, left = (rows - h) // 2, (columns - w) // 2
    part = photograph[top : top + h, left : left + w]
    way = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return cv2.resize(part, (width, height), interpolation=way).astype(np.float32) / 255


def _bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(255 * picture), 0, 255).astype(np.uint8)


def hewn_method(
    hewn: Path, weights: Path, threads: Sequence[str], describes: bool = True
) -> Method:
    """`hewn keypoints` with weights, on all pictures in one run."""

    def run(pictures: Sequence[np.ndarray], count: int) -> list[Features]:
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder, f"{i}.png") for i in range(len(pictures))]
            for file, picture in zip(files, pictures, strict=True):
                cv2.imwrite(str(file), picture)
            answer = Path(folder, "answer.json")
            options = ["--max-keypoints", str(count), "--nms-radius", str(NMS_RADIUS), "--quiet"]
            options += ["--json", answer, *(["--descriptors"] if describes else []), *threads]
            run_program([hewn, "keypoints", *files, "--weights", weights, *options])
            images = json.loads(answer.read_text())["images"]
        return [_features(image["keypoints"], describes) for image in images]

    return run


def _features(keypoints: Sequence[dict], describes: bool) -> Features:
    points = np.array([[k["x"], k["y"]] for k in keypoints]).reshape(-1, 2)
    if not describes:
        return Features(points, None)
    return Features(points, np.array([k["descriptor"] for k in keypoints], np.float32))


def opencv_method(make: Callable[[], cv2.Feature2D]) -> Method:
    """The strongest points that keep as far apart as ours do, as the paper has it."""

    def run(pictures: Sequence[np.ndarray], count: int) -> list[Features]:
        detector = make()
        found = []
        for picture in pictures:
            keypoints, descriptors = detector.detectAndCompute(picture, None)
            points = np.array([k.pt for k in keypoints]).reshape(-1, 2)
            order = np.argsort([-k.response for k in keypoints], kind="stable")
            kept = _apart(points, order, picture.shape)[:count]
            found.append(Features(points[kept], descriptors[kept] if len(kept) else None))
        return found

    return run


def _apart(points: np.ndarray, order: np.ndarray, shape: tuple[int, ...]) -> list[int]:
    """Of points in this order those that have no earlier one within the radius, along both axes."""
    taken = np.zeros(shape, bool)
    kept = []
    for i in order:
        x, y = points[i].round().astype(int)
        if taken[min(y, shape[0] - 1), min(x, shape[1] - 1)]:
            continue
        low_y, low_x = max(y - NMS_RADIUS, 0), max(x - NMS_RADIUS, 0)
        taken[low_y : y + NMS_RADIUS + 1, low_x : x + NMS_RADIUS + 1] = True
        kept.append(int(i))
    return kept


def repeatability(a: np.ndarray, b: np.ndarray, pair: Pair) -> float:
    """The part of points of either picture, visible in the other, that have a partner there."""
    there = homographies.moved(a, pair.homography)
    there = there[_inside(there, pair.second.shape)]
    back = homographies.moved(b, np.linalg.inv(pair.homography))
    seen = b[_inside(back, pair.first.shape)]
    if not len(there) or not len(seen):
        return 0.0
    distances = np.linalg.norm(there[:, None] - seen, axis=-1)
    met = (distances.min(axis=1) <= CORRECT).sum() + (distances.min(axis=0) <= CORRECT).sum()
    return float(met / (len(there) + len(seen)))


def _inside(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return ((points >= 0) & (points <= [shape[1] - 1, shape[0] - 1])).all(axis=1)


def corner_error(a: Features, b: Features, pair: Pair) -> float:
    """How far the picture's corners are from where they belong, in pixels; infinite if lost."""
    found = _homography(a, b)
    return float("inf") if found is None else _away(found, pair.homography, pair.first.shape)


def _homography(a: Features, b: Features) -> np.ndarray | None:
    """By mutual nearest neighbours and RANSAC."""
    if a.descriptors is None or b.descriptors is None:
        return None
    norm = cv2.NORM_HAMMING if a.descriptors.dtype == np.uint8 else cv2.NORM_L2
    matches = cv2.BFMatcher(norm, crossCheck=True).match(a.descriptors, b.descriptors)
    if len(matches) < 4:
        return None
    first = a.points[[m.queryIdx for m in matches]]
    second = b.points[[m.trainIdx for m in matches]]
    cv2.setRNGSeed(0)
    found, _ = cv2.findHomography(first, second, cv2.RANSAC, RANSAC_PIXELS, maxIters=5000)
    return found


def _away(found: np.ndarray, truth: np.ndarray, shape: tuple[int, ...]) -> float:
    """The mean distance between where two homographies take a picture's corners."""
    height, width = shape
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [width - 1, height - 1]
    away = homographies.moved(corners, found) - homographies.moved(corners, truth)
    return float(np.linalg.norm(away, axis=1).mean())


def find_box(
    hewn: Path, weights: Path, threads: Sequence[str], drawing: Path | None
) -> dict[str, float | None] | None:
    """What `hewn match` finds of the box; none where its pictures are not at hand."""
    folder = Path(os.environ.get("HEWN_SHARED") or "../shared") / "data" / "images"
    files = [folder / "box.png", folder / "box_in_scene.png"]
    if not all(file.is_file() for file in files):
        print(f"left out: {files[0]} is missing; set HEWN_SHARED to the folder above data")
        return None
    pictures = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    truth = _homography(*opencv_method(cv2.SIFT_create)(pictures, 5000))
    if truth is None:
        raise ToolError("SIFT does not find the box, so there is nothing to compare with")
    with tempfile.TemporaryDirectory() as temporary:
        answer = Path(temporary, "answer.json")
        draw = [] if drawing is None else ["--draw", drawing]
        options = ["--weights", weights, "--json", answer, "--quiet", *draw, *threads]
        run_program([hewn, "match", *files, *options])
        found = json.loads(answer.read_text())
    error = None
    if found["homography"] is not None:
        error = round(_away(np.array(found["homography"]), truth, pictures[0].shape), 2)
    inliers = found["inliers"]
    return {"matches": len(found["matches"]), "inliers": inliers, "corner_error": error}


def judge(method: Method, near: Sequence[Pair], far: Sequence[Pair]) -> Figures:
    """Repeatability on the pairs `near`, homographies on those `far`."""

    def both(pairs: Sequence[Pair], count: int) -> list[tuple[Features, Features]]:
        found = method([picture for p in pairs for picture in (p.first, p.second)], count)
        return list(zip(found[::2], found[1::2], strict=True))

    found = both(near, REPEATABILITY_POINTS)
    rates = [repeatability(a.points, b.points, p) for (a, b), p in zip(found, near, strict=True)]
    errors = [
        corner_error(a, b, p) for (a, b), p in zip(both(far, HOMOGRAPHY_POINTS), far, strict=True)
    ]
    return Figures(
        _by_kind(near, rates),
        {str(e): _by_kind(far, [float(error <= e) for error in errors]) for e in ERRORS},
    )


def _by_kind(pairs: Sequence[Pair], values: Sequence[float]) -> dict[str, float]:
    kinds = sorted({pair.kind for pair in pairs})
    means = {"all": float(np.mean(values))}
    for kind in kinds:
        of_kind = [v for p, v in zip(pairs, values, strict=True) if p.kind == kind]
        means[kind] = float(np.mean(of_kind))
    return {kind: round(mean, 3) for kind, mean in means.items()}


def table(figures: dict[str, Figures]) -> str:
    kinds = ("all", "light", "viewpoint")
    head = ["method", *(f"repeatability, {k}" for k in kinds)]
    head += [f"{k}, {e} px" for e in ERRORS for k in kinds]
    rows = [
        [
            name,
            *(f"{f.repeatability[k]:.3f}" for k in kinds),
            *(f"{f.homography[str(e)][k]:.3f}" for e in ERRORS for k in kinds),
        ]
        for name, f in figures.items()
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def evaluate(arguments: argparse.Namespace) -> int:
    hewn, threads = report.program(arguments), report.threads(arguments)
    methods: dict[str, Method] = {"ours": hewn_method(hewn, arguments.weights, threads)}
    if arguments.detector:
        detector = hewn_method(hewn, arguments.detector, threads, describes=False)
        methods[arguments.detector.stem] = detector
    methods["ORB"] = opencv_method(lambda: cv2.ORB_create(5000, fastThreshold=5))
    methods["SIFT"] = opencv_method(lambda: cv2.SIFT_create(contrastThreshold=0.01))
    near = make_pairs(REPEATABILITY_SIZE, arguments.seed)
    far = make_pairs(HOMOGRAPHY_SIZE, arguments.seed)
    figures = {name: judge(method, near, far) for name, method in methods.items()}
    print(table(figures))
    document = {"pairs": len(far), **{name: asdict(f) for name, f in figures.items()}}
    box = find_box(hewn, arguments.weights, threads, arguments.draw)
    if box is not None:
        print(f"box in scene, its corners' error: {box}")
        document["box"] = box
    report.deliver(arguments, document, arguments.weights)
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = report.options("superpoint", __doc__, WEIGHTS, seed=7)
    parser.add_argument("--draw", type=Path, metavar="F.png", help="the box in its scene")
    parser.add_argument("--detector", type=Path, help="other weights, for repeatability alone")
    arguments = parser.parse_args(argv)
    return report_errors("evaluate", lambda: evaluate(arguments))
