"""Tunes MaPLe's prompts for the small CLIP on scenes at night, as it has never seen them.

Khattak et al., 2023: tokens of the text before each of the first blocks, and those of the picture
as linear maps of them; CLIP itself stays as it is. The scenes are those of its lessons about
shapes, dark and grainy, and the question is which of eight shapes it is.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.convert.clip import MERGES, load_network
from weights_tools.convert.prompts import MAPLE
from weights_tools.errors import report_errors
from weights_tools.nets.clip import count_blocks, normalised_colours
from weights_tools.nets.clip_prompts import END, LearnedPrompts, Texts, classify
from weights_tools.nets.clip_tokens import Tokenizer
from weights_tools.train import photographs, progress, record, scenes
from weights_tools.train.clip import SIDE, cut, plain_attention, unit_pictures

TEMPLATE = "a photo of a {}."  # whose first words are replaced
CLIP = Path("models/clip/clip_small.safetensors")

_RATE, _DECAY = 3e-3, 5e-4
_WARM_UP = 10  # steps
_GRADIENT_LIMIT = 1.0
_DEVIATION = 0.02  # of the tokens before the blocks after the first


def new_prompts(
    weights: Mapping[str, Tensor], tokenizer: Tokenizer, seed: int
) -> dict[str, Tensor]:
    """Under canonical names: the template's own tokens first, drawn ones before later blocks."""
    generator = torch.Generator().manual_seed(seed)
    context = tokenizer.encode(TEMPLATE.partition("{}")[0])
    embedding = weights["token_embedding.weight"]
    text_width, image_width = embedding.shape[1], len(weights["visual.class_embedding"])
    bound = text_width**-0.5
    blocks = min(count_blocks(weights, name) for name in ("transformer", "visual.transformer"))
    tensors: dict[str, Tensor] = {}
    for i in range(blocks):
        drawn = _DEVIATION * torch.randn(len(context), text_width, generator=generator)
        tensors[f"text.prompts.{i}"] = drawn if i else embedding[context].clone()
        coupling = torch.rand(image_width, text_width, generator=generator)
        tensors[f"coupling.{i}.weight"] = bound * (2 * coupling - 1)
        tensors[f"coupling.{i}.bias"] = torch.zeros(image_width)
    return tensors


def label_texts(tokenizer: Tokenizer, labels: tuple[str, ...]) -> Texts:
    tokens = cut(tokenizer.tokens(TEMPLATE.format(label) for label in labels))
    return Texts(tokens[:, None], [len(tokenizer.encode(label)) for label in labels])


def train(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    device = progress.device(arguments.device)
    stored, settings = load_network(arguments.clip)
    tokenizer = Tokenizer(stored.pop(MERGES))
    weights = {name: tensor.float().to(device) for name, tensor in stored.items()}
    texts = label_texts(tokenizer, scenes.SHAPES)
    texts = Texts(texts.tokens.to(device), texts.name_lengths)
    painter = scenes.Painter(photographs.load_all(photographs.TRAINING), arguments.seed)
    tensors = {
        name: tensor.to(device).requires_grad_()
        for name, tensor in new_prompts(weights, tokenizer, arguments.seed).items()
    }
    prompts = LearnedPrompts(tensors, MAPLE, TEMPLATE)
    optimiser = torch.optim.AdamW(tensors.values(), lr=_RATE, weight_decay=_DECAY)
    training = progress.Progress(arguments, tensors, optimiser)

    for step in training.steps():
        rng = np.random.default_rng((arguments.seed, step))
        drawn = [scenes.lesson(rng) for _ in range(arguments.batch)]
        painted = [scenes.at_night(rng, painter.paint(rng, scene, SIDE)) for scene in drawn]
        pictures = unit_pictures(painted).to(device)
        right = [scenes.SHAPES.index(scene.items[0].shape) for scene in drawn]
        targets = torch.tensor(right, device=device)
        with plain_attention():
            inputs = normalised_colours(pictures, settings)
            logits = classify(weights, settings, prompts, inputs, texts).logits
        loss = F.cross_entropy(logits, targets)
        rate = progress.warmed_cosine(step, arguments.steps, _WARM_UP, _RATE)
        training.descend(loss, rate, _GRADIENT_LIMIT)
        hits = (logits.argmax(dim=1) == targets).float().mean().item()
        training.tell(step, loss=loss.item(), right=hits)
    _write(arguments, tensors, training)
    return 0


def _write(
    arguments: argparse.Namespace, tensors: Mapping[str, Tensor], training: progress.Progress
) -> None:
    config = {
        "method": MAPLE,
        "template": TEMPLATE,
        "class_position": END,
        "labels": list(scenes.SHAPES),
    }
    record.write_weights(
        arguments.out,
        "clip-prompts",
        config,
        {name: tensor.cpu() for name, tensor in tensors.items()},
        training.source("maple"),
        training.story(scenes=arguments.steps * arguments.batch, clip=arguments.clip.name),
    )
    training.draw("MaPLe at night: loss, shapes that are right")


def main(argv: list[str] | None = None) -> int:
    out = Path("models/clip/clip_small_maple.safetensors")
    parser = progress.options("maple", __doc__, {"steps": 1000, "batch": 32, "out": out})
    parser.add_argument("--clip", type=Path, default=CLIP, metavar="F", help="default %(default)s")
    arguments = parser.parse_args(argv)
    return report_errors("train", lambda: train(arguments))
