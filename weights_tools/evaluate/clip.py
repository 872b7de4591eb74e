"""The small CLIP on scenes that were not drawn in training: how often `hewn classify` is right.

Scenes come from another seed, and their photographs are those held out. Each task asks for one
thing: of a single shape its name, its colour, or both; how many there are; which of four captions
of a pair is true. The last tasks have large shapes, as in the lessons, by day and at night, without
prompts and with those that were tuned at night; by day they show what the prompts cost.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from weights_tools.audit.program import run_program
from weights_tools.errors import report_errors
from weights_tools.evaluate import report
from weights_tools.train import photographs, scenes
from weights_tools.train.scenes import COLOURS, COUNTS, PLURALS, SHAPES, Painter, Scene

WEIGHTS = Path("models/clip/clip_small.safetensors")
PROMPTS = Path("models/clip/clip_small_maple.safetensors")

_PICTURE_SIDE = 128  # pixels; hewn makes 64 of them
_OF_A = "a photo of a {}."
_OF = "a photo of {}."


@dataclass(frozen=True)
class Question:
    """A scene, what may be said of it, and which of that is true."""

    scene: Scene
    labels: Sequence[str]
    right: str


@dataclass(frozen=True)
class Task:
    name: str
    template: str
    ask: Callable[[np.random.Generator], Question]
    at_night: bool = False
    prompts: bool = False


def which_shape(rng: np.random.Generator) -> Question:
    scene = scenes.single(rng)
    return Question(scene, SHAPES, scene.items[0].shape)


def which_colour(rng: np.random.Generator) -> Question:
    scene = scenes.single(rng)
    item = scene.items[0]
    return Question(scene, [f"{c} {item.shape}" for c in COLOURS], f"{item.colour} {item.shape}")


def which_of_all(rng: np.random.Generator) -> Question:
    scene = scenes.single(rng)
    item = scene.items[0]
    labels = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
    return Question(scene, labels, f"{item.colour} {item.shape}")


def how_many(rng: np.random.Generator) -> Question:
    scene = scenes.several(rng)
    item = scene.items[0]
    labels = [f"{count} {item.colour} {PLURALS[item.shape]}" for count in COUNTS[1:]]
    return Question(scene, labels, labels[len(scene.items) - 2])


def which_pair(rng: np.random.Generator) -> Question:
    """The captions have the same two shapes; where they are, or their colours, may be wrong."""
    scene = scenes.pair(rng)
    first, second = scene.items
    if first.colour == second.colour or first.shape == second.shape:
        return which_pair(rng)
    beside = abs(first.centre[0] - second.centre[0]) > abs(first.centre[1] - second.centre[1])
    relations = ["left of", "right of"] if beside else ["above", "below"]
    axis = 0 if beside else 1
    right = relations[int(first.centre[axis] > second.centre[axis])]
    colours = [(first.colour, second.colour), (second.colour, first.colour)]

    def caption(relation: str, pair: tuple[str, str]) -> str:
        return f"a {pair[0]} {first.shape} {relation} a {pair[1]} {second.shape}"

    labels = [caption(relation, pair) for relation in relations for pair in colours]
    return Question(scene, labels, caption(right, colours[0]))


def which_large(rng: np.random.Generator) -> Question:
    scene = scenes.lesson(rng)
    return Question(scene, SHAPES, scene.items[0].shape)


TASKS = (
    Task("shape, of 8", _OF_A, which_shape),
    Task("colour, of 9", _OF_A, which_colour),
    Task("colour and shape, of 72", _OF_A, which_of_all),
    Task("two, three or four", _OF, how_many),
    Task("caption of a pair, of 4", _OF, which_pair),
    Task("large shape, of 8", _OF_A, which_large),
    Task("large shape at night", _OF_A, which_large, at_night=True),
    Task("large shape at night, with prompts", _OF_A, which_large, at_night=True, prompts=True),
    Task("large shape, with prompts", _OF_A, which_large, prompts=True),
)


def accuracy(task: Task, painter: Painter, arguments: argparse.Namespace, hewn: Path) -> float:
    """The part of the questions that hewn answers rightly; all with the same labels run at once."""
    rng = np.random.default_rng(arguments.seed)
    asked: dict[tuple[str, ...], list[tuple[np.ndarray, str]]] = {}
    for _ in range(arguments.count):
        question = task.ask(rng)
        picture = painter.paint(rng, question.scene, _PICTURE_SIDE)
        if task.at_night:
            picture = scenes.at_night(rng, picture)
        asked.setdefault(tuple(question.labels), []).append((picture, question.right))
    hits = 0
    for labels, questions in asked.items():
        answers = _classified(task, labels, [picture for picture, _ in questions], arguments, hewn)
        hits += sum(answer == right for answer, (_, right) in zip(answers, questions, strict=True))
    return hits / arguments.count


def _classified(
    task: Task,
    labels: Sequence[str],
    pictures: list[np.ndarray],
    arguments: argparse.Namespace,
    hewn: Path,
) -> list[str]:
    """The best label of each picture, by `hewn classify`."""
    with tempfile.TemporaryDirectory(prefix="hewn-evaluate-") as name:
        folder = Path(name)
        images = [folder / f"{i}.png" for i in range(len(pictures))]
        for image, picture in zip(images, pictures, strict=True):
            cv2.imwrite(str(image), picture[..., ::-1])
        (folder / "labels.txt").write_text("\n".join(labels) + "\n")
        command = [hewn, "classify", *images, "--weights", arguments.weights, "--quiet"]
        command += ["--labels-file", folder / "labels.txt", "--top", "1"]
        command += ["--json", folder / "answers.json"]
        if task.prompts:
            command += ["--prompts", arguments.prompts]
        else:
            command += ["--template", task.template]
        command += report.threads(arguments)
        run_program(command)
        document = json.loads((folder / "answers.json").read_text())
        return [image["answers"][0]["label"] for image in document["images"]]


def evaluate(arguments: argparse.Namespace) -> int:
    hewn = report.program(arguments)
    painter = Painter(photographs.load_all(photographs.HELD_OUT), arguments.seed)
    figures = {}
    print(f"| {arguments.count} scenes each | right |\n| --- | ---: |", flush=True)
    for task in TASKS:
        if task.prompts and not arguments.prompts.is_file():
            print(f"left out: {task.name}: {arguments.prompts} is not there")
            continue
        figures[task.name] = round(accuracy(task, painter, arguments, hewn), 4)
        print(f"| {task.name} | {100 * figures[task.name]:.1f} % |", flush=True)
    document = {"scenes": arguments.count, "seed": arguments.seed, "right": figures}
    report.deliver(arguments, document, arguments.weights, arguments.prompts)
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = report.options("clip", __doc__, WEIGHTS, seed=1_000_000)
    parser.add_argument("--prompts", type=Path, default=PROMPTS, metavar="F", help="%(default)s")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="scenes of a task")
    arguments = parser.parse_args(argv)
    return report_errors("evaluate", lambda: evaluate(arguments))
