"""Protects the Fréchet distance: equal to the closed forms, a squared metric, and NaN where there is nothing finite."""

import math

import pytest
import torch
from torch import Tensor

from sweeper.training.measures.frechet import Normal


def normal(mean: list[float], covariance: Tensor) -> Normal:
    return Normal(torch.tensor(mean).double(), covariance.double())


def drawn_covariance(seed: int, rank: int = 6) -> Tensor:
    factor = torch.randn(6, rank, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return factor @ factor.T


def test_one_dimension_is_the_distance_of_means_and_of_deviations() -> None:
    first, second = normal([1.0], torch.tensor([[4.0]])), normal([-2.0], torch.tensor([[0.25]]))
    assert first.distance(second) == pytest.approx(3**2 + (2 - 0.5) ** 2, abs=1e-12)


def test_commuting_covariances_have_the_distance_of_their_roots() -> None:
    basis, _ = torch.linalg.qr(drawn_covariance(0))
    first, second = (torch.arange(1.0, 7.0, dtype=torch.float64) ** power for power in (1, 2))
    one, other = (normal([0.0] * 6, basis @ torch.diag(values) @ basis.T) for values in (first, second))
    assert one.distance(other) == pytest.approx((first.sqrt() - second.sqrt()).square().sum().item(), rel=1e-12)


def test_it_is_the_formula_with_the_root_of_the_product() -> None:
    from scipy.linalg import sqrtm

    first, second = drawn_covariance(1), drawn_covariance(2)
    root = torch.from_numpy(sqrtm((first @ second).numpy()).real)
    expected = 6 * 0.5**2 + (first + second - 2 * root).trace().item()
    assert normal([0.5] * 6, first).distance(normal([0.0] * 6, second)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_it_is_symmetric_and_0_from_itself_also_without_full_rank(rank: int) -> None:
    first, second = (normal([0.0] * 6, drawn_covariance(seed, rank)) for seed in (3, 4))
    assert first.distance(first) == pytest.approx(0, abs=1e-9)
    assert first.distance(second) == pytest.approx(second.distance(first), rel=1e-12)
    assert first.distance(second) > 1


def test_it_is_estimated_from_draws() -> None:
    generator = torch.Generator().manual_seed(0)
    draws = torch.randn(2, 100_000, 3, generator=generator)
    found = Normal.fitted(draws[0]).distance(Normal.fitted(1 + 2 * draws[1]))
    assert found == pytest.approx(3 * (1**2 + (2 - 1) ** 2), rel=0.02)


def test_the_fit_is_the_mean_and_the_unbiased_covariance() -> None:
    fitted = Normal.fitted(torch.tensor([[0.0, 1.0], [2.0, 5.0]]))
    assert fitted.mean.tolist() == [1.0, 3.0]
    assert fitted.covariance.tolist() == [[2.0, 4.0], [4.0, 8.0]]


def test_a_single_vector_has_no_spread_and_so_no_distance() -> None:
    features = torch.rand(10, 3, generator=torch.Generator().manual_seed(0))
    assert math.isnan(Normal.fitted(features).distance(Normal.fitted(features[:1])))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_has_no_distance(value: float) -> None:
    features = torch.rand(10, 3, generator=torch.Generator().manual_seed(0))
    broken = features.clone()
    broken[2, 1] = value
    assert math.isnan(Normal.fitted(features).distance(Normal.fitted(broken)))
