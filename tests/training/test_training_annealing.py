"""Protects the rules by which a learning rate falls: each against its formula, over the whole of training."""

import math
from typing import get_args

import pytest

from sweeper.training.annealing import Annealing, factor


def factors(annealing: Annealing, epochs: int) -> list[float]:
    return [factor(annealing, epoch, epochs) for epoch in range(epochs)]


@pytest.mark.parametrize("annealing", get_args(Annealing))
@pytest.mark.parametrize("epochs", [1, 2, 7, 100])
def test_every_rule_begins_at_1_and_never_rises_or_stops(annealing: Annealing, epochs: int) -> None:
    found = factors(annealing, epochs)
    assert found[0] == 1
    assert found == sorted(found, reverse=True)
    assert min(found) > 0


def test_none_stays_at_1() -> None:
    assert factors("none", 5) == [1.0] * 5


def test_linear_falls_by_equal_steps() -> None:
    assert factors("linear", 4) == [1.0, 0.75, 0.5, 0.25]


def test_cosine_falls_along_half_a_wave() -> None:
    """Loshchilov & Hutter 2017, eq. 5, from 1 to 0 without a restart."""
    assert factors("cosine", 6) == pytest.approx([1, (1 + math.sqrt(3) / 2) / 2, 3 / 4, 1 / 2, 1 / 4, 0.0669873], 1e-6)


@pytest.mark.parametrize("scale", [1, 2, 10])
def test_iwae_has_eight_stages_each_three_times_as_long_as_the_one_before(scale: int) -> None:
    """Burda et al. 2016, section 5: 3^i passes in stage i = 0 … 7, at the learning rate 0.001 * 10^(-i/7)."""
    stages = [3**stage * scale for stage in range(8)]
    assert sum(stages) == (3**8 - 1) // 2 * scale == 3280 * scale
    expected = [10 ** (-stage / 7) for stage, length in enumerate(stages) for _ in range(length)]
    assert factors("iwae", sum(stages)) == pytest.approx(expected)
    assert expected[-1] == pytest.approx(0.1)


def test_iwae_keeps_the_proportions_of_its_stages_in_a_short_training() -> None:
    found = factors("iwae", 328)
    last = [value for value in found if value == pytest.approx(0.1)]
    assert len(last) == pytest.approx(328 * 3**7 / 3280, abs=1)
