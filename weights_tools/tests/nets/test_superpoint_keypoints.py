"""From heat map to keypoints, on maps made by hand."""

import pytest
import torch
from torch import Tensor

from weights_tools.nets.superpoint_keypoints import (
    KeypointOptions,
    extract_keypoints,
    local_maxima,
    sample_descriptors,
)

OPEN = KeypointOptions(nms_radius=1, threshold=0.0, border=0)


def heat_map(height: int, width: int, points: dict[tuple[int, int], float]) -> Tensor:
    scores = torch.zeros(height, width)
    for (x, y), score in points.items():
        scores[y, x] = score
    return scores


def positions(scores: Tensor, options: KeypointOptions) -> list[tuple[int, int]]:
    found = extract_keypoints(scores, options).positions
    return [(int(x), int(y)) for x, y in found.tolist()]


def test_best_first_and_ties_in_row_major_order() -> None:
    scores = heat_map(9, 9, {(6, 0): 0.5, (0, 3): 0.5, (4, 3): 0.9, (0, 8): 0.5, (8, 8): 0.7})
    assert positions(scores, OPEN) == [(4, 3), (8, 8), (6, 0), (0, 3), (0, 8)]


def test_a_neighbour_is_suppressed_within_the_radius_only() -> None:
    scores = heat_map(5, 9, {(2, 2): 0.9, (4, 2): 0.8})
    assert positions(scores, KeypointOptions(2, 0.0, 0)) == [(2, 2)]
    assert positions(scores, KeypointOptions(1, 0.0, 0)) == [(2, 2), (4, 2)]


def test_what_only_a_suppressed_pixel_outdid_is_recovered_twice() -> None:
    """A falling staircase: each step is outdone by the one before, so every second one survives."""
    staircase = heat_map(3, 9, {(x, 1): 0.9 - 0.1 * x for x in range(7)})
    # The first pass keeps x = 0 and each recovery one more; x = 6 would need a third.
    assert positions(staircase, OPEN) == [(0, 1), (2, 1), (4, 1)]


def test_equal_neighbours_survive_together() -> None:
    assert positions(heat_map(5, 5, {(2, 2): 0.5, (3, 2): 0.5}), OPEN) == [(2, 2), (3, 2)]


def test_local_maxima_of_a_flat_map_are_everywhere() -> None:
    assert local_maxima(torch.full((6, 7), 0.25), 4).all()


def test_the_threshold_itself_is_not_above_it() -> None:
    threshold = 0.5
    above = float(torch.nextafter(torch.tensor(threshold), torch.tensor(1.0)))
    scores = heat_map(5, 9, {(1, 1): threshold, (5, 1): above})
    assert positions(scores, KeypointOptions(1, threshold, 0)) == [(5, 1)]


def test_border_keeps_its_first_pixel_and_the_last_before_the_far_side() -> None:
    scores = heat_map(20, 30, {(3, 10): 0.5, (4, 4): 0.6, (25, 15): 0.7, (26, 10): 0.8})
    assert positions(scores, KeypointOptions(1, 0.0, border=4)) == [(25, 15), (4, 4)]


def test_a_border_wider_than_the_map_leaves_nothing() -> None:
    keypoints = extract_keypoints(torch.rand(8, 8), KeypointOptions(border=4))
    assert keypoints.positions.shape == (0, 2)
    assert keypoints.scores.shape == (0,)


def test_max_keypoints_keeps_the_best() -> None:
    scores = heat_map(3, 12, {(1, 1): 0.2, (4, 1): 0.9, (7, 1): 0.5, (10, 1): 0.5})
    for limit, expected in ((0, []), (2, [(4, 1), (7, 1)]), (9, [(4, 1), (7, 1), (10, 1), (1, 1)])):
        assert positions(scores, KeypointOptions(1, 0.0, 0, limit)) == expected


def ramps(width: int, height: int) -> Tensor:
    """Dense "descriptors" (3, height, width): a constant, the column and the row."""
    rows = torch.arange(height, dtype=torch.float64)[:, None].expand(height, width)
    columns = torch.arange(width, dtype=torch.float64)[None].expand(height, width)
    return torch.stack([torch.ones_like(rows), columns, rows])


@pytest.mark.parametrize(
    ("convention", "pixel", "cell"),
    [
        # Half-pixel: pixel 8c + 3.5 is the middle of cell c.
        ("half-pixel", (3.5, 3.5), (0.0, 0.0)),
        ("half-pixel", (27.5, 11.5), (3.0, 1.0)),
        # Magic Leap: pixel 3.5 is cell 0, and the last pixel, 8w - 1, is the last cell.
        ("magicleap", (3.5, 3.5), (0.0, 0.0)),
        ("magicleap", (39.0, 23.0), (4.0, 2.0)),
    ],
)
def test_sampling_conventions(
    convention: str, pixel: tuple[float, float], cell: tuple[float, float]
) -> None:
    point = torch.tensor([pixel], dtype=torch.float64)
    constant, column, row = sample_descriptors(point, ramps(5, 3), convention)[0].tolist()
    # Some ten roundings in float64 of numbers up to 40, divided by a constant of about 1/5.
    assert column / constant == pytest.approx(cell[0], abs=2000 * 2.0**-53)
    assert row / constant == pytest.approx(cell[1], abs=2000 * 2.0**-53)


def test_sampled_descriptors_have_unit_length() -> None:
    points = torch.tensor([[4.0, 4.0], [20.0, 9.0], [33.0, 17.0]], dtype=torch.float64)
    sampled = sample_descriptors(points, ramps(5, 3), "magicleap")
    assert sampled.shape == (3, 3)
    assert ((sampled.norm(dim=1) - 1).abs() < 10 * 2.0**-53).all()


def test_no_keypoints_have_no_descriptors() -> None:
    assert sample_descriptors(torch.zeros(0, 2), torch.rand(256, 2, 2), "half-pixel").shape == (
        0,
        256,
    )


def test_unknown_convention() -> None:
    with pytest.raises(ValueError, match="unknown descriptor sampling 'none'"):
        sample_descriptors(torch.zeros(1, 2), torch.rand(256, 2, 2), "none")
