"""hewn against PyTorch: operators, convolutions by each algorithm, networks layer by layer.

Before them come the tests of the tools. Weights are random ones and, of SuperPoint, real ones. Says
so and ends well where PyTorch, or the data beside the repository, is not there. Chains of steps run
side by side, one to a processor, in forks of a process that has imported PyTorch once; a chain ends
at the first step that fails, and the others go on.
`python -m weights_tools.audit.everything clip-tiny` runs this one alone.
"""

import contextlib
import io
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # processors have a chain each
try:
    import PIL  # noqa: F401
    import safetensors  # noqa: F401
    import torch
except ImportError as missing:
    print(f"audit: SKIP: {missing}; pip install -r weights_tools/requirements.txt, or PYTHON=...")
    sys.exit(0)
from PIL import Image, ImageDraw

from bench.peers.networks.labels import LABELS
from weights_tools import flow_file, torchvision_operators
from weights_tools.audit.__main__ import main as audit
from weights_tools.convert.__main__ import main as convert

WORK = Path("build/audit")
PICTURES = Path("docs/pictures")
SIZES = ((256, 256), (512, 384), (131, 97))  # of the completion's pictures


def pytest(*arguments: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--durations=5", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)
    return done.returncode


def tools() -> dict[str, list]:
    """The tools' tests in three chains of their own."""
    training = "weights_tools/tests/train"
    return {
        "tools": [(pytest, ["weights_tools", f"--ignore={training}"])],
        "training": [(pytest, [training])],
        "peers": [(pytest, ["bench/peers"])],
    }


def operators() -> list:
    """On the best instruction set alone: the tests see to it that all have the same bits."""
    return [(audit, ["ops"]), (audit, ["layers"])]


def superpoint(form: str) -> list:
    weights = f"{WORK}/{form}.safetensors"
    steps = [(convert, ["random-superpoint", form, weights, "--seed", "1"])]
    for picture in sorted(PICTURES.glob("desk_*.png")):
        steps.append((audit, ["superpoint", "--weights", weights, "--image", picture]))
    return steps


def real_superpoint(data: Path) -> list:
    weights = f"{WORK}/magicpoint_bn.safetensors"
    steps = [(convert, ["superpoint", data / "magicpoint/magicpoint_bn.pth", weights])]
    for kind in ("png", "jpg"):
        for picture in sorted((data / "images").glob(f"*.{kind}")):
            steps.append((audit, ["superpoint", "--weights", weights, "--image", picture]))
    return steps


def raft(variant: str) -> list:
    weights = f"{WORK}/raft-{variant}.safetensors"

    def flow(size: str, *options: str) -> tuple:
        pair = [f"{WORK}/{size}_{side}.png" for side in ("left", "right")]
        return audit, ["raft", "--weights", weights, "--images", *pair, *options]

    steps = [(convert, ["random-raft", variant, weights, "--seed", "1"])]
    for size in ("131x97", "64x64", "480x360"):
        steps += [flow(size), flow(size, "--precise")]
    steps.append(flow("131x97", "--corr", "on-demand"))
    steps.append(flow("131x97", "--pad", "kitti", "--init", f"{WORK}/136x104.flo"))
    return steps


def hole(name: str, width: int, height: int, *options: str) -> tuple:
    picture, mask = (f"{WORK}/{kind}_{width}x{height}.png" for kind in ("complete", "hole"))
    return audit, [name, "--image", picture, "--mask", mask, *options]


def completion(order: str) -> list:
    weights = f"{WORK}/completion-{order}.safetensors"
    steps = [(convert, ["random-completion", order, weights, "--seed", "1"])]
    for size in SIZES:
        for options in ([], ["--precise"]):
            steps.append(hole("completion", *size, "--weights", weights, *options))
    return steps


def inpainting() -> list:
    return [hole("inpainting", *size) for size in SIZES]


def clip(form: str, prompt_sets: list, *extra: tuple) -> list:
    """CLIP plain, with templates, and with prompts: (method, numbers of labels, options) each.

    A witness for our definition is open_clip's own network.
    """
    weights = f"{WORK}/clip-{form}.safetensors"
    small = f"{WORK}/131x97_left.png"

    def classify(count: int, images: list, *options: str) -> tuple:
        labels = f"{WORK}/labels_{count}.txt"
        return audit, [
            "clip",
            "--weights",
            weights,
            "--labels-file",
            labels,
            "--images",
            *images,
            *options,
        ]

    templates = ("a photo of a {}.", "{}", "art of the {}.")
    steps = [
        (convert, ["random-clip", form, weights, "--half", "--seed", "1"]),
        classify(100, [small, PICTURES / "desk_right.png"], "--witness"),
        classify(
            2,
            [f"{WORK}/64x64_left.png"],
            *(part for text in templates for part in ("--template", text)),
        ),
    ]
    for method, counts, options in prompt_sets:
        prompts = f"{WORK}/prompts-{form}-{method}.safetensors"
        steps.append((convert, ["random-prompts", method, prompts, "--clip", weights, *options]))
        steps += [classify(count, [small], "--prompts", prompts) for count in counts]
    return [*steps, *extra]


def clip_large() -> list:
    lengths = {"coop": 16, "cocoop": 4, "vpt": 8, "ivlp": 4, "maple": 2}
    depths = dict.fromkeys(("vpt", "ivlp", "maple"), ("--depth", "9"))
    sets = [(name, [2], ["--length", f"{n}", *depths.get(name, ())]) for name, n in lengths.items()]
    return clip("vit-b-16", sets)


def clip_tiny() -> list:
    sets = [
        (name, [1, 100], ["--length", "2"]) for name in ("coop", "cocoop", "vpt", "ivlp", "maple")
    ]
    for position in ("middle", "front"):
        sets.append(
            ("coop", [2], ["--length", "5", "--class-position", position, "--classes", "2"])
        )
    return clip("tiny", sets, (audit, ["tokenizer", "--weights", f"{WORK}/clip-tiny.safetensors"]))


def draw_pictures() -> None:
    """What networks are run on.

    Pairs of sizes that are padded, the smallest that RAFT takes, and the pictures as they are; a
    flow to start from; pictures with a hole that touches the border and one that does not; labels.
    """
    for side in ("left", "right"):
        with Image.open(PICTURES / f"desk_{side}.png") as opened:
            picture = opened.convert("RGB")
        for size in ((131, 97), (64, 64), picture.size):
            middle(picture, size).save(WORK / f"{size[0]}x{size[1]}_{side}.png")
    low = 2 * torch.randn(1, 2, 104 // 8, 136 // 8, generator=torch.Generator().manual_seed(1))
    flow_file.write(WORK / "136x104.flo", low)
    with Image.open(PICTURES / "desk_left.png") as opened:
        picture = opened.convert("RGB")
    for width, height in SIZES:
        size = (width, height)
        part = picture.resize(size) if width > picture.width else middle(picture, size)
        part.save(WORK / f"complete_{width}x{height}.png")
        mask = Image.new("L", size)
        draw = ImageDraw.Draw(mask)
        draw.ellipse((width // 4, height // 4, 5 * width // 8, 5 * height // 8), fill=255)
        draw.rectangle((3 * width // 4, 3 * height // 4, 7 * width // 8, height), fill=255)
        mask.save(WORK / f"hole_{width}x{height}.png")
    for count in (1, 2, 100):
        (WORK / f"labels_{count}.txt").write_text("".join(f"{label}\n" for label in LABELS[:count]))


def middle(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    left, top = ((whole - part) // 2 for whole, part in zip(picture.size, size, strict=True))
    return picture.crop((left, top, left + size[0], top + size[1]))


def chains() -> dict[str, list]:
    """By their names, what takes longest first."""
    all_chains = tools()
    try:
        torchvision_operators.declare_missing()
        import open_clip  # noqa: F401

        all_chains |= {"clip-vit-b-16": clip_large(), "clip-tiny": clip_tiny()}
    except ImportError:
        print(
            "audit: SKIP clip: open_clip, whose merges and whose network it needs, is not installed"
        )
    all_chains["operators"] = operators()
    all_chains |= {f"completion-{order}": completion(order) for order in ("bn-relu", "relu-bn")}
    all_chains |= {f"raft-{variant}": raft(variant) for variant in ("large", "small")}
    data = Path(os.environ.get("HEWN_SHARED", "../shared")) / "data"
    if (data / "magicpoint/magicpoint_bn.pth").exists():
        all_chains["superpoint-real"] = real_superpoint(data)
    else:
        print(f"audit: SKIP real weights: {data} has none; HEWN_SHARED says where to look")
    forms = ("magicleap", "open-v6", "conv5a", "magicpoint")
    all_chains |= {f"superpoint-{form}": superpoint(form) for form in forms}
    all_chains["inpainting"] = inpainting()
    return all_chains


def run_chain(name: str, steps: list) -> tuple[str, bool, str]:
    """Runs steps up to the first that fails; returns the name, whether none did, what they said."""
    torch.set_num_threads(1)
    said = io.StringIO()
    began = time.monotonic()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        for command, arguments in steps:
            words = [str(argument) for argument in arguments]
            print(f"{command.__module__}: {' '.join(words)}")
            status = command(*words) if command is pytest else command(words)
            if status != 0:
                break
    print(f"== {name}: {time.monotonic() - began:.0f} s", file=said)
    return name, status == 0, said.getvalue()


def main() -> int:
    WORK.mkdir(parents=True, exist_ok=True)
    draw_pictures()
    failed = []
    chosen = {
        name: steps for name, steps in chains().items() if name in sys.argv[1:] or not sys.argv[1:]
    }
    forks = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=forks) as pool:
        for done in as_completed([pool.submit(run_chain, *chain) for chain in chosen.items()]):
            name, passed, said = done.result()
            print(said, flush=True)
            failed += [] if passed else [name]
    if failed:
        print(f"audit: failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
