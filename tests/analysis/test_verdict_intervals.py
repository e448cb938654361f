"""The statistics under the verdict: Student's and Welch's intervals, and Holm's levels, against scipy and by hand."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from sweeper.analysis.differences import difference, holm_levels
from sweeper.analysis.intervals import Sample

values = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))
samples = st.lists(values, min_size=2, max_size=6).map(tuple).map(Sample)


def test_the_interval_of_a_mean_is_the_one_of_the_textbook():
    sample = Sample((9.0, 10.0, 11.0))
    assert sample.mean == 10.0
    assert sample.spread == 1.0
    half_width = 4.302652729749462 / math.sqrt(3)  # The 97.5 % point of Student's t with 2 degrees of freedom.
    assert sample.interval().low == pytest.approx(10 - half_width, rel=1e-12)
    assert sample.interval().high == pytest.approx(10 + half_width, rel=1e-12)


def test_one_seed_has_a_mean_but_neither_spread_nor_interval():
    sample = Sample((9.5,))
    assert (sample.mean, sample.spread, sample.interval()) == (9.5, None, None)


@pytest.mark.parametrize("value", [0.1, 95.3, 1e300])
def test_equal_values_have_no_interval_whatever_rounding_does(value):
    sample = Sample((value,) * 3)
    assert sample.spread == 0.0
    assert sample.interval() is None


@pytest.mark.parametrize("wrong", [(), (math.nan,), (1.0, math.inf)])
def test_a_sample_holds_at_least_one_value_and_finite_ones_only(wrong):
    with pytest.raises(ValueError, match="must be one finite value or more"):
        Sample(wrong)


@settings(deadline=None)
@given(samples, samples)
def test_differences_are_those_of_scipy(first, second):
    assume(first.variance and second.variance)  # Of equal values scipy warns that it rounds.
    found = difference(first, second)
    expected = ttest_ind(first.values, second.values, equal_var=False)
    interval = expected.confidence_interval(0.95)
    scale = max(1.0, found.standard_error)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-9)
    assert found.interval().low == pytest.approx(interval.low, rel=1e-6, abs=1e-9 * scale)
    assert found.interval().high == pytest.approx(interval.high, rel=1e-6, abs=1e-9 * scale)


def test_the_difference_worked_by_hand():
    found = difference(Sample((96.1, 96.6, 96.3)), Sample((95.2, 95.0, 95.6)))
    # Means 96.3333 and 95.2667; variances 0.063333 and 0.093333; standard error sqrt(0.156667 / 3) = 0.228522.
    assert found.value == pytest.approx(1.066667, abs=1e-6)
    assert found.standard_error == pytest.approx(0.228522, abs=1e-6)
    assert found.degrees == pytest.approx(2 * 0.156667**2 / (0.063333**2 + 0.093333**2), rel=1e-4)


@pytest.mark.parametrize("without", [(1.0, 1.0), (1.0,)])
def test_a_sample_without_spread_has_no_difference_to_judge(without):
    spread, constant = Sample((1.0, 2.0, 3.0)), Sample(without)
    assert difference(constant, spread) is None
    assert difference(spread, constant) is None
    assert difference(constant, constant) is None


def test_tiny_spreads_do_not_underflow():
    found = difference(Sample((0.0, 1e-150)), Sample((0.0, 2e-150, 3e-150)))
    assert math.isfinite(found.degrees)
    assert math.isfinite(found.p_value)


@pytest.mark.parametrize(
    ("p_values", "levels"),
    [
        ([], []),
        ([0.04], [0.05]),
        ([0.2], [0.05]),
        ([0.01, 0.04], [0.025, 0.05]),
        ([0.03, 0.01, 0.02], [0.05, 0.05 / 3, 0.025]),
        ([0.02, 0.01, 0.03], [0.025, 0.05 / 3, 0.05]),
        ([0.04, 0.01, 0.03], [0.025, 0.05 / 3, 0.025]),  # 0.03 is above 0.025, which then holds for 0.04 too.
        ([0.02, 0.03], [0.025, 0.05]),
        ([0.03, 0.04], [0.025, 0.025]),
    ],
)
def test_holm_levels_by_hand(p_values, levels):
    assert holm_levels(p_values) == pytest.approx(levels)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_a_claim_is_what_holm_would_claim(p_values):
    """The step-down method as the paper has it, in the words of adjusted p values."""
    adjusted, running = dict.fromkeys(range(len(p_values)), 1.0), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        running = max(running, (len(p_values) - rank) * p_values[index])
        adjusted[index] = running
    for index, level in enumerate(holm_levels(p_values)):
        if not math.isclose(adjusted[index], 0.05, rel_tol=1e-9):
            assert (p_values[index] <= level) == (adjusted[index] <= 0.05)


@settings(deadline=None)
@given(samples, samples, st.floats(0.001, 0.5))
def test_an_interval_excludes_zero_exactly_if_the_p_value_is_below_its_level(first, second, level):
    found = difference(first, second)
    assume(found is not None and abs(found.p_value - level) > 1e-9)
    assert found.interval(level).excludes_zero == (found.p_value < level)
