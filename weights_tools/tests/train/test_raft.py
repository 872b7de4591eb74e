"""RAFT's training: its pairs have the flow that they claim, and it can go on after a stop."""

import contextlib
import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from weights_tools import safetensors_file
from weights_tools.convert.raft import load_network
from weights_tools.nets.raft_correlation import correlation_pyramid
from weights_tools.nets.raft_correlation import lookup as plain_lookup
from weights_tools.train import motion, photographs, raft, textures

for package in ("skimage", "sklearn", "matplotlib"):  # of train/requirements.txt
    pytest.importorskip(package)

pytestmark = pytest.mark.usefixtures("one_thread")

HEIGHT, WIDTH = 96, 128


def _pixels() -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))).astype(np.float32)


def _smooth_pictures() -> list[np.ndarray]:
    """Without details that an interpolation between pixels would lose."""
    rng = np.random.default_rng(3)
    noise = [textures.noise(rng, 200, 260) for _ in range(4)]
    return [motion.as_bytes(cv2.GaussianBlur(picture, (0, 0), 4)) for picture in noise]


@pytest.fixture
def small_training(monkeypatch: pytest.MonkeyPatch) -> raft.Plan:
    for which in ("TRAINING", "HELD_OUT"):
        monkeypatch.setattr(photographs, which, getattr(photographs, which)[:1])
    monkeypatch.setattr(raft, "TEXTURES", 1)
    monkeypatch.setattr(raft, "HELD_OUT_PAIRS", 1)
    monkeypatch.setattr(raft, "HELD_OUT_SIZE", (64, 64))
    part = raft.Part((64, 72), 2)
    return raft.Plan(steps=4, batch=2, rate=1e-3, seed=5, early=part, late=part)


def _trained(plan: raft.Plan, state: Path, until: int) -> raft.Training:
    training = raft.Training(plan, "cpu", state)
    training.run(until, apart=False)
    return training


@pytest.mark.parametrize("longest", [3.0, 40.0])
def test_a_motion_and_its_inverse_cancel(longest: float) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        moved = motion.random_motion(rng, np.array([60.0, 50.0]), 40, longest)
        back = moved.inverse(moved(_pixels()))
        # float32 of places near 200 has steps of 1.5e-5; the iteration ends at BENDING**7 pixels.
        assert np.abs(back - _pixels()).max() < 2e-3


def test_the_second_picture_along_the_flow_is_the_first() -> None:
    pictures = _smooth_pictures()
    for seed, longest in enumerate([1.0, 3.0, 8.0, 15.0, 30.0]):
        rng = np.random.default_rng(seed)
        pair = motion.make_pair(rng, pictures, HEIGHT, WIDTH, longest, clean=True)
        assert 0.3 < pair.visible.mean() < 1

        def difference(flow: np.ndarray, pair: motion.Pair = pair) -> np.ndarray:
            second = np.ascontiguousarray(pair.second)
            warped = cv2.remap(second, *(_pixels() + flow), cv2.INTER_LINEAR)
            return np.abs(warped - pair.first)[pair.visible]

        # Half a grey level of 8 bits; the pictures change by more than that in half a pixel.
        assert difference(pair.flow).mean() < 0.5 / 255
        assert difference(pair.flow + 0.5).mean() > 3 * difference(pair.flow).mean()


def test_hidden_pixels_are_not_visible() -> None:
    still = motion.Motion(np.eye(3), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))
    right = dataclasses.replace(still, matrix=np.array([[1.0, 0, 10], [0, 1, 0], [0, 0, 1]]))
    picture = np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    square = np.zeros((HEIGHT, WIDTH), np.float32)
    square[20:40, 30:50] = 1
    layers = [
        motion.make_layer(picture, np.ones_like(square), 0, np.zeros(2), still),
        motion.make_layer(picture, square, 0, np.zeros(2), right),
    ]
    pair = motion.render(layers, HEIGHT, WIDTH)
    assert (pair.flow[0] == 10 * (square > 0)).all() and (pair.flow[1] == 0).all()
    assert not pair.visible[20:40, 50:60].any()  # the background that the square moves over
    assert pair.visible[22:38, 32:48].all() and pair.visible[50:, :].all()


def test_pairs_repeat_with_their_seed() -> None:
    pairs = [
        motion.make_pair(np.random.default_rng(4), _smooth_pictures(), HEIGHT, WIDTH, 9.0)
        for _ in range(2)
    ]
    assert (pairs[0].second == pairs[1].second).all() and (pairs[0].flow == pairs[1].flow).all()


def test_the_lookup_of_the_training_is_the_networks() -> None:
    features = torch.randn(2, 2, 16, 8, 12, generator=torch.Generator().manual_seed(0))
    pyramid = correlation_pyramid(*features)
    places = 16 * torch.rand(2, 2, 8, 12, generator=torch.Generator().manual_seed(1)) - 2
    expected = plain_lookup(pyramid, places, 3)
    # Values of about 1, at places that are rounded in two ways to some 1e-6 of a pixel.
    torch.testing.assert_close(raft.lookup(pyramid, places, 3), expected, rtol=1e-4, atol=1e-4)


def test_the_training_unrolls_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "autocast", lambda *_: contextlib.nullcontext())
    network = raft.begun(1)
    pictures = 255 * torch.rand(2, 1, 3, 64, 72, generator=torch.Generator().manual_seed(0))
    expected = network(*pictures, 3, all_iterations=True).flows
    actual = raft.unrolled(network, *pictures, 3)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


def test_the_rate_warms_up_stays_and_falls() -> None:
    part = raft.Part((64, 64), 1)
    plan = raft.Plan(steps=1000, batch=1, rate=1.0, seed=0, early=part, late=part)
    assert plan.rate_at(0) == pytest.approx(1 / raft.WARM_UP)
    assert plan.rate_at(raft.WARM_UP) == plan.rate_at(plan.turn) == 1
    assert plan.rate_at(999) == pytest.approx(1 / (1000 - plan.turn))


def test_a_training_writes_a_file_that_loads(small_training: raft.Plan, tmp_path: Path) -> None:
    training = _trained(small_training, tmp_path / "state.pt", 2)
    path = tmp_path / "weights" / "raft.safetensors"
    raft.write(path, training, "a test")
    contents = safetensors_file.read(path)
    assert {t.dtype for t in contents.tensors.values()} == {torch.float16}
    assert json.loads(contents.metadata["training"])["steps"] == 2
    loaded = load_network(path).state_dict()
    for name, tensor in training.network.state_dict().items():
        assert torch.equal(loaded[name], tensor.half().float()), name


def test_a_training_that_was_cut_off_is_the_same(small_training: raft.Plan, tmp_path: Path) -> None:
    whole = _trained(small_training, tmp_path / "whole.pt", 4)
    _trained(small_training, tmp_path / "cut.pt", 2)
    cut = _trained(small_training, tmp_path / "cut.pt", 4)
    assert cut.step == 4 and len(cut.curves.values["loss"]) == 4
    assert cut.curves.values["loss"] == whole.curves.values["loss"]
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(cut.network.state_dict()[name], tensor), name
