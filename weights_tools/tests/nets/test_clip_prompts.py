"""Learned prompts against their authors' code on open_clip's CLIP."""

import json
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert import clip, prompts
from weights_tools.convert.merges import load_merges
from weights_tools.convert.prompts import Options
from weights_tools.convert.random_clip import FORMS, random_checkpoint
from weights_tools.convert.random_prompts import Amounts
from weights_tools.convert.random_prompts import random_checkpoint as random_prompts
from weights_tools.nets.clip import Settings, image_tower, logits, unit_length
from weights_tools.nets.clip_prompts import Answer, LearnedPrompts, Texts, classify
from weights_tools.nets.clip_tokens import Tokenizer
from weights_tools.tests.support.tensors import double, relative_l2

pytest.importorskip("open_clip")

from weights_tools.audit.clip_witness import open_clip_model
from weights_tools.tests.support import official_prompts as official

pytestmark = pytest.mark.usefixtures("on_one_thread")

SIZES = FORMS["tiny"]
SETTINGS = Settings("quick_gelu", 2, 1)
LABELS = ["cat", "golden retriever", "Boeing 737", "dog"]
SAME = 1e-13  # both are float64


@cache
def weights() -> dict[str, Tensor]:
    """In float64."""
    return double(clip.convert(random_checkpoint(SIZES, seed=8), load_merges(None))[0])


@cache
def model() -> nn.Module:
    return open_clip_model(weights(), SETTINGS)


@cache
def tokenizer() -> Tokenizer:
    return Tokenizer(load_merges(None))


def pictures() -> Tensor:
    generator = torch.Generator().manual_seed(9)
    shape = (2, 3, SIZES.side, SIZES.side)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def answer(published: Checkpoint, options: Options) -> tuple[Answer, Tensor]:
    """What our definition says of the converted prompts, and the tokens of the labels."""
    tensors, metadata = prompts.convert(published, options)
    config = json.loads(metadata["hewn.config"])
    learned = LearnedPrompts(double(tensors), *config.values())
    template = learned.template or "a photo of a {}."
    tokens = tokenizer().tokens(template.replace("{}", label) for label in LABELS)
    texts = Texts(tokens[:, None], [len(tokenizer().encode(label)) for label in LABELS])
    return classify(weights(), SETTINGS, learned, pictures(), texts), tokens


def plain_image_features() -> Tensor:
    return unit_length(image_tower(weights(), SETTINGS, pictures()))


@pytest.mark.parametrize("position", ["end", "middle", "front"])
@pytest.mark.parametrize("classes", [None, len(LABELS)])
@pytest.mark.parametrize("length", [1, 4, 5])
def test_coop(position: str, classes: int | None, length: int) -> None:
    published = random_prompts("coop", SIZES, Amounts(length, None, classes), 1)
    ours, tokens = answer(published, Options(class_position=position))
    names = [len(tokenizer().encode(label)) for label in LABELS]
    expected = official.coop(model(), double(published.tensors), tokens, names, position)
    assert relative_l2(ours.text_features, expected) < SAME
    assert relative_l2(ours.image_features, plain_image_features()) < SAME


def test_cocoop() -> None:
    published = random_prompts("cocoop", SIZES, Amounts(), 1)
    ours, tokens = answer(published, Options())
    images = plain_image_features()
    expected = official.cocoop(model(), double(published.tensors), tokens, images)
    assert relative_l2(ours.text_features, expected) < SAME
    assert relative_l2(ours.image_features, images) < SAME
    assert not torch.allclose(expected[0], expected[1], rtol=0, atol=1e-4)
    each = [logits(weights(), images[i : i + 1], expected[i]) for i in range(2)]
    assert relative_l2(ours.logits, torch.cat(each)) < SAME


@pytest.mark.parametrize("method", ["vpt", "ivlp", "maple"])
@pytest.mark.parametrize(("length", "depth"), [(None, None), (3, 1), (1, 2)])
def test_prompts_of_the_picture(method: str, length: int | None, depth: int | None) -> None:
    published = random_prompts(method, SIZES, Amounts(length, depth), 1)
    ours, tokens = answer(published, Options())
    run = official.maple if method == "maple" else official.independent
    images, texts = run(model(), double(published.tensors), tokens, pictures())
    assert relative_l2(ours.image_features, images) < SAME
    assert relative_l2(ours.text_features, texts) < SAME
    assert relative_l2(images, plain_image_features()) > 1e-2
