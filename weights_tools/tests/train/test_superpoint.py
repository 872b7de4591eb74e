"""SuperPoint's training: its data is true, its losses are the paper's, and it can go on."""

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("cv2")

from weights_tools import safetensors_file
from weights_tools.nets.superpoint import superpoint
from weights_tools.nets.superpoint_keypoints import sample_descriptors
from weights_tools.train import homographies, superpoint_losses, synthetic_shapes, textures
from weights_tools.train import superpoint as training
from weights_tools.train.superpoint_network import SuperPointNetwork

SIZE = training.PHOTOGRAPH_SIZE


def test_points_of_shapes_are_inside_and_many() -> None:
    rng = np.random.default_rng(1)
    counts = []
    for _ in range(200):
        picture, points = synthetic_shapes.draw(rng, 48, 64)
        assert picture.shape == (48, 64) and picture.dtype == np.float32
        assert ((picture >= 0) & (picture <= 1)).all()
        assert ((points >= 0) & (points <= [63, 47])).all()
        counts.append(len(points))
    assert min(counts) == 0 and np.mean(counts) > 5


def test_a_view_shows_a_place_where_the_homography_takes_it() -> None:
    rng = np.random.default_rng(2)
    for _ in range(10):
        matrix = homographies.random_homography(rng, 90, 120)
        spot = np.array([[60.0, 45.0]])
        y, x = np.mgrid[:90, :120]
        picture = np.exp(-((x - 60) ** 2 + (y - 45) ** 2) / 18).astype(np.float32)
        seen = homographies.view(picture, matrix)
        column, row = homographies.moved(spot, matrix)[0].round().astype(int)
        around = seen[row - 1 : row + 2, column - 1 : column + 2]  # the middle stays inside
        assert around.max() > 0.9
        assert seen[row - 9 : row + 10, column - 9 : column + 10].max() == around.max()


def test_labels_name_the_pixel_of_a_cell() -> None:
    points = torch.tensor([[0.0, 0.0], [17.0, 3.0], [9.4, 15.0], [24.0, 3.0], [3.0, -1.0]])
    labels = superpoint_losses.cell_labels(points, 16, 24, torch.Generator().manual_seed(1))
    assert labels.tolist() == [[0, 64, 3 * 8 + 1], [64, 7 * 8 + 1, 64]]


def test_detector_loss_is_the_mean_over_valid_cells() -> None:
    semi = torch.zeros(1, 65, 1, 2)
    semi[0, 3, 0, 0] = 100
    labels = torch.tensor([[[3, 5]]])
    both = superpoint_losses.detector_loss(semi, labels, torch.tensor([[[True, True]]]))
    first = superpoint_losses.detector_loss(semi, labels, torch.tensor([[[True, False]]]))
    assert first.item() == 0
    torch.testing.assert_close(both.item(), np.log(65) / 2)


def test_descriptor_loss_meets_its_margins() -> None:
    # The four cells' descriptors are the four axes: each place is like its partner alone.
    dense = torch.eye(4).reshape(4, 2, 2)
    places = torch.tensor([[3.5, 3.5], [11.5, 3.5], [3.5, 11.5], [11.5, 11.5]])
    loss = superpoint_losses.descriptor_loss
    assert [part.item() for part in loss(dense, dense, places, places)] == [0, 0]
    swapped = places[[1, 0, 2, 3]]
    positive, negative = loss(dense, dense, places, swapped, apart=4)
    assert positive.item() == 0.5  # two of four have a similarity of 0 in place of 1
    # From either side, two of four meet another that is the same.
    torch.testing.assert_close(negative.item(), (1 - superpoint_losses.NEGATIVE_MARGIN) / 2)


def test_the_loss_samples_as_inference_does() -> None:
    torch.manual_seed(1)
    dense = torch.nn.functional.normalize(torch.randn(256, 6, 8), dim=0)
    places = 8 * torch.rand(50, 2) * torch.tensor([8, 6])
    sampled = superpoint_losses._sampled(dense, places)
    expected = sample_descriptors(places, dense, "half-pixel")
    torch.testing.assert_close(sampled, expected, rtol=0, atol=1e-6)


def test_the_canonical_tensors_are_the_trained_network() -> None:
    torch.manual_seed(1)
    network = SuperPointNetwork()
    image = torch.rand(2, 1, 40, 48)
    for _ in range(3):
        network(image)  # moves the means and variances
    network.eval()
    with torch.inference_mode():
        semi, descriptors = network.double()(image.double())
        canonical = {name: tensor.double() for name, tensor in network.canonical().items()}
        expected = superpoint(canonical, image.double())
    # forward() ends in float32.
    torch.testing.assert_close(semi.double(), expected.semi, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(descriptors.double(), expected.descriptors, rtol=1e-6, atol=1e-6)


@pytest.fixture
def two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pictures in place of the photographs, which are in packages that may be missing."""

    def parts(rng: np.random.Generator, each: int) -> list[np.ndarray]:
        return [textures.shapes(rng, *SIZE) @ textures.GREY for _ in range(2 * each)]

    monkeypatch.setattr(training, "parts_of_photographs", parts)


def train(folder: Path, name: str, shapes: int, steps: int) -> Path:
    out = folder / f"{name}.safetensors"
    options = f"--out {out} --state {folder / 'state'} --seed 3 --views 2 --parts 1 --pairs 1"
    sizes = f"--shapes-steps {shapes} --shapes-batch 2 --steps {steps} --device cpu"
    assert training.main([*options.split(), *sizes.split()]) == 0
    return out


def test_a_training_writes_weights_and_need_not_be_repeated(
    tmp_path: Path, two_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "LABEL_THRESHOLD", 0)  # whatever two steps have taught
    first = train(tmp_path, "first", shapes=2, steps=2)
    contents = safetensors_file.read(first)
    assert {t.dtype for t in contents.tensors.values()} == {torch.float16}
    assert contents.metadata["licence"] == "Apache-2.0"
    image = torch.rand(1, 1, 16, 16)
    weights = {name: tensor.float() for name, tensor in contents.tensors.items()}
    assert superpoint(weights, image).descriptors.shape == (1, 256, 2, 2)
    again = train(tmp_path, "again", shapes=2, steps=2)
    assert safetensors_file.read(again).tensors.keys() == contents.tensors.keys()
    for name, tensor in safetensors_file.read(again).tensors.items():
        assert torch.equal(tensor, contents.tensors[name]), name


def test_a_detector_that_finds_nothing_is_an_error(
    tmp_path: Path, two_parts: None, capsys: pytest.CaptureFixture[str]
) -> None:
    options = f"--out {tmp_path / 'weights'} --state {tmp_path} --views 2 --parts 1 --device cpu"
    options += " --shapes-steps 1 --shapes-batch 1"
    assert training.main(options.split()) == 1
    assert "no point in any photograph" in capsys.readouterr().err
