"""Protects the pictures of conditional models: each column of samples shows one class, as does each path."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from models import Batch, ImageShape
from models.conditions import Label, Pixels
from models.presets import VAE
from sweeper.training.pictures import column_by_class, draw

SHAPE = ImageShape(1, 8, 8)


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def middles() -> Callable[[bytes], Any]:
    """Returns a function that gives the middle of every image in a grid."""

    def read(picture: bytes) -> Any:
        with Image.open(BytesIO(picture)) as opened:
            return np.asarray(opened)[30::58, 30::58].tolist()

    return read


@pytest.fixture
def pictures() -> dict[str, bytes]:
    """Pictures of a model told one of four classes; what it draws is replaced by its class, as a level of grey."""
    model = VAE(latent_dim=2, condition=Label()).build(SHAPE, noise(), classes=4)

    def shade(z: Tensor, context: Tensor) -> Tensor:
        return (context.argmax(-1) / 4).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)

    model.mean = shade  # type: ignore[method-assign, assignment]
    return draw(model, Batch(torch.rand(40, 1, 8, 8), 3 - torch.arange(40) % 4), noise)


def test_each_column_has_the_images_of_one_class() -> None:
    labels = torch.tensor([2, 0, 2, 5, 0, 2, 2])
    images = torch.arange(7.0).view(7, 1, 1, 1)
    told, columns = column_by_class(images, labels, rows=3)
    assert columns == 3
    assert told.y is not None
    assert told.y.view(3, 3).tolist() == [[0, 2, 5]] * 3
    assert told.x.view(3, 3).tolist() == [[1, 0, 3], [4, 2, 3], [1, 5, 3]]


def test_samples_of_a_model_that_is_told_labels_stand_in_columns(
    pictures: dict[str, bytes], middles: Callable[[bytes], Any]
) -> None:
    assert middles(pictures["samples"]) == [[0, 64, 128, 191]] * 8


def test_a_path_stays_in_the_class_of_an_example(pictures: dict[str, bytes], middles: Callable[[bytes], Any]) -> None:
    assert middles(pictures["interpolation"]) == [[191] * 8, [128] * 8]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_a_model_that_is_told_pixels_shows_paths_of_at_most_two_examples(
    count: int, middles: Callable[[bytes], Any]
) -> None:
    model = VAE(latent_dim=2, condition=Pixels()).build(SHAPE, noise())
    shades = torch.linspace(0, 1, 40)[:count].view(-1, 1, 1, 1).expand(-1, 1, 8, 8)
    found = draw(model, Batch(shades), noise)["interpolation"]
    with Image.open(BytesIO(found)) as opened:
        top = np.asarray(opened)[10::58, 10::58].tolist()
    assert top == [[0] * 8, [7] * 8][:count]
