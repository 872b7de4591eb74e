"""Training and judging image completion, in a few steps on small pictures."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("skimage")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

from weights_tools.convert.completion import load_network, network_layers
from weights_tools.evaluate import completion as evaluation
from weights_tools.nets.completion import LAST, MASKED_CHANNELS, completion, prepared
from weights_tools.train import completion as training
from weights_tools.train import photographs, progress, record

SMALL = ["--size", "32", "--batch", "2", "--threads", "1"]


def small_pictures() -> training.Pictures:
    rng = np.random.default_rng(0)
    return training.Pictures({"noise": rng.integers(0, 256, (80, 100, 3), dtype=np.uint8)})


def train(*options: str | Path) -> None:
    assert training.main([*SMALL, *map(str, options)]) == 0


@pytest.fixture(autouse=True)
def few_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "TRAINING", photographs.TRAINING[:2])


def test_two_steps_write_what_hewn_reads(tmp_path: Path) -> None:
    out, curve = tmp_path / "out.safetensors", tmp_path / "curve.png"
    train("--steps", "2", "--out", out, "--curve", curve)
    tensors, preparation = load_network(out)
    expected = {
        f"{name}.{part}": shape
        for name, layer in network_layers(MASKED_CHANNELS).items()
        for part, shape in (("weight", layer.canonical_shape), ("bias", (layer.layer.outputs,)))
    }
    assert {name: tensor.shape for name, tensor in tensors.items()} == expected
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert preparation.mean != (0.5, 0.5, 0.5)
    assert curve.read_bytes().startswith(b"\x89PNG")


def test_going_on_from_a_state_is_as_if_it_had_not_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, halfway = tmp_path / "state.pt", tmp_path / "halfway.pt"
    save = record.save_state

    def save_and_keep(path: Path, **values: object) -> None:
        save(path, **values)
        if values["done"] == 2:
            shutil.copy(path, halfway)

    monkeypatch.setattr(record, "save_state", save_and_keep)
    options = ["--steps", "4", "--save-every", "2", "--out"]
    train(*options, tmp_path / "at-once.safetensors", "--state", state)
    train(*options, tmp_path / "resumed.safetensors", "--state", halfway)
    at_once, resumed = (
        load_network(tmp_path / f"{n}.safetensors")[0] for n in ("at-once", "resumed")
    )
    assert all(torch.equal(at_once[name], resumed[name]) for name in at_once)
    curves = [record.load_state(path)["curves"].values for path in (state, halfway)]
    assert curves[0] == curves[1]


def test_a_few_steps_on_one_batch_lower_the_loss() -> None:
    batch = small_pictures().draw(np.random.default_rng(0), 2, 32)
    inputs = prepared(batch.pictures, batch.masks, training.Preparation())
    tensors = {n: t.requires_grad_() for n, t in training.new_tensors(0).items()}
    optimiser = torch.optim.Adam(tensors.values(), lr=1e-3)
    losses = []
    for _ in range(5):
        output = completion(tensors, inputs)[LAST]
        loss = training.loss_of(output, batch, batch.counted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_the_middle_begins_as_copies_that_are_blurred_one_layer_more_in_each_group() -> None:
    tensors = training.new_tensors(0)
    middle = torch.stack([tensors[f"conv{i}.weight"].diagonal().mean(-1) for i in range(5, 13)])
    centre = middle[:, 1, 1]  # near 1 where a layer copies, near 1/9 where it blurs: blends of both
    assert (centre[1:] > centre[:-1]).all()
    assert centre[-1] == pytest.approx(1, abs=0.02)
    assert centre[0] == pytest.approx((1 + 7 / 9) / 8, abs=0.02)


def test_errors_count_in_the_hole_and_in_a_rim_around_it() -> None:
    batch = small_pictures().draw(np.random.default_rng(3), 4, 64)
    assert batch.pictures.dtype == batch.masks.dtype == torch.float32
    assert ((batch.counted - batch.masks) >= 0).all()
    assert (batch.masks.sum(dim=(1, 2, 3)) >= 16 * 16).all()
    assert (batch.counted.sum() > batch.masks.sum()).all()


def test_the_loss_is_the_mean_over_all_colours_where_it_counts() -> None:
    batch = small_pictures().draw(np.random.default_rng(3), 2, 32)
    output = batch.pictures + 0.5 * batch.masks + 7 * (1 - batch.masks)
    assert training.loss_of(output, batch, batch.masks).item() == pytest.approx(0.25, rel=1e-5)


def test_the_rate_rises_and_falls() -> None:
    rates = [progress.warmed_cosine(step, 100, 10, 1.0) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == pytest.approx(1)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)


def test_the_places_of_the_evaluation_are_fixed() -> None:
    rng = np.random.default_rng(0)
    pictures = {"a": rng.integers(0, 256, (300, 280, 3), dtype=np.uint8)}
    first, again = (list(evaluation.cases(pictures, 3, seed=5)) for _ in range(2))
    assert [
        (a.mask == b.mask).all() and (a.picture == b.picture).all()
        for a, b in zip(first, again, strict=True)
    ] == [True] * 3
    assert all((case.mask > 0).sum() == 64 * 64 for case in first)


def test_scores_are_of_the_hole_alone() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    case = next(evaluation.cases({"a": picture}, 1, seed=0))
    off = np.where(case.mask[..., None] > 0, np.clip(picture, 10, 245), picture)
    outside = np.where(case.mask[..., None] > 0, picture, 0).astype(np.uint8)
    hole = case.mask > 0
    squared = np.square(off[hole].astype(float) - picture[hole]).mean()
    assert evaluation.score(case, off).psnr == pytest.approx(10 * np.log10(255**2 / squared))
    assert evaluation.score(case, outside).psnr == evaluation.score(case, picture).psnr > 60
    assert evaluation.score(case, picture).ssim == pytest.approx(1)
    summary = evaluation.summary([evaluation.Score(20, 0.5)], [evaluation.Score(19, 0.5)])
    assert summary == {"psnr": 20, "ssim": 0.5, "above_telea": 1}
