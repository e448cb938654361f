"""Protects domains: their values, sizes and ends, and that Optuna takes each of them as it is."""

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeper.spec import ChoiceDomain, Domain, FloatDomain, IntDomain, Value


@pytest.mark.parametrize(
    ("domain", "size", "extremes", "second"),
    [
        (FloatDomain(0.0, 0.3, step=0.1), 4, (0.0, 0.3), 0.1),
        (FloatDomain(-1.5, 1.5, step=1.5), 3, (-1.5, 1.5), 0.0),
        (IntDomain(1, 9, step=4), 3, (1, 9), 5),
        (IntDomain(2, 64, log=True), 63, (2, 64), 3),
        (ChoiceDomain(("none", None, 3)), 3, ("none", None, 3), None),
    ],
)
def test_finite_domains(domain: Domain, size: int, extremes: tuple[Value, ...], second: Value) -> None:
    assert domain.size == size
    assert domain.extremes == extremes
    assert domain.at(0) == extremes[0]
    assert domain.at(1) == second
    assert domain.at(size - 1) == extremes[-1]


def test_a_range_without_a_step_has_no_size_unless_it_is_a_point() -> None:
    assert FloatDomain(0.0, 1.0).size is None
    assert FloatDomain(0.5, 0.5).size == 1
    assert FloatDomain(0.5, 0.5).at(0) == 0.5
    assert IntDomain(3, 3).extremes == (3,)


@pytest.mark.parametrize(
    ("domain", "inside", "outside"),
    [
        (FloatDomain(0.0, 1.0), [0.0, 1, 0.5], [1.1, -0.1, True, "0.5", None]),
        (IntDomain(1, 9, step=4), [1, 5, 9], [2, 13, 5.0, True, "5"]),
        (ChoiceDomain(("a", None)), ["a", None], ["b", 0]),
    ],
)
def test_what_a_domain_contains(domain: Domain, inside: list[Value], outside: list[Value]) -> None:
    assert [value for value in inside if not domain.contains(value)] == []
    assert [value for value in outside if domain.contains(value)] == []


@given(
    low=st.integers(-(10**6), 10**6),
    steps=st.integers(0, 10**4),
    step=st.integers(1, 10**4),
    scale=st.sampled_from([1, 10, 1000]),
)
def test_optuna_takes_ranges_with_steps_as_they_are(low: int, steps: int, step: int, scale: int) -> None:
    """It warns, which is an error here, and lowers the end of a range that is not on a step."""
    real = FloatDomain(low / scale, (low + steps * step) / scale, step=step / scale)
    whole = IntDomain(low, low + steps * step, step=step)
    assert optuna.distributions.FloatDistribution(real.low, real.high, step=real.step).high == real.high
    assert optuna.distributions.IntDistribution(whole.low, whole.high, step=whole.step).high == whole.high
    assert real.size == whole.size == steps + 1
    assert real.at(steps) == real.high


def test_optuna_takes_logarithmic_ranges_and_choices_as_they_are() -> None:
    optuna.distributions.FloatDistribution(1e-5, 1e-1, log=True)
    optuna.distributions.IntDistribution(1, 512, log=True, step=IntDomain(1, 512, log=True).step)
    options = ChoiceDomain((None, True, 2, 0.5, "a")).options
    assert optuna.distributions.CategoricalDistribution(options).choices == options
