"""Protects where the dots of a scatter are, their colours, and that no latent vectors are too odd to be shown."""

import math
from io import BytesIO

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models import UNKNOWN
from sweeper.training.pictures import plane
from sweeper.training.scatter import REACH, SIDE, scatter

WHITE = (255, 255, 255)
MIDDLE = SIDE // 2


def pixels(points: Tensor, classes: Tensor | None = None) -> NDArray[np.uint8]:
    with Image.open(BytesIO(scatter(points, classes))) as picture:
        return np.asarray(picture.convert("RGB"))


def dots(picture: NDArray[np.uint8]) -> dict[tuple[int, ...], list[tuple[float, float]]]:
    """Return the extent of the dots of each colour, in pixels: left, right and top, bottom."""
    found = {}
    for colour in {tuple(map(int, pixel)) for pixel in picture.reshape(-1, 3)} - {WHITE}:
        rows, columns = np.nonzero((picture == colour).all(-1))
        found[colour] = [(columns.min(), columns.max()), (rows.min(), rows.max())]
    return found


def test_a_dot_is_where_its_point_is_right_and_up() -> None:
    ((across, down),) = dots(pixels(torch.tensor([[REACH / 2, REACH / 3]]))).values()
    assert sum(across) / 2 == pytest.approx(SIDE * 3 / 4, abs=1.5)
    assert sum(down) / 2 == pytest.approx(SIDE / 3, abs=1.5)


@pytest.mark.parametrize("corner", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_the_farthest_point_is_in_the_picture_however_far_it_is(corner: tuple[int, int]) -> None:
    ((across, down),) = dots(pixels(1e30 * torch.tensor([corner]))).values()
    assert (across, down) == (
        (SIDE - 3, SIDE - 1) if corner[0] > 0 else (0, 2),
        (0, 2) if corner[1] > 0 else (SIDE - 3, SIDE - 1),
    )


def test_a_cloud_that_has_collapsed_is_a_dot_in_the_middle() -> None:
    ((across, down),) = dots(pixels(1e-3 * torch.randn(50, 2, generator=torch.Generator().manual_seed(0)))).values()
    assert [*across, *down] == pytest.approx([MIDDLE] * 4, abs=2)


def test_ten_classes_have_ten_colours_and_an_eleventh_that_of_the_first() -> None:
    line = torch.stack([torch.linspace(-3, 3, 12), torch.zeros(12)], 1)
    found = dots(pixels(line, torch.tensor([*range(11), UNKNOWN])))
    assert len(found) == 11
    assert set(dots(pixels(line))) < set(found), "points without classes have the colour of an unknown one"
    extents = [down_up[0] for down_up in found.values()]
    assert max(right - left for left, right in extents) > SIDE / 2, "class 10 has the colour of class 0"


def test_what_is_not_finite_is_shown_at_the_origin() -> None:
    points = torch.tensor([[math.nan, math.inf], [-math.inf, 0.0]])
    ((across, down),) = dots(pixels(points)).values()
    assert [*across, *down] == pytest.approx([MIDDLE] * 4, abs=2)


def test_a_picture_of_a_thousand_points_takes_few_bytes() -> None:
    draws = torch.Generator().manual_seed(0)
    assert len(scatter(torch.randn(1000, 2, generator=draws), torch.arange(1000) % 10)) < 10_000


def test_two_values_are_shown_as_they_are_and_one_on_the_horizontal_axis() -> None:
    two = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert plane(two).tolist() == two.tolist()
    assert plane(two[:, :1]).tolist() == [[1, 0], [3, 0]]


def test_of_more_values_the_two_directions_are_shown_in_which_they_vary_most() -> None:
    draws = torch.Generator().manual_seed(0)
    latents = torch.randn(200, 5, generator=draws) * torch.tensor([0.01, 3.0, 0.01, 1.0, 0.01])
    points = plane(latents)
    assert points.shape == (200, 2)
    assert points.std(0).tolist() == pytest.approx(latents[:, [1, 3]].std(0).tolist(), rel=0.05)


@pytest.mark.parametrize("value", [math.nan, math.inf, 3e38])
def test_latent_vectors_of_a_diverged_model_have_a_place_too(value: float) -> None:
    latents = torch.zeros(4, 5)
    latents[0, 0] = value
    assert plane(latents).isfinite().all()


def test_a_single_image_is_a_point() -> None:
    assert plane(torch.ones(1, 5)).tolist() == [[0, 0]]
