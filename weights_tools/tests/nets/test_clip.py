"""CLIP's towers and tokens against open_clip's own, and what random weights are like."""

import math
import random
import string
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from weights_tools.convert.clip import MERGES, convert
from weights_tools.convert.merges import load_merges
from weights_tools.convert.random_clip import FORMS, random_checkpoint
from weights_tools.errors import ToolError
from weights_tools.nets.clip import (
    GELU,
    QUICK_GELU,
    Settings,
    encoded_texts,
    image_tower,
    logits,
    normalised_colours,
    text_ends,
    unit_length,
)
from weights_tools.nets.clip_prompts import ensemble
from weights_tools.nets.clip_tokens import Tokenizer
from weights_tools.tests.support.tensors import double, relative_l2

pytest.importorskip("open_clip")

from open_clip.tokenizer import SimpleTokenizer

from weights_tools.audit import clip_witness

pytestmark = pytest.mark.usefixtures("on_one_thread")

TEXTS = ["a photo of a cat.", "", "the quick brown fox, who jumps over 13 lazy dogs!"]

# Both are float64: sums of up to 3072 numbers, some hundred of them behind each other.
SAME = 1e-13


@cache
def weights(form: str) -> dict[str, Tensor]:
    """In float64."""
    checkpoint = random_checkpoint(FORMS[form], seed=5, half=True)
    tensors, _ = convert(checkpoint, load_merges(None))
    return double(tensors)


def pictures(form: str, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(6)
    shape = (count, 3, FORMS[form].side, FORMS[form].side)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(
    ("form", "heads", "activation"),
    [("tiny", 2, QUICK_GELU), ("tiny", 4, GELU), ("vit-b-16", 12, QUICK_GELU)],
)
def test_the_towers_are_open_clips(form: str, heads: int, activation: str) -> None:
    tensors, inputs = weights(form), pictures(form, 2 if form == "tiny" else 1)
    settings = Settings(activation, heads, FORMS[form].text.width // 64)
    tokens = Tokenizer(tensors[MERGES]).tokens(TEXTS if form == "tiny" else TEXTS[:1])
    model = clip_witness.open_clip_model(tensors, settings)
    images = unit_length(image_tower(tensors, settings, inputs))
    texts = unit_length(encoded_texts(tensors, settings, tokens))
    expected_images = model.encode_image(inputs, normalize=True)
    expected_texts = model.encode_text(tokens, normalize=True)
    assert relative_l2(images, expected_images) < SAME
    assert relative_l2(texts, expected_texts) < SAME
    cosines = expected_images @ expected_texts.T
    expected_logits = model.logit_scale.exp() * cosines
    assert relative_l2(logits(tensors, images, texts), expected_logits) < SAME


def test_the_trace_is_what_open_clip_computes() -> None:
    tensors, inputs = weights("tiny"), pictures("tiny", 2)
    settings = Settings("quick_gelu", 2, 1)
    trace: dict[str, Tensor] = {}
    image_tower(tensors, settings, inputs, trace=trace)
    visual = clip_witness.open_clip_model(tensors, settings).visual
    x = trace["visual.ln_pre"]
    assert relative_l2(x, visual.ln_pre(trace["visual.conv1"])) < SAME
    for i, block in enumerate(visual.transformer.resblocks):
        x = block(x)
        assert relative_l2(trace[f"visual.transformer.resblocks.{i}"], x) < SAME
    assert len(trace) == 2 + FORMS["tiny"].image.blocks


def test_nothing_depends_on_what_is_behind_end_of_text() -> None:
    tensors, settings = weights("tiny"), Settings("quick_gelu", 2, 1)
    tokens = Tokenizer(tensors[MERGES]).tokens(TEXTS)
    longest = 1 + text_ends(tokens).max()
    cut = encoded_texts(tensors, settings, tokens[:, :longest])
    assert relative_l2(cut, encoded_texts(tensors, settings, tokens)) < SAME


def test_pictures_are_normalised_colour_by_colour() -> None:
    settings = Settings("gelu", 1, 1, mean=(0.25, 0.5, 0.75), std=(0.5, 0.25, 0.125))
    colours = normalised_colours(torch.ones(1, 3, 2, 2), settings)
    assert colours[0, :, 1, 0].tolist() == [1.5, 2.0, 2.0]


def test_a_mean_over_templates_is_of_length_1() -> None:
    features = torch.tensor([[[3.0, 0.0], [0.0, 0.5]], [[0.0, -2.0], [0.0, -9.0]]])
    assert torch.allclose(ensemble(features), torch.tensor([[0.5**0.5, 0.5**0.5], [0.0, -1.0]]))


# Tokens.


def test_tokens_are_open_clips() -> None:
    ours, theirs = Tokenizer(load_merges(None)), SimpleTokenizer()
    source = random.Random(7)
    words = [*TEXTS[2].split(), "I'LL", "It's", "1234", "well-known", "x_y", "&amp;", "&lt;b&gt;"]
    texts = [*TEXTS, "x" * 300, "long " * 100]
    texts += [" ".join(source.choices(words, k=source.randint(1, 40))) for _ in range(100)]
    signs = string.printable[:95]
    texts += ["".join(source.choices(signs, k=source.randint(1, 60))) for _ in range(300)]
    for text in texts:
        assert torch.equal(ours.tokens([text]), theirs([text])), text
        assert ours.encode(text) == theirs.encode(text), text


@pytest.mark.parametrize("text", ["café", "two\nlines", "\x07"])
def test_a_text_that_is_not_plain(text: str) -> None:
    with pytest.raises(ToolError, match="printable ASCII"):
        Tokenizer(load_merges(None)).encode(text)


# Random weights.


def test_random_weights_are_at_the_scale_of_trained_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing explodes or vanishes, and attention is neither uniform nor at one token."""
    greatest: list[float] = []
    attention = F.scaled_dot_product_attention

    def watched(query: Tensor, key: Tensor, value: Tensor, is_causal: bool) -> Tensor:
        if not is_causal:
            scores = (query @ key.mT * query.shape[-1] ** -0.5).softmax(dim=-1)
            greatest.append(scores.amax(dim=-1).mean().item())
        return attention(query, key, value, is_causal=is_causal)

    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    settings = Settings("quick_gelu", 12, 8)
    trace: dict[str, Tensor] = {}
    inputs = torch.cat([pictures("vit-b-16", 1), torch.ones(1, 3, 224, 224)]).float()
    tensors = {n: t.float() for n, t in weights("vit-b-16").items() if n != MERGES}
    features = unit_length(image_tower(tensors, settings, inputs, trace=trace))
    assert len(greatest) == 12
    assert all(0.05 < part < 0.6 for part in greatest)
    deviations = [layer.std().item() for name, layer in trace.items() if "resblocks" in name]
    assert all(0.5 < deviation < 6 for deviation in deviations)
    assert features[0] @ features[1] < 0.98
    assert tensors["logit_scale"].item() == pytest.approx(math.log(100))


def test_half_is_what_openai_stores_as_half() -> None:
    tensors = random_checkpoint(FORMS["tiny"], seed=0, half=True).tensors
    assert tensors["visual.transformer.resblocks.1.attn.in_proj_bias"].dtype == torch.float16
    assert tensors["transformer.resblocks.1.mlp.c_fc.weight"].dtype == torch.float16
    assert tensors["visual.proj"].dtype == tensors["visual.conv1.weight"].dtype == torch.float16
    for name in ("token_embedding.weight", "visual.positional_embedding", "ln_final.bias"):
        assert tensors[name].dtype == torch.float32
