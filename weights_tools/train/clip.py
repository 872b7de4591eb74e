"""Trains a small CLIP on scenes of coloured shapes, drawn as it goes (scenes.py).

Radford et al., 2021, in small: both towers have four blocks 128 wide, pictures have 64 x 64 pixels
in patches of 8. The loss is the cross-entropy both ways over the pictures and captions of a batch,
where captions that are the same count as right alike. The tokenizer is CLIP's with a few merges,
learned from the vocabulary of the scenes and stored with the weights.
"""

import argparse
import functools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert.clip import BYTES_AND_ENDS, Sizes, TowerSizes, convert, specs
from weights_tools.errors import report_errors
from weights_tools.nets.clip import (
    OPENAI_MEAN,
    OPENAI_STD,
    QUICK_GELU,
    Settings,
    encoded_texts,
    image_tower,
    normalised_colours,
    text_ends,
    unit_length,
)
from weights_tools.nets.clip_tokens import Tokenizer
from weights_tools.train import photographs, progress, record, scenes
from weights_tools.train.merges import learn_merges

SIDE, PATCH, WIDTH, BLOCKS, CONTEXT = 64, 8, 128, 4, 77
SETTINGS = Settings(QUICK_GELU, WIDTH // 64, WIDTH // 64, OPENAI_MEAN, OPENAI_STD)

_RATE, _DECAY, _BETAS = 1e-3, 0.1, (0.9, 0.98)
_WARM_UP = 100  # steps
_GRADIENT_LIMIT = 1.0
_FIRST_SCALE, _LARGEST_SCALE = 1 / 0.07, 100.0
# Of all that captions tell, shapes are learned last: after 800 steps they were hardly better than
# guessed. From here on every other batch is about them alone.
_LESSONS_FROM = 4 / 9
TEMPLATE = "a photo of {}."

_CAPTIONS_FOR_MERGES = 20_000

# PyTorch's fused attention takes longer than its plain one on a CPU, backwards, for few tokens.
plain_attention = functools.partial(sdpa_kernel, SDPBackend.MATH)


def vocabulary_merges() -> Tensor:
    """Learned from a fixed draw of captions, whatever the seed of the training."""
    rng = np.random.default_rng(0)
    captions = (
        scenes.templated(rng, scenes.any_scene(rng).caption) for _ in range(_CAPTIONS_FOR_MERGES)
    )
    return learn_merges(word for caption in captions for word in caption.replace(".", "").split())


def new_tensors(vocabulary: int, seed: int) -> dict[str, Tensor]:
    """Drawn as OpenAI's were: deviations by width and depth, norms of 1 and 0."""
    tower = TowerSizes(WIDTH, 4 * WIDTH, BLOCKS)
    sizes = Sizes(tower, tower, WIDTH, PATCH, SIDE // PATCH, vocabulary, CONTEXT)
    generator = torch.Generator().manual_seed(seed)
    deviations = {
        "token_embedding.weight": 0.02,
        "positional_embedding": 0.01,
        "visual.conv1.weight": (3 * PATCH**2) ** -0.5,
        "mlp.c_fc.weight": (2 * WIDTH) ** -0.5,
        "mlp.c_proj.weight": WIDTH**-0.5 * (2 * BLOCKS) ** -0.5,
        "attn.out_proj.weight": WIDTH**-0.5 * (2 * BLOCKS) ** -0.5,
    }

    def new(name: str, shape: tuple[int, ...]) -> Tensor:
        if name == "logit_scale":
            return torch.tensor(math.log(_FIRST_SCALE))
        if name.endswith("bias"):
            return torch.zeros(shape)
        if "ln_" in name:
            return torch.ones(shape)
        known = (value for end, value in deviations.items() if name.endswith(end))
        of_visual = name == "visual.positional_embedding"
        deviation = WIDTH**-0.5 if of_visual else next(known, WIDTH**-0.5)
        return deviation * torch.randn(shape, generator=generator)

    return {name: new(name, spec.shape) for name, spec in specs(sizes).items()}


def cut(tokens: Tensor) -> Tensor:
    """Without what is behind the last end of text, on which nothing depends."""
    return tokens[:, : int(text_ends(tokens).max()) + 1]


def unit_pictures(pictures: Sequence[np.ndarray]) -> Tensor:
    """(n, 3, side, side) of 0 to 1 from pictures of bytes."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def draw_scenes(
    rng: np.random.Generator, painter: scenes.Painter, count: int
) -> tuple[Tensor, list[str]]:
    """Pictures of all kinds of scenes, and their captions."""
    drawn = [scenes.any_scene(rng) for _ in range(count)]
    pictures = unit_pictures([painter.paint(rng, scene, SIDE) for scene in drawn])
    return pictures, [scenes.templated(rng, scene.caption) for scene in drawn]


def draw_lesson(
    rng: np.random.Generator, painter: scenes.Painter, count: int
) -> tuple[Tensor, list[str]]:
    """Pictures that differ in all but that their captions tell the shape alone."""
    drawn = [scenes.lesson(rng) for _ in range(count)]
    pictures = [painter.paint(rng, scene, SIDE, plain=rng.random() < 0.5) for scene in drawn]
    return unit_pictures(pictures), [TEMPLATE.format(scene.caption) for scene in drawn]


def contrastive_loss(logits: Tensor, captions: Sequence[str]) -> Tensor:
    """Cross-entropy of (pictures, captions) both ways; captions that are the same share 1."""
    names = {caption: i for i, caption in enumerate(captions)}
    numbers = torch.tensor([names[caption] for caption in captions], device=logits.device)
    same = (numbers[:, None] == numbers).float()
    targets = same / same.sum(dim=1, keepdim=True)
    return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


def canonical(
    tensors: Mapping[str, Tensor], merges: Tensor
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata as weights_tools.convert makes them."""
    own = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
    return convert(Checkpoint("training", "", own), merges)


def train(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    device = progress.device(arguments.device)
    merges = vocabulary_merges()
    tokenizer = Tokenizer(merges)
    painter = scenes.Painter(photographs.load_all(photographs.TRAINING), arguments.seed)
    tensors = {
        name: tensor.to(device).requires_grad_()
        for name, tensor in new_tensors(BYTES_AND_ENDS + len(merges), arguments.seed).items()
    }
    groups = [
        {"params": [t for t in tensors.values() if t.dim() > 1]},
        {"params": [t for t in tensors.values() if t.dim() < 2], "weight_decay": 0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=_RATE, weight_decay=_DECAY, betas=_BETAS)
    training = progress.Progress(arguments, tensors, optimiser)

    for step in training.steps():
        rng = np.random.default_rng((arguments.seed, step))
        is_lesson = step >= _LESSONS_FROM * arguments.steps and step % 2 == 1
        draw = draw_lesson if is_lesson else draw_scenes
        pictures, captions = draw(rng, painter, arguments.batch)
        pictures = pictures.to(device)
        tokens = cut(tokenizer.tokens(captions)).to(device)
        with torch.autocast(device.type, torch.bfloat16), plain_attention():
            of_pictures = image_tower(tensors, SETTINGS, normalised_colours(pictures, SETTINGS))
            of_texts = encoded_texts(tensors, SETTINGS, tokens)
        cosines = unit_length(of_pictures.float()) @ unit_length(of_texts.float()).T
        logits = tensors["logit_scale"].exp() * cosines
        loss = contrastive_loss(logits, captions)
        rate = progress.warmed_cosine(step, arguments.steps, _WARM_UP, _RATE)
        training.descend(loss, rate, _GRADIENT_LIMIT)
        with torch.no_grad():
            tensors["logit_scale"].clamp_(0, math.log(_LARGEST_SCALE))
        hits = [captions[i] == captions[j] for j, i in enumerate(logits.argmax(dim=1).tolist())]
        right = sum(hits) / len(hits)
        training.tell(step, **{"shapes right" if is_lesson else "captions right": right})
    stored, metadata = canonical(tensors, merges)
    record.write_weights(
        arguments.out,
        "clip",
        json.loads(metadata["hewn.config"]),
        stored,
        training.source("clip"),
        training.story(scenes=arguments.steps * arguments.batch),
    )
    training.draw("CLIP: captions, and shapes in lessons")
    return 0


def main(argv: list[str] | None = None) -> int:
    out = Path("models/clip/clip_small.safetensors")
    parser = progress.options("clip", __doc__, {"steps": 4500, "batch": 96, "out": out})
    arguments = parser.parse_args(argv)
    return report_errors("train", lambda: train(arguments))
