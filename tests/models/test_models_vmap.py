"""Protects that several models of one shape can be evaluated as one program (torch.func.vmap over their parameters)."""

import pytest
import torch
from fusing import fused, fused_gradients

from models import Backbone, Batch, ImageShape, Objective, VariationalAutoencoder, find, names
from models.presets import VAE

SHAPE = ImageShape(1, 8, 8)
MODELS, BATCH, LATENT = 3, 4, 5
OF_AN_AUTOENCODER = [
    name for name in names(Objective) if issubclass(VariationalAutoencoder, find(Objective, name).fits)
]


@pytest.fixture(params=names(Backbone))
def preset(request) -> VAE:
    return VAE(latent_dim=LATENT, backbone=find(Backbone, request.param)())


@pytest.fixture
def x(generator) -> torch.Tensor:
    return torch.rand(BATCH, *SHAPE, generator=generator).round()


@pytest.mark.parametrize(
    "function",
    [
        lambda model, x, z: model.encode(Batch(x)).mean,
        lambda model, x, z: model.encode(Batch(x)).kl_parts_to_standard(),
        lambda model, x, z: model.decode(z),
        lambda model, x, z: model.likelihood.log_prob(model.decode(z), x),
    ],
    ids=["encode", "kl", "decode", "log_prob"],
)
def test_the_parts_are_those_of_each_model_alone(preset: VAE, function, x: torch.Tensor, generator) -> None:
    members = [preset.build(SHAPE, generator).eval() for _ in range(MODELS)]
    z = torch.randn(2, BATCH, LATENT, generator=generator)
    results = fused(members, lambda model: function(model, x, z))
    for member, result in zip(members, results, strict=True):
        torch.testing.assert_close(result, function(member, x, z), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", OF_AN_AUTOENCODER)
def test_every_model_draws_its_own_noise_and_gets_its_own_gradient(preset: VAE, name: str, x, generator) -> None:
    loss_function = find(Objective, name)().losses()["model"]
    members = [preset.build(SHAPE, torch.Generator().manual_seed(0)) for _ in range(MODELS)]
    gradients, losses = fused_gradients(
        members, lambda model: loss_function(model, Batch(x), generator, 0.0).total, list(members[0].parameters())
    )
    assert losses.unique().numel() == MODELS
    assert gradients.keys() == dict(members[0].named_parameters()).keys()
    assert all(gradient.isfinite().all() for gradient in gradients.values())
