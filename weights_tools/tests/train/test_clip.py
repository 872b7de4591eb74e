"""Training the small CLIP and its prompts, in two steps; its scenes, captions and tokens."""

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("skimage")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

from weights_tools.convert.clip import MERGES, load_network, read_sizes
from weights_tools.convert.prompts import load_prompts
from weights_tools.evaluate import clip as evaluation
from weights_tools.nets.clip import encoded_texts
from weights_tools.nets.clip_tokens import Tokenizer
from weights_tools.train import clip, maple, photographs, scenes
from weights_tools.train.merges import learn_merges

SMALL = ["--steps", "2", "--batch", "4", "--threads", "1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes, "BACKGROUNDS", 2)
        patch.setattr(photographs, "TRAINING", photographs.TRAINING[:2])
        assert clip.main([*SMALL, "--out", str(path)]) == 0
    return path


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> scenes.Painter:
    monkeypatch.setattr(scenes, "BACKGROUNDS", 2)
    return scenes.Painter({"grey": np.full((100, 100, 3), 128, np.uint8)}, seed=0)


def captions(count: int) -> list[str]:
    rng = np.random.default_rng(7)
    return [scenes.templated(rng, scenes.any_scene(rng).caption) for _ in range(count)]


def test_two_steps_write_what_hewn_reads(trained: Path) -> None:
    tensors, settings = load_network(trained)
    sizes = read_sizes("", "", tensors)
    assert (sizes.side, sizes.patch, sizes.context, sizes.embedding) == (64, 8, 77, 128)
    assert (settings.image_heads, settings.text_heads) == (2, 2)
    assert sizes.vocabulary == 514 + len(tensors[MERGES])
    assert {t.dtype for name, t in tensors.items() if name != MERGES} == {torch.float16}


def test_the_stored_merges_give_the_tokens_of_training(trained: Path) -> None:
    stored, of_training = Tokenizer(load_network(trained)[0][MERGES]), clip.vocabulary_merges()
    texts = captions(200)
    assert torch.equal(stored.tokens(texts), Tokenizer(of_training).tokens(texts))


def test_each_word_of_a_caption_is_one_token(trained: Path) -> None:
    tokenizer = Tokenizer(load_network(trained)[0][MERGES])
    for caption in captions(200):
        words = caption.replace(".", " .").split()
        assert len(tokenizer.encode(caption)) == len(words), caption


def test_the_commonest_pair_is_merged_first_and_no_text_is_made_twice() -> None:
    merges = learn_merges(["aab", "aab", "ab"])
    a, b_at_end = ord("a") - 33, ord("b") - 33 + 256
    assert merges.tolist() == [[a, b_at_end], [a, 512]]
    tokenizer = Tokenizer(learn_merges(["abab", "bab", "baba"] * 2))
    assert len(tokenizer.encode("abab bab baba")) == 3
    assert len(learn_merges(["abcdefgh"], most=3)) == 3


def test_what_is_behind_the_last_end_of_text_may_be_cut(trained: Path) -> None:
    tensors, settings = load_network(trained)
    tokens = Tokenizer(tensors.pop(MERGES)).tokens(captions(5))
    weights = {name: tensor.float() for name, tensor in tensors.items()}
    whole, part = (encoded_texts(weights, settings, t) for t in (tokens, clip.cut(tokens)))
    assert clip.cut(tokens).shape[1] < 25
    assert torch.allclose(whole, part, atol=1e-5)


def test_captions_that_are_the_same_are_right_alike() -> None:
    logits = torch.tensor([[9.0, 9.0, 0.0], [9.0, 9.0, 0.0], [0.0, 0.0, 9.0]])
    alike = clip.contrastive_loss(logits, ["a", "a", "b"])
    apart = clip.contrastive_loss(logits, ["a", "c", "b"])
    assert alike.item() == pytest.approx(apart.item(), abs=1e-4)  # each half of what is right
    favoured = logits + torch.tensor([[5.0, 0, 0], [0, 5.0, 0], [0, 0, 0]])
    assert clip.contrastive_loss(favoured, ["a", "a", "b"]) > alike
    assert clip.contrastive_loss(favoured, ["a", "c", "b"]) < apart


def test_prompts_of_two_steps_are_read_and_begin_as_the_template(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "BACKGROUNDS", 2)
    monkeypatch.setattr(photographs, "TRAINING", photographs.TRAINING[:2])
    out = tmp_path / "prompts.safetensors"
    assert maple.main([*SMALL, "--clip", str(trained), "--out", str(out)]) == 0
    prompts = load_prompts(out)
    assert (prompts.method, prompts.template) == ("maple", maple.TEMPLATE)
    assert tuple(prompts.labels or ()) == scenes.SHAPES
    assert {i: t.shape for i, t in prompts.text().items()} == dict.fromkeys(range(4), (4, 128))
    assert {i: t.shape for i, t in prompts.image().items()} == dict.fromkeys(range(4), (4, 128))
    weights, _ = load_network(trained)
    tokenizer = Tokenizer(weights[MERGES])
    first = weights["token_embedding.weight"][tokenizer.encode("a photo of a")]
    assert torch.allclose(prompts.tensors["text.prompts.0"].float(), first.float(), atol=0.02)


def test_captions_say_what_is_drawn() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        several = scenes.several(rng)
        assert several.caption.startswith(scenes.COUNTS[len(several.items) - 1])
        single = scenes.single(rng)
        assert single.items[0].shape in single.caption
        question = evaluation.which_pair(rng)
        assert len(set(question.labels)) == 4
        if " and " not in question.scene.caption:
            assert question.right == question.scene.caption


def test_a_scene_is_painted_alike_by_the_same_seed(painter: scenes.Painter) -> None:
    scene = scenes.Scene([scenes.Item("circle", "red", (0.5, 0.5), 0.3)], "a red circle")
    first, again = (painter.paint(np.random.default_rng(2), scene, 64) for _ in range(2))
    assert (first == again).all()
    red, green, blue = first[32, 32].astype(int)
    assert red > 150 > 2 * max(green, blue)


@pytest.mark.parametrize("shape", scenes.SHAPES)
def test_shapes_keep_within_their_radius(shape: str, painter: scenes.Painter) -> None:
    item = scenes.Item(shape, "red", (0.5, 0.5), 0.25)
    mask = scenes.mask_of(item, 128)
    y, x = np.nonzero(mask > 0.5)
    assert np.hypot(x - 63.5, y - 63.5).max() < 0.25 * 128 * 1.2
    assert 0.03 < (mask > 0.5).mean() < 0.21
