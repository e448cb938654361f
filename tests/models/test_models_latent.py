"""Protects the latent-variable model: the parts of its weights against torch.distributions, and its shapes."""

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from models import Backbone, Batch, ImageShape, VariationalAutoencoder, find, names
from models.presets import VAE

SHAPE = ImageShape(1, 8, 8)
LATENT, BATCH, K = 3, 4, 6


@pytest.fixture(params=names(Backbone))
def preset(request) -> VAE:
    return VAE(latent_dim=LATENT, backbone=find(Backbone, request.param)())


@pytest.fixture
def model(preset: VAE, generator) -> VariationalAutoencoder:
    return preset.build(SHAPE, generator).double()


@pytest.fixture
def x(generator) -> torch.Tensor:
    return torch.rand(BATCH, *SHAPE, generator=generator, dtype=torch.float64).round()


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_every_part_of_the_weights_is_the_density_that_its_name_says(
    model: VariationalAutoencoder, x: torch.Tensor
) -> None:
    terms = model.terms(Batch(x), K, seeded())
    mean, log_variance = model.encode(Batch(x))
    posterior = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    z = mean + (log_variance / 2).exp() * torch.randn(K, BATCH, LATENT, generator=seeded(), dtype=torch.float64)
    likelihood = Independent(Bernoulli(logits=model.decode(z)), 3)

    torch.testing.assert_close(terms.log_likelihood, likelihood.log_prob(x))
    torch.testing.assert_close(terms.log_prior, prior.log_prob(z))
    torch.testing.assert_close(terms.log_posterior, posterior.log_prob(z))
    torch.testing.assert_close(terms.kl, kl_divergence(posterior, prior))
    torch.testing.assert_close(
        model.log_weights(Batch(x), K, seeded()), likelihood.log_prob(x) + prior.log_prob(z) - posterior.log_prob(z)
    )


def test_images_are_decoded_one_by_one_whatever_the_leading_shape(model: VariationalAutoencoder, generator) -> None:
    z = torch.randn(2, 3, 4, LATENT, generator=generator, dtype=torch.float64)
    model.eval()
    whole = model.decode(z)
    assert whole.shape == (2, 3, 4, *SHAPE)
    torch.testing.assert_close(whole[1, 2], model.decode(z[1, 2]))


def test_samples_and_reconstructions_are_images(model: VariationalAutoencoder, x: torch.Tensor) -> None:
    model = model.float()
    samples = model.sample(5, seeded())
    assert samples.shape == (5, *SHAPE)
    assert set(samples.unique().tolist()) <= {0.0, 1.0}
    reconstructions = model.reconstruct(Batch(x.float()), seeded())
    pictures = model.mean(model.prior(5, seeded()))
    assert (reconstructions.shape, pictures.shape) == ((BATCH, *SHAPE), (5, *SHAPE))
    for images in (reconstructions, pictures):
        assert (images > 0).all()
        assert (images < 1).all()
        assert not images.requires_grad


def test_the_same_seed_gives_the_same_numbers_and_global_state_is_left_alone(model: VariationalAutoencoder, x) -> None:
    before = torch.get_rng_state()
    assert torch.equal(model.log_weights(Batch(x), K, seeded()), model.log_weights(Batch(x), K, seeded()))
    assert torch.equal(model.float().sample(5, seeded()), model.sample(5, seeded()))
    assert torch.equal(model.reconstruct(Batch(x.float()), seeded()), model.reconstruct(Batch(x.float()), seeded()))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", names(Backbone))
def test_dropout_in_both_networks_draws_from_the_same_generator(name: str, x: torch.Tensor, generator) -> None:
    backbone = find(Backbone, name)(dropout=0.5)
    model = VAE(latent_dim=LATENT, backbone=backbone).build(SHAPE, generator).double()
    weights = [model.log_weights(Batch(x), 1, seeded()) for _ in range(2)]
    assert torch.equal(*weights)
    assert not torch.equal(weights[0], model.eval().log_weights(Batch(x), 1, seeded()))


def test_saved_parameters_give_the_same_outputs(preset: VAE, model: VariationalAutoencoder, x, generator) -> None:
    other = preset.build(SHAPE, generator).double()
    other.load_state_dict(model.state_dict())
    assert torch.equal(model.log_weights(Batch(x), K, seeded()), other.log_weights(Batch(x), K, seeded()))
