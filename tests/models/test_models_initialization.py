"""Protects that parameters depend on the given generator alone, and are distributed as PyTorch's own."""

from functools import partial

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
    "layer norm of vectors": lambda: nn.LayerNorm(4),
    "layer norm of maps": lambda: nn.GroupNorm(1, 4),
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


def drawn_normally(layer) -> dict[str, torch.Tensor]:
    return materialize(layer, seeded(0), scheme="normal").state_dict()


@pytest.mark.parametrize(
    "layer",
    [lambda: nn.Linear(200, 100), lambda: nn.Conv2d(50, 40, 3), lambda: nn.ConvTranspose2d(50, 40, 3)],
    ids=["linear", "convolution", "transposed convolution"],
)
def test_normal_weights_have_the_deviation_of_dcgan_and_no_bias(layer) -> None:
    state = drawn_normally(layer)
    assert state["weight"].mean().item() == pytest.approx(0, abs=1e-3)
    assert state["weight"].std().item() == pytest.approx(0.02, rel=0.03)
    assert state["weight"].abs().max() > 0.06
    assert not state["bias"].any()


@pytest.mark.parametrize(
    "layer",
    [nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, partial(nn.GroupNorm, 1)],
    ids=["batch of vectors", "batch of maps", "layer of vectors", "layer of maps"],
)
def test_normal_scales_of_norms_are_about_1(layer) -> None:
    state = drawn_normally(lambda: layer(5000))
    assert state["weight"].mean().item() == pytest.approx(1, abs=2e-3)
    assert state["weight"].std().item() == pytest.approx(0.02, rel=0.05)
    assert not state["bias"].any()
    if "running_var" in state:
        assert torch.equal(state["running_var"], torch.ones(5000))
        assert not state["running_mean"].any()


def test_layers_without_bias_or_scale_can_be_drawn_normally() -> None:
    assert drawn_normally(lambda: nn.Linear(6, 4, bias=False)).keys() == {"weight"}
    assert not drawn_normally(lambda: nn.GroupNorm(1, 4, affine=False))


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
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
