"""Protects the estimates of log p(x) of every kind of model against sums over all images and integrals over a grid."""

import pytest
import torch
from tiny_models import PRESETS, by_importance, everything, exact, tiny, within_its_interval

from models import annealed_importance_sampling, importance_weighted_bound
from models.decoded import DecodedModel

K = 2000
each = pytest.mark.parametrize("name", PRESETS)


@each
def test_the_probabilities_of_all_images_add_up_to_one(name: str) -> None:
    densities = exact(name).exp()
    assert densities.sum().item() == pytest.approx(1, abs=1e-9)
    assert densities.max() > 1.2 * densities.min(), "the images have to differ for a test to tell anything"


@each
def test_the_weights_of_all_images_add_up_to_one(name: str, generator) -> None:
    """Each draw has a weight for every image, and their sums are draws with mean 1."""
    sums = by_importance(tiny(name), everything(name), K, generator).sum(-1)
    error = sums.std() / K**0.5
    assert error < 0.1
    assert within_its_interval(sums.mean(), error, torch.tensor(1.0))


@each
def test_the_bound_is_the_evidence_within_its_interval(name: str, generator) -> None:
    model, batch = tiny(name), everything(name)
    weights, truth = by_importance(model, batch, K, generator), exact(name)
    error = weights.std(0) / weights.mean(0) / K**0.5
    assert error.max() < 0.2
    assert within_its_interval(importance_weighted_bound(model, batch, K, generator), error, truth)
    assert weights.log().mean() < truth.mean()


@each
def test_annealing_is_the_evidence_within_its_interval(name: str, generator) -> None:
    model, batch = tiny(name), everything(name)
    found = annealed_importance_sampling(model, batch, 40, 50, generator)
    assert found.standard_error.max() < 0.25
    assert within_its_interval(found.log_evidence, found.standard_error, exact(name))
    total = found.log_evidence.exp().sum()
    error = (found.log_evidence.exp() * found.standard_error).square().sum().sqrt()
    assert within_its_interval(total, error, torch.tensor(1.0))


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "m2"])
def test_the_prior_is_what_it_makes_of_noise(name: str) -> None:
    """That of M2 draws a class as well, which is summed where noise is scored."""
    model, batch = tiny(name).float(), everything(name)
    context = model.conditioning.context(batch)
    context = None if context is None else context.float()
    seeded = (torch.Generator().manual_seed(1) for _ in range(2))
    noise = torch.randn(len(batch), model.noise_dim, generator=next(seeded))
    assert model.prior_at(noise, context).equal(model.prior(len(batch), next(seeded), context))


def test_a_prior_that_says_nothing_of_noise_is_refused() -> None:
    class Stubborn(DecodedModel):
        def prior(self, n, generator, context=None):
            return torch.ones(n, 1)

    Stubborn.__abstractmethods__ = frozenset()
    with pytest.raises(ValueError, match="a Stubborn does not say by prior_at how its prior is made of normal noise"):
        Stubborn().prior_at(torch.zeros(2, 1))
