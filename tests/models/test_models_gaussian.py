"""Protects the diagonal Gaussian against torch.distributions, and what holding the posterior does to gradients."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from models import Batch, ImageShape, VariationalAutoencoder
from models.backbones import FullyConnected
from models.gaussian import Gaussian, standard_log_prob
from models.presets import VAE

SHAPE = ImageShape(1, 4, 4)
LATENT, BATCH, K = 3, 5, 4


def random_gaussian(generator: torch.Generator) -> Gaussian:
    outputs = torch.randn(BATCH, 2 * LATENT, generator=generator, dtype=torch.float64)
    return Gaussian(*outputs.requires_grad_().chunk(2, -1))


def reference(gaussian: Gaussian) -> Normal:
    return Normal(gaussian.mean, (gaussian.log_variance / 2).exp())


@pytest.fixture
def q(generator) -> Gaussian:
    return random_gaussian(generator)


@pytest.fixture
def noise(generator) -> torch.Tensor:
    return torch.randn(K, BATCH, LATENT, generator=generator, dtype=torch.float64)


def test_log_densities_are_those_of_pytorch(q: Gaussian, noise: torch.Tensor) -> None:
    z = q.mean + reference(q).scale * noise
    expected = reference(q).log_prob(z).sum(-1)
    torch.testing.assert_close(q.at(noise), z)
    torch.testing.assert_close(q.log_prob(z), expected)
    torch.testing.assert_close(q.log_prob_at(noise), expected)
    torch.testing.assert_close(standard_log_prob(z), Normal(0, 1).log_prob(z).sum(-1))


def test_divergences_are_those_of_pytorch_by_dimension(q: Gaussian, generator) -> None:
    p = random_gaussian(generator)
    standard = Normal(torch.zeros_like(q.mean), torch.ones_like(q.mean))
    torch.testing.assert_close(q.kl_parts_to(p), kl_divergence(reference(q), reference(p)))
    torch.testing.assert_close(q.kl_parts_to_standard(), kl_divergence(reference(q), standard))
    zeros = torch.zeros_like(q.mean)
    torch.testing.assert_close(q.kl_parts_to(Gaussian(zeros, zeros)), q.kl_parts_to_standard())
    torch.testing.assert_close(q.kl_parts_to(q), zeros)


def test_far_distributions_have_finite_densities() -> None:
    narrow = Gaussian(torch.zeros(1), torch.full((1,), -80.0))
    wide = Gaussian(torch.zeros(1), torch.full((1,), 80.0))
    assert narrow.kl_parts_to(wide).isfinite().all()
    assert wide.log_prob(torch.full((1,), 1e10)).isfinite().all()


@pytest.fixture
def model(generator) -> VariationalAutoencoder:
    backbone = FullyConnected(hidden=7, activation="tanh")
    return VAE(latent_dim=LATENT, backbone=backbone).build(SHAPE, generator).double()


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(11)


@pytest.mark.parametrize("hold", [False, True])
def test_holding_the_posterior_changes_no_value(model: VariationalAutoencoder, generator, hold: bool) -> None:
    batch = Batch(torch.rand(BATCH, *SHAPE, generator=generator, dtype=torch.float64).round())
    terms = model.terms(batch, K, seeded(), hold_posterior=hold)
    plain = model.terms(batch, K, seeded())
    for name in ("log_likelihood", "log_prior", "log_posterior", "kl_parts", "z", "log_weights"):
        torch.testing.assert_close(getattr(terms, name), getattr(plain, name))


def test_a_held_posterior_has_its_gradient_in_the_draws_alone(model: VariationalAutoencoder, generator) -> None:
    """Roeder et al. 2017, eq. 6: of d log q(z|x) only the path through z is left, - (z - mean) / variance."""
    batch = Batch(torch.rand(BATCH, *SHAPE, generator=generator, dtype=torch.float64).round())
    parameters = list(model.encoder.parameters())
    held = model.terms(batch, K, seeded(), hold_posterior=True)
    mean, log_variance = model.encode(batch)
    slope = -(held.z - mean).detach() / log_variance.detach().exp()
    noise = torch.randn(K, BATCH, LATENT, generator=seeded(), dtype=torch.float64)
    path = (slope * (mean + (log_variance / 2).exp() * noise)).sum()
    for found, expected in zip(
        torch.autograd.grad(held.log_posterior.sum(), parameters), torch.autograd.grad(path, parameters), strict=True
    ):
        torch.testing.assert_close(found, expected)


def test_without_holding_the_density_at_its_own_draws_depends_on_the_variance_alone(model, generator) -> None:
    """log q at mean + scale * noise is - noise² / 2 - log scale: the mean has no gradient."""
    batch = Batch(torch.rand(BATCH, *SHAPE, generator=generator, dtype=torch.float64).round())
    terms = model.terms(batch, K, seeded())
    last = model.encoder[-1]
    gradient = torch.autograd.grad(terms.log_posterior.sum(), last.bias)[0]
    torch.testing.assert_close(gradient[:LATENT], torch.zeros(LATENT).double())
    torch.testing.assert_close(gradient[LATENT:], torch.full((LATENT,), -K * BATCH / 2).double())
