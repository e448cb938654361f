"""Protects annealed importance sampling: against evidence that is known, where the encoder is wrong, and to the bit."""

import math

import pytest
import torch
from linear_gaussian import SIZE, FixedScaleGaussian, evidence, images, linear_gaussian
from support.presets import batch_for, built, seeded
from torch import nn
from torch.distributions import Normal

from models import Batch, Model, VariationalAutoencoder, annealed_importance_sampling, importance_weighted_bound, names
from models.annealed import TARGET, schedule
from models.backbones import Network
from models.hamiltonian import state_at, transition

IMAGES = 5
WITH_DENSITY = [name for name in names(Model) if built(name).density is not None]


@pytest.fixture
def x(generator) -> torch.Tensor:
    return images(IMAGES, generator)


@pytest.mark.parametrize(("steps", "chains"), [(1, 4000), (10, 400), (80, 50)])
def test_the_estimate_is_the_evidence_within_its_interval(steps: int, chains: int, x: torch.Tensor, generator) -> None:
    """For any number of steps, even for one, which is importance sampling from the prior."""
    model = linear_gaussian(generator, off_by=0.8)
    found = annealed_importance_sampling(model, Batch(x), steps, chains, generator)
    assert found.log_weights.shape == (chains, IMAGES)
    assert ((found.log_evidence - evidence(model, x)).abs() < 4 * found.standard_error).all()
    assert found.standard_error.max() < 0.3


def test_more_temperatures_tell_more(x: torch.Tensor, generator) -> None:
    model = linear_gaussian(generator)
    few, many = (annealed_importance_sampling(model, Batch(x), steps, 100, generator) for steps in (4, 64))
    assert (many.standard_error < 0.5 * few.standard_error).all()


class Square(nn.Module):
    """A decoder of z that cannot tell z from -z."""

    def forward(self, z: torch.Tensor, generator: object = None) -> torch.Tensor:
        return z.square().expand(-1, SIZE).view(-1, 1, 1, SIZE)


def test_it_finds_the_mode_that_the_encoder_does_not_know() -> None:
    """The posterior has modes at ±1.6, between which nothing is likely; q(z|x) knows one of them."""
    encoder = nn.Linear(SIZE, 2).double()
    with torch.no_grad():
        encoder.weight.zero_()
        encoder.bias.copy_(torch.tensor([1.6, math.log(0.1**2)]))
    model = VariationalAutoencoder(Network(nn.Flatten(), encoder), Square(), FixedScaleGaussian(), latent_dim=1)
    x = torch.full((1, 1, 1, SIZE), 2.6, dtype=torch.float64)
    grid = torch.linspace(-6, 6, 2401, dtype=torch.float64)
    joint = model.log_likelihood(Batch(x), grid[:, None, None])[:, 0] + Normal(0, 1).log_prob(grid)
    truth = torch.trapezoid(joint.exp(), grid).log()

    bound = importance_weighted_bound(model, Batch(x), 5000, seeded())
    found = annealed_importance_sampling(model, Batch(x), 100, 400, seeded())
    torch.testing.assert_close(bound, truth[None] - math.log(2), rtol=0, atol=0.02)
    assert (found.log_evidence - truth).abs() < 4 * found.standard_error
    assert found.standard_error < 0.1


@pytest.mark.parametrize("name", WITH_DENSITY)
def test_every_preset_has_the_evidence_of_its_tight_bound(name: str) -> None:
    model = built(name).eval().density
    (part, *_) = batch_for(name).split(2)
    found = annealed_importance_sampling(model, part, 20, 16, seeded())
    bound = importance_weighted_bound(model, part, 2000, seeded())
    assert found.log_weights.shape == (16, 2)
    assert ((found.log_evidence - bound).abs() < 0.1 + 4 * found.standard_error).all()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_generator_decides_on_everything(x: torch.Tensor, generator) -> None:
    model = linear_gaussian(generator)
    first, again, other = (
        annealed_importance_sampling(model, Batch(x), 10, 6, seeded(seed)).log_weights for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("at_once", [1000, 8, 3, 1])
def test_no_more_are_decoded_at_once_than_fit(at_once: int, x: torch.Tensor, generator) -> None:
    model, decoded = linear_gaussian(generator), []
    model.decoder.register_forward_pre_hook(lambda _, inputs: decoded.append(len(inputs[0])))
    found = annealed_importance_sampling(model, Batch(x), 3, 8, generator, pixels_at_once=at_once * SIZE)
    assert max(decoded) == min(at_once, 8 * IMAGES)
    assert found.log_weights.shape == (8, IMAGES)
    assert found.log_evidence.isfinite().all()


def test_step_sizes_are_found_for_each_image(x: torch.Tensor, generator) -> None:
    """Where pixels have a tenth of the noise, a step must be a tenth as long."""
    for scale in (0.7, 0.07):
        model = linear_gaussian(generator)
        model.likelihood = FixedScaleGaussian(scale=scale)
        found = annealed_importance_sampling(model, Batch(x[:2]), 200, 8, generator)
        assert found.acceptance.shape == (2,)
        assert ((found.acceptance - TARGET).abs() < 0.1).all()


def test_a_move_leaves_the_density_as_it_is(x: torch.Tensor, generator) -> None:
    """Draws from N(0, I) stay draws from it at β = 0, at a step size so large that many proposals are refused."""
    model, one = linear_gaussian(generator), Batch(x[:1])
    noise = torch.randn(20_000, 1, 2, generator=generator, dtype=torch.float64)

    def log_likelihood(noise: torch.Tensor) -> torch.Tensor:
        return model.log_likelihood_at(one, noise)

    state, acceptance = transition(state_at(noise, log_likelihood), 0.0, torch.tensor([1.6]), log_likelihood, generator)
    moved = (state.noise != noise).any(-1)
    assert 0.2 < moved.double().mean() < 0.9
    assert moved.double().mean().item() == pytest.approx(acceptance.mean().item(), abs=0.02)
    torch.testing.assert_close(state.noise.mean(0), torch.zeros(1, 2).double(), rtol=0, atol=0.03)
    torch.testing.assert_close(state.noise.std(0), torch.ones(1, 2).double(), rtol=0, atol=0.03)
    torch.testing.assert_close(
        state.noise.square().square().mean(0), torch.full((1, 2), 3.0).double(), rtol=0, atol=0.25
    )
    torch.testing.assert_close(state.log_likelihood, log_likelihood(state.noise))


def test_the_schedule_is_slow_at_both_ends() -> None:
    betas = torch.tensor(schedule(10), dtype=torch.float64)
    steps = betas.diff()
    assert (betas[0], betas[-1]) == (0, 1)
    torch.testing.assert_close(steps, steps.flip(0))
    assert (steps[:4].diff() > 0).all()
    assert schedule(1) == [0, 1]


def test_a_broken_model_has_no_finite_estimate(x: torch.Tensor, generator) -> None:
    model = linear_gaussian(generator)
    with torch.no_grad():
        model.decoder[0].bias.fill_(math.nan)
    assert annealed_importance_sampling(model, Batch(x), 5, 3, generator).log_evidence.isnan().all()
