"""Protects free bits: what each latent variable is charged, by minibatch means, and where its gradient stops."""

import pytest
import torch

from models import Batch, ImageShape, Loss, VariationalAutoencoder
from models.backbones import FullyConnected
from models.objectives import ELBO
from models.presets import VAE

SHAPE = ImageShape(1, 4, 4)


@pytest.fixture
def model(generator) -> VariationalAutoencoder:
    """A model whose three latent variables have a KL of about 0, 0.5 and 2 nats: the mean squared over 2."""
    model = VAE(latent_dim=3, backbone=FullyConnected(hidden=7)).build(SHAPE, generator)
    with torch.no_grad():
        model.encoder[-1].bias.copy_(torch.tensor([0.0, 1.0, 2.0, 0.0, 0.0, 0.0]))
        model.encoder[-1].weight.mul_(0.1)
    return model


@pytest.fixture
def batch(generator) -> Batch:
    return Batch(torch.rand(6, *SHAPE, generator=generator).round())


def loss_of(objective: ELBO, model: VariationalAutoencoder, batch: Batch) -> Loss:
    return objective.losses()["model"](model, batch, torch.Generator().manual_seed(1), 0.5)


def test_every_variable_is_charged_at_least_lambda_on_the_average_of_the_batch(model, batch) -> None:
    loss = loss_of(ELBO(free_bits=0.7, beta=3.0), model, batch)
    by_variable = model.encode(batch).kl_parts_to_standard().mean(0)
    assert by_variable[1] < 0.7 < by_variable[2], "the test needs variables on both sides"
    charged = 0.7 + 0.7 + by_variable[2]
    torch.testing.assert_close(loss.total, loss.terms["reconstruction"] + 3 * charged)
    torch.testing.assert_close(loss.terms["kl"], by_variable.sum().detach(), msg="the true KL is logged")


def test_the_mean_over_the_batch_decides_not_each_image(model, batch) -> None:
    """One image far above λ pays for those below."""
    with torch.no_grad():
        model.encoder[-1].bias.zero_()
        model.encoder[-1].weight.mul_(40)
    parts = model.encode(batch).kl_parts_to_standard()
    free = (parts.mean(0).min() - 1e-3).item()
    assert (parts < free).any(), "the test needs an image below"
    loss = loss_of(ELBO(free_bits=free), model, batch)
    torch.testing.assert_close(loss.total, loss.terms["reconstruction"] + loss.terms["kl"])


def test_a_variable_below_lambda_feels_no_pull_to_the_prior(model, batch) -> None:
    decoder_is_blind = dict(model.named_parameters())["decoder.0.weight"]
    with torch.no_grad():
        decoder_is_blind.zero_()  # so that all gradient in the encoder is the KL's
    loss_of(ELBO(free_bits=0.7), model, batch).total.backward()
    of_means = model.encoder[-1].bias.grad[:3]
    assert of_means[:2].abs().max() == 0
    assert of_means[2] > 1


def test_free_bits_obey_the_warm_up(model, batch) -> None:
    whole, half = (loss_of(ELBO(free_bits=0.7, warmup=warmup), model, batch) for warmup in (0, 1))
    charged = whole.total - whole.terms["reconstruction"]
    torch.testing.assert_close(half.total, half.terms["reconstruction"] + 0.5 * charged)
