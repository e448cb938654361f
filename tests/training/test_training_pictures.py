"""Protects the pictures of a model: which there are, their sizes, and that a path leads from draw to draw."""

from io import BytesIO

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models import Batch, GenerativeModel, ImageShape, Model, find
from models.presets import VAE
from sweeper.training.pictures import draw

SHAPE = ImageShape(1, 8, 8)
EXAMPLES = Batch(torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(2)), torch.arange(40) % 10)


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def model_of(name: str, **parameters: int) -> GenerativeModel:
    return find(Model, name)(**parameters).build(SHAPE, torch.Generator().manual_seed(0), classes=10)


def read(picture: bytes) -> NDArray[np.uint8]:
    with Image.open(BytesIO(picture)) as opened:
        return np.asarray(opened)


@pytest.mark.parametrize(("count", "shape"), [(100, (8, 8)), (20, (4, 8)), (8, (2, 8)), (5, (2, 5)), (1, (2, 1))])
def test_few_validation_images_make_a_smaller_grid_of_whole_rows(count: int, shape: tuple[int, int]) -> None:
    found = draw(model_of("vae", latent_dim=2), Batch(torch.rand(count, 1, 8, 8)), noise)
    assert read(found["reconstructions"]).shape == tuple(58 * size + 2 for size in shape)
    assert read(found["samples"]).shape == (8 * 58 + 2, 8 * 58 + 2)
    assert read(found["interpolation"]).shape == (2 * 58 + 2, 8 * 58 + 2)
    assert read(found["latents"]).shape == (240, 240)


def test_a_model_that_only_draws_has_nothing_rebuilt_and_no_latents() -> None:
    assert set(draw(model_of("gan"), EXAMPLES, noise)) == {"samples", "interpolation"}


def test_a_model_with_one_inside_that_infers_has_all_pictures() -> None:
    assert set(draw(model_of("vae_gan"), EXAMPLES, noise)) == {"samples", "interpolation", "reconstructions", "latents"}


def test_a_row_is_a_straight_path_between_two_draws_of_the_prior() -> None:
    """The model's pictures are replaced by their first latent value, as a level of grey."""
    model = VAE(latent_dim=2).build(SHAPE, torch.Generator().manual_seed(0))

    def shade(z: Tensor, context: Tensor | None) -> Tensor:
        return (z[:, 0] / 8 + 0.5).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)

    model.mean = shade  # type: ignore[method-assign, assignment]
    found = read(draw(model, EXAMPLES, noise)["interpolation"])[30::58, 30::58] / 255
    drawn = noise()
    begin, end = model.prior(2, drawn)[:, 0], model.prior(2, drawn)[:, 0]
    for row in range(2):
        expected = torch.linspace(begin[row].item(), end[row].item(), 8) / 8 + 0.5
        assert found[row].tolist() == pytest.approx(expected.tolist(), abs=1 / 255)


def test_drawing_leaves_no_gradient_and_draws_nothing_from_the_global_generator() -> None:
    before, model = torch.get_rng_state(), model_of("vae", latent_dim=2)
    draw(model, EXAMPLES, noise)
    assert torch.get_rng_state().equal(before)
    assert all(parameter.grad is None for parameter in model.parameters())
