"""CLIP's towers: a batch of pictures to their features, and labels to theirs."""

import numpy as np
import torch
from torch import Tensor

from bench.peers.networks.canonical import CanonicalModule
from bench.peers.networks.labels import LABELS
from bench.peers.networks.network import Entrant, Network, Setup, Size
from bench.peers.networks.painting import paint_rectangles, write_picture
from weights_tools import safetensors_file
from weights_tools.convert.clip import MERGES, convert, load_network, read_sizes
from weights_tools.convert.merges import load_merges
from weights_tools.convert.random_clip import FORMS, random_checkpoint
from weights_tools.errors import ToolError
from weights_tools.nets.clip import (
    Settings,
    encoded_texts,
    image_tower,
    normalised_colours,
    unit_length,
)
from weights_tools.nets.clip_tokens import Tokenizer

_RANDOM_FORM = "vit-b-16"
_SEED = 1
_TEMPLATE = "a photo of a {}."
_MOVED = (11, 17)  # rows and columns from each picture of a batch to the next

_WITHOUT_NCNN = (
    "it has neither argmax nor gather, by which features are read at end of text, and pnnx leaves "
    "the causal mask out of attention"
)


class ImageFeatures(CanonicalModule):
    """The image tower and what makes its features as long as 1."""

    def __init__(self, weights: dict[str, Tensor], settings: Settings) -> None:
        super().__init__({n: t for n, t in weights.items() if n.startswith("visual.")})
        self._settings = settings

    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        return (unit_length(image_tower(self.weights(), self._settings, inputs)),)


class TextFeatures(CanonicalModule):
    """The text tower, and the same, on texts that are padded to one length."""

    def __init__(self, weights: dict[str, Tensor], settings: Settings) -> None:
        of_text = {n: t for n, t in weights.items() if not n.startswith("visual.")}
        del of_text[MERGES]
        super().__init__(of_text)
        self._settings = settings

    def forward(self, tokens: Tensor) -> tuple[Tensor]:
        return (unit_length(encoded_texts(self.weights(), self._settings, tokens)),)


def prepare_images(setup: Setup) -> Network:
    """Reads the weights, or draws random ones, and paints pictures of the network's size."""
    weights, tensors, settings = _weights(setup)
    side = read_sizes(weights, "clip", tensors).side
    first = paint_rectangles(Size(side, side), channels=3)
    pictures = [
        np.roll(first, [i * step for step in _MOVED], axis=(0, 1)) for i in range(setup.batch)
    ]
    paths = [
        write_picture(setup.folder / f"picture{i}.ppm", picture)
        for i, picture in enumerate(pictures)
    ]
    unit = torch.from_numpy(np.stack(pictures).astype(np.float32) / 255).permute(0, 3, 1, 2)
    return Network(
        name="clip-image",
        module=ImageFeatures(tensors, settings).eval(),
        inputs={"inputs": normalised_colours(unit, settings).contiguous()},
        outputs=("image_features",),
        hewn_dump=_dump(setup, weights, paths, LABELS[:1]),
        hewn_bench=_bench(weights, setup.batch, labels=1),
        stage="image",
    )


def prepare_texts(setup: Setup) -> Network:
    """The same, and makes so many labels into texts."""
    if setup.labels > len(LABELS):
        raise ToolError(f"--labels: expected at most {len(LABELS)}, but got {setup.labels}")
    weights, tensors, settings = _weights(setup)
    labels = LABELS[: setup.labels]
    side = read_sizes(weights, "clip", tensors).side
    pixels = paint_rectangles(Size(side, side), channels=3)
    paths = [write_picture(setup.folder / "picture.ppm", pixels)]
    texts = (_TEMPLATE.replace("{}", label) for label in labels)
    return Network(
        name="clip-text",
        module=TextFeatures(tensors, settings).eval(),
        inputs={"tokens": Tokenizer(tensors[MERGES]).tokens(texts)},
        outputs=("text_features",),
        hewn_dump=_dump(setup, weights, paths, labels),
        hewn_bench=_bench(weights, 1, setup.labels),
        stage="text",
    )


def _weights(setup: Setup) -> tuple[str, dict[str, Tensor], Settings]:
    weights = setup.weights
    if weights is None:
        weights = setup.folder / "weights.safetensors"
        checkpoint = random_checkpoint(FORMS[_RANDOM_FORM], _SEED, half=True)
        safetensors_file.write(weights, *convert(checkpoint, load_merges(None)))
    return str(weights), *load_network(weights)


def _dump(setup: Setup, weights: str, pictures: list[str], labels: list[str]) -> list[str]:
    path = setup.folder / "labels.txt"
    path.write_text("".join(f"{label}\n" for label in labels))
    options = ["--labels-file", str(path), "--weights", weights, "--template", _TEMPLATE]
    return ["classify", *pictures, *options, "--dump"]


def _bench(weights: str, batch: int, labels: int) -> list[str]:
    amounts = ["--batch", str(batch), "--labels", str(labels)]
    return ["bench", "classify", "--weights", weights, *amounts]


IMAGE_ENTRANT = Entrant(prepare_images, None, repeat=5, batch=1)
TEXT_ENTRANT = Entrant(prepare_texts, None, repeat=3, labels=100, left_out={"ncnn": _WITHOUT_NCNN})
