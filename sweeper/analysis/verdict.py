"""The verdict of a sweep: which arm is better, by how much, or what it would take to tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from sweeper.analysis.comparable import check_comparable
from sweeper.analysis.differences import Difference, difference, holm_levels
from sweeper.analysis.intervals import Interval
from sweeper.analysis.power import SeedsNeeded, seeds_needed
from sweeper.analysis.results import Contest, SweepResults
from sweeper.analysis.standing import Chosen, Standing, rank_arms


@dataclass(frozen=True)
class LeadTest:
    """A lead of one arm over another, and the level at which Holm's method tests it."""

    lead: Difference
    level: float

    @cached_property
    def interval(self) -> Interval:
        """Where the true lead lies: a 95 % interval, or a wider one that excludes zero exactly if Holm's test does."""
        return self.lead.interval(self.level)

    @property
    def reversed(self) -> "LeadTest":
        """The same seen from the other arm."""
        return LeadTest(self.lead.reversed, self.level)


@dataclass(frozen=True)
class Comparison:
    """The first arm of the ranking beside another one, on the test metric."""

    first: Chosen
    other: Chosen
    lead: float
    """By how much the mean of the first arm is better; negative where it is worse."""
    test: LeadTest | None
    """``None`` where there is no spread to judge the lead by."""

    @property
    def better(self) -> Chosen | None:
        """The arm that is better beyond what chance explains; ``None`` where neither is."""
        if self.test is None or not self.test.interval.excludes_zero:
            return None
        return self.first if self.lead > 0 else self.other

    @cached_property
    def needed(self) -> SeedsNeeded | None:
        """The seeds that would tell, where these did not; ``None`` where no number can be given."""
        if self.test is None or self.better:
            return None
        return seeds_needed(self.first.test, self.other.test, self.test.lead.degrees, self.test.level)


@dataclass(frozen=True)
class Verdict:
    """The answer of a sweep, as far as it has one."""

    question: str
    metric: str
    """The validation metric, by which arms and configurations are chosen."""
    test_metric: str
    """The same on the test set, about which claims are made."""
    finals_wanted: bool
    """Whether the sweep has finals at all; without them there is no claim."""
    searched_alike: bool
    """Whether validation values of different arms may be compared."""
    standings: tuple[Standing, ...]
    """The arms, best first on validation; on test where their validation values may not be compared."""
    comparisons: tuple[Comparison, ...]
    """The first arm against each other one that has a measured final."""
    tested: int
    """How many pairs of arms could be tested; Holm's method corrects for all of them."""


def judge(results: SweepResults) -> Verdict:
    """Return the verdict of a sweep, finished or not; raise UsageError where its trials must not be ranked."""
    check_comparable(results)
    return judge_arms(results)


def judge_arms(contest: Contest) -> Verdict:
    """Return the verdict on arms whose values may be ranked, as far as the contest says."""
    standings = rank_arms(contest)
    chosen = [standing.chosen for standing in standings if standing.chosen]
    tests = _lead_tests(chosen, contest.sign)
    return Verdict(
        question=contest.question,
        metric=contest.metric,
        test_metric=contest.test_metric,
        finals_wanted=contest.finals_wanted,
        searched_alike=contest.searched_alike,
        standings=standings,
        comparisons=tuple(_comparison(chosen[0], other, contest.sign, tests) for other in chosen[1:]),
        tested=len(tests),
    )


def _lead_tests(chosen: Sequence[Chosen], sign: float) -> dict[tuple[str, str], LeadTest]:
    """Test the lead of each arm over each arm that ``chosen`` names after it, where it can be tested.

    Every pair, although only those with the first arm are reported: which arm is first is decided by looking at them
    all, and values on validation and on test go up and down together.
    """
    leads = {(first.arm, other.arm): _lead(first, other, sign) for first, other in combinations(chosen, 2)}
    testable = {pair: lead for pair, lead in leads.items() if lead is not None}
    levels = holm_levels([lead.p_value for lead in testable.values()])
    return {pair: LeadTest(lead, level) for (pair, lead), level in zip(testable.items(), levels, strict=True)}


def _lead(first: Chosen, other: Chosen, sign: float) -> Difference | None:
    found = difference(other.test, first.test)
    return found if found is None or sign > 0 else found.reversed


def _comparison(first: Chosen, other: Chosen, sign: float, tests: dict[tuple[str, str], LeadTest]) -> Comparison:
    lead = sign * (other.test.mean - first.test.mean)
    return Comparison(first, other, lead, tests.get((first.arm, other.arm)))
