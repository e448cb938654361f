"""How many seeds would tell: against published tables and against trying it out."""

import random

import pytest

from sweeper.analysis.differences import difference
from sweeper.analysis.intervals import Sample
from sweeper.analysis.power import MOST_SEEDS, fewest_seeds, power, seeds_needed


@pytest.mark.parametrize(("size", "seeds"), [(0.5, 64), (0.8, 26), (1.0, 17), (1.2, 12)])
def test_seeds_are_those_of_cohens_table(size, seeds):
    """Cohen (1988), table 2.4.1: two samples of equal spread, two-sided level 0.05, power 0.80."""
    assert fewest_seeds(size, (1.0, 1.0), alpha=0.05) == seeds


def test_power_is_the_share_of_simulated_sweeps_that_tell():
    generator = random.Random(0)

    def tells() -> bool:
        first = Sample(tuple(generator.gauss(0.0, 1.0) for _ in range(6)))
        second = Sample(tuple(generator.gauss(2.5, 2.0) for _ in range(6)))
        return difference(second, first).interval().low > 0

    share = sum(tells() for _ in range(2000)) / 2000
    assert share == pytest.approx(power(2.5, (1.0, 4.0), seeds=6, alpha=0.05), abs=0.03)


def test_more_seeds_never_tell_less():
    powers = [power(0.7, (1.0, 3.0), seeds, alpha=0.05 / 6) for seeds in range(2, 200)]
    assert powers == sorted(powers)


@pytest.mark.parametrize("size", [1.0, 1e3, 1e9])
def test_power_is_a_probability_where_scipy_underflows(size):
    assert 0 <= power(size, (1e-3, 1e-3), seeds=1000, alpha=0.05) <= 1
    assert fewest_seeds(size, (1e-3, 1e-3), alpha=0.05) >= 2


def needed(first: tuple[float, ...], second: tuple[float, ...]):
    samples = Sample(first), Sample(second)
    return seeds_needed(*samples, difference(*samples).degrees, alpha=0.05)


def test_few_seeds_widen_the_answer_and_many_narrow_it():
    few, many = needed((0.0, 2.0), (1.0, 3.0)), needed((0.0, 2.0) * 10, (1.0, 3.0) * 10)
    assert few.likely < few.cautious
    assert few.cautious / few.likely > 4
    assert many.cautious / many.likely < 1.5


def test_the_cautious_number_is_enough_for_four_of_five_sweeps():
    """The share of pilot sweeps of three seeds whose cautious number reaches the power that it promises."""
    generator = random.Random(1)

    def is_enough() -> bool:
        pilot = [Sample(tuple(generator.gauss(0.0, 1.0) for _ in range(3))) for _ in range(2)]
        shifted = Sample(tuple(value + 1.0 - pilot[0].mean + pilot[1].mean for value in pilot[0].values))
        cautious = seeds_needed(shifted, pilot[1], difference(*pilot).degrees, alpha=0.05).cautious
        return cautious is None or cautious >= 17  # What a difference of one standard deviation really takes.

    assert sum(is_enough() for _ in range(500)) / 500 == pytest.approx(0.8, abs=0.06)


def test_a_difference_that_is_too_small_has_no_number():
    assert needed((0.0, 1.0, 2.0), (0.001, 1.001, 2.001)).likely is None
    assert fewest_seeds(1e-6, (1.0, 1.0), alpha=0.05) is None
    assert fewest_seeds(0.13, (1.0, 1.0), alpha=0.05) <= MOST_SEEDS


def test_no_difference_and_no_spread_have_no_number():
    assert needed((0.0, 1.0), (0.0, 1.0)) is None
    assert seeds_needed(Sample((1.0, 1.0)), Sample((2.0, 2.5)), degrees=2.0, alpha=0.05) is None
