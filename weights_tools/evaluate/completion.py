"""Image completion on photographs held out: `hewn complete` beside OpenCV's inpainting.

Of each photograph come a few crops of 256 x 256 pixels with a hole of 64 x 64, all at random places
by a fixed seed, none chosen and none left out. PSNR is over all values of 8 bits in the hole. SSIM
is the mean over the hole of scikit-image's map (Gaussian weights of deviation 1.5), whose windows
reach out of the hole by some pixels. Both are means over crops.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from weights_tools.audit.program import run_program
from weights_tools.errors import report_errors
from weights_tools.evaluate import report
from weights_tools.train import photographs

SIDE, HOLE, MARGIN = 256, 64, 16  # the hole keeps so many pixels from the crop's border
WEIGHTS = Path("models/completion/completion.safetensors")

_TELEA = "Telea, radius 3"  # whose PSNR the others are held against


@dataclass(frozen=True)
class Case:
    photograph: str
    picture: np.ndarray  # (256, 256, 3) of bytes, RGB
    mask: np.ndarray  # (256, 256), 255 in the hole and 0 elsewhere


@dataclass(frozen=True)
class Score:
    psnr: float  # dB
    ssim: float


Way = Callable[[Case], np.ndarray]  # to the completed picture


def cases(pictures: Mapping[str, np.ndarray], count: int, seed: int) -> Iterator[Case]:
    """The same for the same seed, whichever other photographs there are."""
    for number, (name, picture) in enumerate(sorted(pictures.items())):
        rng = np.random.default_rng((seed, number))
        for _ in range(count):
            top, left = (rng.integers(size - SIDE + 1) for size in picture.shape[:2])
            crop = np.ascontiguousarray(picture[top : top + SIDE, left : left + SIDE])
            mask = np.zeros((SIDE, SIDE), np.uint8)
            y, x = rng.integers(MARGIN, SIDE - HOLE - MARGIN + 1, 2)
            mask[y : y + HOLE, x : x + HOLE] = 255
            yield Case(name, crop, mask)


def score(case: Case, completed: np.ndarray) -> Score:
    hole = case.mask > 0
    difference = completed[hole].astype(float) - case.picture[hole]
    _, similarity = structural_similarity(
        case.picture,
        completed,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    psnr = -10 * np.log10(max(np.square(difference).mean(), 1e-2) / 255**2)
    return Score(float(psnr), float(similarity[hole].mean()))


def mean_fill(case: Case) -> np.ndarray:
    """The mean of what is to be seen, in the hole."""
    known = case.picture[case.mask == 0].mean(axis=0)
    return np.where(case.mask[..., None] > 0, np.rint(known), case.picture).astype(np.uint8)


def of_opencv(method: int, radius: float) -> Way:
    return lambda case: cv2.inpaint(case.picture, case.mask, radius, method)


def of_hewn(hewn: Path, weights: Path, postprocess: str, options: list[str]) -> Way:
    def complete(case: Case) -> np.ndarray:
        with tempfile.TemporaryDirectory(prefix="hewn-evaluate-") as folder:
            image, mask, out = (Path(folder, f"{name}.png") for name in ("image", "mask", "out"))
            cv2.imwrite(str(image), case.picture[..., ::-1])
            cv2.imwrite(str(mask), case.mask)
            command = [hewn, "complete", image, "--mask", mask, "--weights", weights]
            command += ["--postprocess", postprocess, "--out", out, "--quiet", *options]
            run_program(command)
            return np.ascontiguousarray(cv2.imread(str(out), cv2.IMREAD_COLOR)[..., ::-1])

    return complete


def evaluate(arguments: argparse.Namespace) -> int:
    hewn = report.program(arguments)
    options = report.threads(arguments)
    ways: dict[str, Way] = {
        "mean of what is seen": mean_fill,
        _TELEA: of_opencv(cv2.INPAINT_TELEA, 3),
        "Telea, radius 10": of_opencv(cv2.INPAINT_TELEA, 10),
        "Navier-Stokes, radius 3": of_opencv(cv2.INPAINT_NS, 3),
        "hewn, none": of_hewn(hewn, arguments.weights, "none", options),
        "hewn, poisson": of_hewn(hewn, arguments.weights, "poisson", options),
        "hewn, both": of_hewn(hewn, arguments.weights, "both", options),
    }
    held_out = photographs.load_all(photographs.HELD_OUT)
    drawn = list(cases(held_out, arguments.count, arguments.seed))
    scores = {name: [score(case, way(case)) for case in drawn] for name, way in ways.items()}
    rows = {name: summary(of_way, scores[_TELEA]) for name, of_way in scores.items()}
    print(table(rows, len(drawn)))
    print()
    print(table_of_photographs(drawn, scores))
    document = {
        "photographs": sorted(held_out),
        "crops": len(drawn),
        "hole": f"{HOLE} x {HOLE} of {SIDE} x {SIDE}",
        "seed": arguments.seed,
        "ways": rows,
    }
    report.deliver(arguments, document, arguments.weights)
    return 0


def summary(scores: list[Score], of_telea: list[Score]) -> dict[str, float]:
    """Means over crops, and in how many of them the PSNR is above that of Telea."""
    better = sum(own.psnr > other.psnr for own, other in zip(scores, of_telea, strict=True))
    return {
        "psnr": round(float(np.mean([s.psnr for s in scores])), 2),
        "ssim": round(float(np.mean([s.ssim for s in scores])), 3),
        "above_telea": better,
    }


def table(rows: Mapping[str, Mapping[str, float]], count: int) -> str:
    lines = [f"| in the hole | PSNR, dB | SSIM | above {_TELEA} |", "| --- | ---: | ---: | ---: |"]
    for name, row in rows.items():
        above = "" if name == _TELEA else f"{row['above_telea']} of {count}"
        lines.append(f"| {name} | {row['psnr']:.2f} | {row['ssim']:.3f} | {above} |")
    return "\n".join(lines)


def table_of_photographs(drawn: list[Case], scores: Mapping[str, list[Score]]) -> str:
    names = list(dict.fromkeys(case.photograph for case in drawn))
    lines = [f"| PSNR, dB | {' | '.join(scores)} |", "| --- |" + " ---: |" * len(scores)]
    for name in names:
        own = [i for i, case in enumerate(drawn) if case.photograph == name]
        means = (np.mean([of_way[i].psnr for i in own]) for of_way in scores.values())
        lines.append(f"| {name} | {' | '.join(f'{mean:.2f}' for mean in means)} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    parser = report.options("completion", __doc__, WEIGHTS, seed=0)
    parser.add_argument("--count", type=int, default=4, metavar="N", help="crops of a photograph")
    arguments = parser.parse_args(argv)
    return report_errors("evaluate", lambda: evaluate(arguments))
