"""Where one arm stands: its configuration chosen on validation, and what that one came to on test.

Choosing and measuring are kept apart. Validation values decide which configuration stands for an arm and which arm
is ahead; the test values of all others are never looked at.
"""

from dataclasses import dataclass

from sweeper.analysis.intervals import Sample
from sweeper.analysis.results import ArmRecords, Contest, Repeats, value_of
from sweeper.search import TrialRecord


@dataclass(frozen=True)
class Chosen:
    """The configuration that stands for an arm."""

    source: TrialRecord
    """The search trial that found it."""
    finals: tuple[TrialRecord, ...]
    """Those of its finals that have a value on validation and on test."""
    validation: Sample
    test: Sample

    @property
    def arm(self) -> str:
        """The arm it stands for."""
        return self.source.arm


@dataclass(frozen=True)
class Standing:
    """One arm in the ranking."""

    arm: str
    records: ArmRecords
    chosen: Chosen | None
    """``None`` where no final of the arm has both its values."""
    lost: tuple[TrialRecord, ...]
    """The finals that have ended without both their values."""

    @property
    def finals_open(self) -> int:
        """How many finals have not ended yet."""
        return sum(not record.finished for record in self.records.finals)

    @property
    def source(self) -> TrialRecord | None:
        """The search trial whose configuration stands for the arm; without finals the best one."""
        return self.chosen.source if self.chosen else self.records.best


def rank_arms(contest: Contest) -> tuple[Standing, ...]:
    """Return the arms, best first on validation; on test where their validation values may not be compared.

    Arms with finals are ranked by the mean of their chosen configuration and come before those without, which are
    ranked by their best search value; an arm without either is last. The two kinds of value are never compared, since
    the best of many looks is better than what it repeats as.
    """
    standings = [_standing(contest, arm, records) for arm, records in contest.arms.items()]
    return tuple(sorted(standings, key=_rank if contest.searched_alike else _rank_on_test))


def choose(arm: ArmRecords, test_metric: str) -> Chosen | None:
    """Return the configuration of the finals that stands for an arm.

    The one with most finals measured comes first, then the one with the better mean on validation: a mean over the
    seeds that survived flatters a configuration that fails for some.
    """
    candidates = [_measured(repeats, test_metric) for repeats in arm.repeats]
    return min(
        (candidate for candidate in candidates if candidate),
        key=lambda chosen: (-len(chosen.finals), arm.sign * chosen.validation.mean, chosen.source.number),
        default=None,
    )


def _measured(repeats: Repeats, test_metric: str) -> Chosen | None:
    finals = repeats.measured(test_metric)
    if not finals:
        return None
    validation = Sample(tuple(map(value_of, finals)))
    return Chosen(repeats.source, finals, validation, Sample(tuple(final.test[test_metric] for final in finals)))


def _standing(contest: Contest, arm: str, records: ArmRecords) -> Standing:
    measured = {final.number for repeats in records.repeats for final in repeats.measured(contest.test_metric)}
    lost = tuple(final for final in records.finals if final.finished and final.number not in measured)
    return Standing(arm, records, choose(records, contest.test_metric), lost)


def _rank(standing: Standing) -> tuple[int, float]:
    sign = standing.records.sign
    if standing.chosen:
        return 0, sign * standing.chosen.validation.mean
    if standing.records.best:
        return 1, sign * value_of(standing.records.best)
    return 2, 0.0


def _rank_on_test(standing: Standing) -> tuple[int, float]:
    """Rank arms without finals last, in the order in which they were named: nothing is known that ranks them."""
    return (0, standing.records.sign * standing.chosen.test.mean) if standing.chosen else (1, 0.0)
