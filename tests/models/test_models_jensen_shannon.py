"""Protects the Jensen-Shannon objective: the divergence against a numeric integral, and what it is made up with."""

import math

import pytest
import torch
from torch.distributions import Normal

from models import Batch, ImageShape
from models.backbones import FullyConnected
from models.objectives import JensenShannon
from models.presets import VAE, ConditionalVAE

SHAPE = ImageShape(1, 4, 4)


def told(mean: float, log_variance: float, generator, **preset):
    """Return a model with one latent variable whose posterior is the same for every image."""
    model = VAE(latent_dim=1, backbone=FullyConnected(hidden=4), **preset).build(SHAPE, generator)
    with torch.no_grad():
        model.encoder[-1].weight.zero_()
        model.encoder[-1].bias.copy_(torch.tensor([mean, log_variance]))
    return model


def integrated(q: Normal, p: Normal) -> float:
    """Return JS(q ‖ p) by the trapezoid rule."""
    z = torch.linspace(-20, 20, 200_001, dtype=torch.float64)
    log_q, log_p = q.log_prob(z), p.log_prob(z)
    log_m = torch.logaddexp(log_q, log_p) - math.log(2)
    density = 0.5 * log_q.exp() * (log_q - log_m) + 0.5 * log_p.exp() * (log_p - log_m)
    return torch.trapezoid(density, z).item()


def estimates(model, generator, n: int = 4000) -> torch.Tensor:
    """Return the divergence of 25 large batches."""
    batch = Batch(torch.zeros(n, *SHAPE))
    loss = JensenShannon(k=2).losses()["model"]
    return torch.stack([loss(model, batch, generator, 0.0).terms["js"] for _ in range(25)])


@pytest.mark.parametrize(("mean", "log_variance"), [(0.0, 0.0), (1.0, 0.0), (0.5, -2.0), (-3.0, 1.0), (9.0, -3.0)])
def test_the_divergence_is_that_of_the_integral(mean: float, log_variance: float, generator) -> None:
    expected = integrated(Normal(mean, math.exp(log_variance / 2)), Normal(0.0, 1.0))
    found = estimates(told(mean, log_variance, generator), generator)
    assert abs(found.mean().item() - expected) < 4 * found.std().item() / 5 + 1e-6
    assert -1e-6 <= expected <= math.log(2) + 1e-6


def test_far_apart_it_is_log_2(generator) -> None:
    found = estimates(told(60.0, 0.0, generator), generator, n=10)
    torch.testing.assert_close(found, torch.full_like(found, math.log(2)))


def test_of_the_prior_itself_it_is_zero_in_every_draw(generator) -> None:
    found = estimates(told(0.0, 0.0, generator), generator, n=10)
    torch.testing.assert_close(found, torch.zeros_like(found), atol=1e-6, rtol=0)


def test_a_learned_prior_is_the_one_compared_with(generator) -> None:
    model = ConditionalVAE(latent_dim=1, prior="learned", backbone=FullyConnected(hidden=4))
    model = model.build(SHAPE, generator, classes=2)
    with torch.no_grad():
        for layer, values in ((model.encoder[-1], (1.0, -1.0)), (model.prior_network[-1], (-0.5, 0.5))):
            layer.weight.zero_()
            layer.bias.copy_(torch.tensor(values))
    batch = Batch(torch.zeros(4000, *SHAPE), torch.zeros(4000, dtype=torch.int64))
    loss = JensenShannon().losses()["model"]
    found = torch.stack([loss(model, batch, generator, 0.0).terms["js"] for _ in range(25)])
    expected = integrated(Normal(1.0, math.exp(-0.5)), Normal(-0.5, math.exp(0.25)))
    assert abs(found.mean().item() - expected) < 4 * found.std().item() / 5


def test_the_loss_is_reconstruction_and_weighted_divergence_with_the_kl_beside_it(generator) -> None:
    model = told(1.0, 0.5, generator)
    batch = Batch(torch.rand(5, *SHAPE, generator=generator).round())
    terms = JensenShannon(beta=20.0).losses()["model"](model, batch, generator, 0.0).terms
    torch.testing.assert_close(terms["loss"], terms["reconstruction"] + 20 * terms["js"])
    torch.testing.assert_close(terms["kl"].item(), 0.5 * (1 + math.exp(0.5) - 1 - 0.5), rtol=1e-5, atol=0)


def test_its_gradient_is_that_of_the_integral(generator) -> None:
    """Both kinds of draws count: the ones from the prior feel the posterior in the mixture alone."""
    model = told(1.0, -1.0, generator)
    with torch.no_grad():
        model.decoder[0].weight.zero_()
    batch = Batch(torch.zeros(200_000, *SHAPE))
    JensenShannon().losses()["model"](model, batch, generator, 0.0).total.backward()
    h = 1e-3
    sides = [integrated(Normal(1.0 + step, math.exp(-0.5)), Normal(0.0, 1.0)) for step in (h, -h)]
    expected = (sides[0] - sides[1]) / (2 * h)
    assert abs(model.encoder[-1].bias.grad[0].item() - expected) < 0.005
