"""Protects the promise that the bound's memory is capped: it grows neither with the draws nor with the images."""

import pytest
import torch
from allocations import Allocations
from support.presets import CLASSES, SMALL, built, seeded

from models import (
    Batch,
    ImageShape,
    LatentVariableModel,
    VariationalAutoencoder,
    bounds,
    importance_weighted_bound,
)

SHAPE = ImageShape(1, 8, 8)
AT_ONCE = 256
"""Images decoded at once."""
PRESETS = ["fc_vae", "conv_vae", "draw", "iwae2", "cvae", "completion_cvae", "pixel_vae", "m2"]


def images(count: int) -> Batch:
    x = torch.rand(count, *SHAPE, generator=seeded()).round()
    return Batch(x, torch.arange(count) % CLASSES)


def peak(model: LatentVariableModel, batch: Batch, k: int, at_once: int = AT_ONCE) -> int:
    """Return the bytes that the bound's tensors take at most; the images and parameters were there before."""
    with Allocations() as allocations:
        bound = importance_weighted_bound(model, batch, k, seeded(), pixels_at_once=at_once * SHAPE.pixels)
    assert bound.isfinite().all()
    return allocations.peak


@pytest.mark.parametrize("name", PRESETS)
def test_memory_grows_neither_with_the_draws_nor_with_the_images(name: str) -> None:
    model = built(name, SHAPE).eval().density
    assert isinstance(model, LatentVariableModel)
    least = peak(model, images(8), 50)
    assert peak(model, images(1), 5000) < 1.1 * least
    assert peak(model, images(40), 50) < 1.1 * least


def test_memory_is_what_the_pixels_decoded_at_once_take() -> None:
    """The likelihood needs three numbers of four bytes for each, and the rest is small in a small decoder."""
    model = built("fc_vae", SHAPE).eval().density
    assert isinstance(model, LatentVariableModel)
    for at_once in (AT_ONCE, 4 * AT_ONCE):
        numbers = peak(model, images(1), 5000, at_once) / (4 * at_once * SHAPE.pixels)
        assert 3 <= numbers < 3.5


def test_by_default_the_widest_map_is_bounded_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ON_CPU", AT_ONCE * SHAPE.pixels)
    monkeypatch.setattr(bounds, "OF_MAPS", AT_ONCE * SHAPE.pixels)
    assert most_decoded("fc_vae") == AT_ONCE
    assert most_decoded("conv_vae") == AT_ONCE // SMALL["channels"]


def most_decoded(name: str) -> int:
    model = built(name, SHAPE).eval()
    assert isinstance(model, VariationalAutoencoder)
    decoded: list[int] = []
    model.decoder.register_forward_pre_hook(lambda _, inputs: decoded.append(len(inputs[0])))
    importance_weighted_bound(model, images(1), 2 * AT_ONCE, seeded())
    return max(decoded)
