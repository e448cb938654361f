"""What the verdict promises, on thousands of made-up sweeps: intervals that cover, and few false claims.

The truth is known: an arm's finals are draws around its true mean, and validation and test share the luck of the seed,
which is what makes choosing and measuring with the same finals delicate.
"""

import dataclasses
import random
from collections.abc import Iterator

import pytest
from fabricated import Arm, fabricate

from sweeper.analysis import SweepResults, Verdict, judge

SWEEPS = 2000


def verdicts(truth: dict[str, float], spread: dict[str, float], *, top: int, seeds: int) -> Iterator[Verdict]:
    """Yield the verdicts of 2,000 sweeps whose arms have those true means and spreads."""
    generator = random.Random(f"{truth} {spread} {top} {seeds}")
    finals = {position: [0.0] * seeds for position in range(top)}
    base = fabricate({arm: Arm([0.0] * top, finals) for arm in truth})
    for _ in range(SWEEPS):
        records = []
        for record in base.records:
            value = generator.gauss(truth[record.arm], spread[record.arm])
            test = {"test/nll": value + generator.gauss(0.0, 0.1)} if record.phase == "finals" else {}
            records.append(dataclasses.replace(record, value=value, test=test))
        yield judge(SweepResults(base.folder, base.spec, tuple(records)))


@pytest.mark.parametrize(("top", "most"), [(1, 0.97), (2, 0.985)])
@pytest.mark.parametrize("spread", [{"fc": 1.0, "conv": 1.0}, {"fc": 1.0, "conv": 3.0}])
def test_intervals_cover_the_true_lead(top, most, spread):
    """The better of two equal configurations varies less than either, which makes intervals a little too wide."""
    truth = {"fc": 95.0, "conv": 96.0}
    covered = 0
    for verdict in verdicts(truth, spread, top=top, seeds=5):
        (comparison,) = verdict.comparisons
        interval = comparison.test.interval
        covered += interval.low <= truth[comparison.other.arm] - truth[comparison.first.arm] <= interval.high
    assert 0.93 <= covered / SWEEPS <= most


def test_the_interval_of_one_arm_covers_its_mean():
    found = (
        verdict.standings[0].chosen.test.interval() for verdict in verdicts({"a": 9.0}, {"a": 2.0}, top=2, seeds=3)
    )
    assert 0.93 <= sum(interval.low <= 9.0 <= interval.high for interval in found) / SWEEPS <= 0.97


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("arms", ["ab", "abcd"])
def test_of_equal_arms_hardly_any_is_called_better(arms, seeds):
    """With four arms, a correction for the three comparisons that are shown would make 7 % false claims."""
    truth, spread = dict.fromkeys(arms, 95.0), dict.fromkeys(arms, 1.0)
    claims = sum(
        any(comparison.better for comparison in verdict.comparisons)
        for verdict in verdicts(truth, spread, top=1, seeds=seeds)
    )
    assert claims / SWEEPS <= 0.06  # 5 %, and two standard errors of 2,000 sweeps.


def test_arms_that_differ_much_are_told_apart_the_right_way_round():
    truth, spread = {"a": 90.0, "b": 95.0, "c": 100.0}, dict.fromkeys("abc", 0.5)
    better = [
        comparison.better.arm if comparison.better else None
        for verdict in verdicts(truth, spread, top=1, seeds=4)
        for comparison in verdict.comparisons
    ]
    assert set(better) <= {"a", None}
    assert better.count("a") / len(better) > 0.95
