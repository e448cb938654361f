"""Protects the kernel distance: the U-statistic, pair by pair; without bias; in an interval that holds the truth."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from sweeper.training.measures.kernel import Estimate, MeanEmbedding, kernel_distance

DIMENSIONS, FIRST, SECOND, DRAWS = 8, 80, 120, 400


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution with the same mean and deviation in every dimension."""

    mean: float
    deviation: float

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        return self.mean + self.deviation * torch.randn(count, DIMENSIONS, generator=generator, dtype=torch.float64)

    def moments(self) -> tuple[Tensor, Tensor, Tensor]:
        """E y, E y yᵀ and E y ⊗ y ⊗ y."""
        mean = torch.full((DIMENSIONS,), self.mean, dtype=torch.float64)
        covariance = self.deviation**2 * torch.eye(DIMENSIONS, dtype=torch.float64)
        mixed = torch.einsum("a,bc->abc", mean, covariance)
        third = torch.einsum("a,b,c->abc", mean, mean, mean) + mixed + mixed.permute(1, 0, 2) + mixed.permute(1, 2, 0)
        return mean, covariance + torch.outer(mean, mean), third


def expected_kernel(first: Gaussian, second: Gaussian) -> float:
    """E (xᵀy/F + 1)³, by the binomial theorem from the moments of both."""
    pairs = zip(first.moments(), second.moments(), strict=True)
    powers = [(one * other).sum().item() / DIMENSIONS**power for power, (one, other) in enumerate(pairs, start=1)]
    return 1 + 3 * powers[0] + 3 * powers[1] + powers[2]


def true_distance(first: Gaussian, second: Gaussian) -> float:
    return expected_kernel(first, first) + expected_kernel(second, second) - 2 * expected_kernel(first, second)


def estimate(x: Tensor, y: Tensor) -> Estimate:
    return kernel_distance(MeanEmbedding.of(x), MeanEmbedding.of(y))


def pair_by_pair(x: Tensor, y: Tensor) -> float:
    def kernel(one: Tensor, other: Tensor) -> Tensor:
        return (one @ other.T / DIMENSIONS + 1) ** 3

    def of_others(z: Tensor) -> Tensor:
        return (kernel(z, z).sum() - kernel(z, z).trace()) / (len(z) * (len(z) - 1))

    return (of_others(x) + of_others(y) - 2 * kernel(x, y).mean()).item()


def estimates(first: Gaussian, second: Gaussian) -> list[Estimate]:
    generator = torch.Generator().manual_seed(1)
    return [estimate(first.draw(FIRST, generator), second.draw(SECOND, generator)) for _ in range(DRAWS)]


@pytest.fixture
def sets() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return Gaussian(0, 1).draw(12, generator), Gaussian(0.5, 2).draw(17, generator)


def without(x: Tensor) -> list[Tensor]:
    return [torch.cat([x[:index], x[index + 1 :]]) for index in range(len(x))]


def test_it_is_the_mean_over_pairs_of_different_vectors(sets: tuple[Tensor, Tensor]) -> None:
    assert estimate(*sets).value == pytest.approx(pair_by_pair(*sets), rel=1e-10)


def test_its_interval_is_the_jackknifes_over_both_sets(sets: tuple[Tensor, Tensor]) -> None:
    x, y = sets
    left_out = [[pair_by_pair(fewer, y) for fewer in without(x)], [pair_by_pair(x, fewer) for fewer in without(y)]]
    parts = [torch.tensor(values, dtype=torch.float64) for values in left_out]
    variance = sum(((len(part) - 1) ** 2 / len(part) * part.var()).item() for part in parts)
    found = estimate(x, y)
    assert found.high - found.value == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-9)
    assert found.value - found.low == pytest.approx(found.high - found.value, rel=1e-9)


def test_it_is_symmetric(sets: tuple[Tensor, Tensor]) -> None:
    found, other = estimate(*sets), estimate(*reversed(sets))
    assert found.value == pytest.approx(other.value, rel=1e-10)
    assert found.low == pytest.approx(other.low, rel=1e-10)


@pytest.mark.parametrize("second", [Gaussian(0, 1), Gaussian(0.1, 1), Gaussian(0.3, 1.2), Gaussian(0, 2)])
def test_it_has_no_bias_and_the_truth_is_in_its_interval(second: Gaussian) -> None:
    """Between equal distributions the jackknife overestimates the variance, up to twofold."""
    first = Gaussian(0, 1)
    truth, found = true_distance(first, second), estimates(first, second)
    values = torch.tensor([one.value for one in found], dtype=torch.float64)
    assert abs(values.mean() - truth) < 3 * values.std() / DRAWS**0.5
    covered = sum(one.low <= truth <= one.high for one in found) / DRAWS
    assert 0.91 < covered <= (1 if truth == 0 else 0.99)


def test_between_draws_of_one_distribution_it_is_0_on_average_and_often_less() -> None:
    found = [one.value for one in estimates(Gaussian(0, 1), Gaussian(0, 1))]
    assert 0.3 < sum(value < 0 for value in found) / DRAWS < 0.8


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_has_no_distance(sets: tuple[Tensor, Tensor], value: float) -> None:
    x, y = sets
    y[3, 1] = value
    found = estimate(x, y)
    assert math.isnan(found.value)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
