"""Protects the yardstick: on a model with a known evidence, the bound is what theory says that it is."""

import math

import pytest
import torch
from linear_gaussian import SIZE, evidence, gap, images, linear_gaussian

from models import Batch, importance_weighted_bound

IMAGES = 6
OFF = 0.8  # error in the posterior's means and log-variances


@pytest.fixture
def x(generator) -> torch.Tensor:
    return images(IMAGES, generator)


def test_with_the_exact_posterior_every_weight_is_the_evidence(x: torch.Tensor, generator) -> None:
    model = linear_gaussian(generator)
    weights = model.log_weights(Batch(x), 50, generator)
    torch.testing.assert_close(weights, evidence(model, x).expand(50, IMAGES))
    torch.testing.assert_close(importance_weighted_bound(model, Batch(x), 1, generator), evidence(model, x))


def test_a_single_sample_gives_the_elbo_in_expectation(x: torch.Tensor, generator) -> None:
    model = linear_gaussian(generator, off_by=OFF)
    weights = model.log_weights(Batch(x), 20_000, generator).detach()
    error = (weights.mean(0) - (evidence(model, x) - gap(model, x))) / (weights.std(0) / math.sqrt(len(weights)))
    assert error.abs().max() < 4


def test_the_bound_rises_with_k_to_the_evidence(x: torch.Tensor, generator) -> None:
    model = linear_gaussian(generator, off_by=OFF)
    copies = 400
    means, errors = [], []
    for k in (1, 4, 16, 64):
        bounds = importance_weighted_bound(model, Batch(x.repeat(copies, 1, 1, 1)), k, generator).view(copies, IMAGES)
        means.append(bounds.mean(0))
        errors.append(bounds.std(0) / math.sqrt(copies))
    for lower, higher, lower_error, higher_error in zip(means, means[1:], errors, errors[1:], strict=False):
        assert (higher - lower > -4 * (lower_error**2 + higher_error**2).sqrt()).all()
    assert (means[-1] - means[0] > 0.5).all()
    assert (means[-1] < evidence(model, x) + 4 * errors[-1]).all()
    tight = importance_weighted_bound(model, Batch(x), 50_000, generator)
    torch.testing.assert_close(tight, evidence(model, x), rtol=0, atol=0.05)


def test_the_bound_is_the_evidence_within_its_interval(x: torch.Tensor, generator) -> None:
    """The interval is that of the mean weight, and k so large that the bias of its logarithm is lost in it."""
    k = 5000
    model = linear_gaussian(generator, off_by=0.3)
    weights = model.log_weights(Batch(x), k, generator).detach().exp()
    error = weights.std(0) / weights.mean(0) / math.sqrt(k)
    assert error.max() < 0.05
    bound = importance_weighted_bound(model, Batch(x), k, generator)
    assert ((bound - evidence(model, x)).abs() < 4 * error).all()


def test_cutting_the_samples_into_chunks_changes_nothing(x: torch.Tensor, generator) -> None:
    """One image and chunks of 16 values or more, for which `randn` gives the same numbers at once or in turn."""
    model = linear_gaussian(generator, off_by=OFF)
    one = Batch(x[:1])
    whole, *cut = (
        importance_weighted_bound(model, one, 96, torch.Generator().manual_seed(0), pixels_at_once=at_once * SIZE)
        for at_once in (96, 1000, 64, 48, 16, 8)
    )
    for bound in cut:
        torch.testing.assert_close(bound, whole)


@pytest.mark.parametrize(("k", "at_once"), [(1, 4), (3, 4), (4, 4), (9, 4), (100, 1), (2, 1000)])
def test_few_latents_are_decoded_at_once_and_each_image_is_encoded_once(k: int, at_once: int, x, generator) -> None:
    model = linear_gaussian(generator)
    encoded, decoded = [], []
    model.encoder.register_forward_pre_hook(lambda _, inputs: encoded.append(len(inputs[0])))
    model.decoder.register_forward_pre_hook(lambda _, inputs: decoded.append(len(inputs[0])))
    bound = importance_weighted_bound(model, Batch(x), k, generator, pixels_at_once=at_once * SIZE + SIZE - 1)
    assert bound.shape == (IMAGES,)
    assert sum(encoded) == IMAGES
    assert sum(decoded) == IMAGES * k
    assert max(decoded) <= at_once


def test_a_broken_model_has_no_finite_bound(x: torch.Tensor, generator) -> None:
    model = linear_gaussian(generator)
    with torch.no_grad():
        model.decoder[0].bias.fill_(math.nan)
    assert importance_weighted_bound(model, Batch(x), 8, generator).isnan().all()
