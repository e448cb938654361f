"""Protects that parameters depend on the given generator alone, and are distributed as PyTorch's own."""

import pytest
import torch
from torch import nn

from models import Backbone, ImageShape, find, names
from models.initialization import initialize, materialize
from models.presets import VAE

SHAPE = ImageShape(1, 8, 8)
LAYERS = {
    "linear": lambda: nn.Linear(6, 4),
    "no bias": lambda: nn.Linear(6, 4, bias=False),
    "convolution": lambda: nn.Conv2d(3, 5, 3),
    "transposed convolution": lambda: nn.ConvTranspose2d(3, 5, 3),
    "batch norm of vectors": lambda: nn.BatchNorm1d(4),
    "batch norm of maps": lambda: nn.BatchNorm2d(4),
}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
def test_the_same_draws_give_the_parameters_that_pytorch_would_give(layer) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        expected = layer().state_dict()
    actual = materialize(layer, seeded(3)).state_dict()
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, rtol=1e-6, atol=0)


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("backbone", names(Backbone))
def test_the_same_seed_gives_the_same_parameters(backbone: str, norm: str) -> None:
    model = VAE(backbone=find(Backbone, backbone)(norm=norm))
    first, second, other = (model.build(SHAPE, seeded(seed)).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("backbone", names(Backbone))
def test_building_leaves_the_global_random_state_alone(backbone: str) -> None:
    before = torch.get_rng_state()
    VAE(backbone=find(Backbone, backbone)(norm="batch")).build(SHAPE, seeded(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_layer_that_it_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="not PReLU"):
        initialize(nn.Sequential(nn.Linear(2, 2), nn.PReLU()), seeded(0))


def test_the_model_is_on_the_device_that_was_asked_for() -> None:
    model = VAE().build(SHAPE, seeded(0), device="meta")
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
