"""One comparison in words: a claim, or what it would take to make one."""

from sweeper.analysis.formatting import measured, span, with_unit
from sweeper.analysis.power import MOST_SEEDS, POWER, SeedsNeeded
from sweeper.analysis.standing import Chosen
from sweeper.analysis.verdict import Comparison


def claim(comparison: Comparison, metric: str) -> str:
    """Return what a comparison says about the test metric ``metric``, without a full stop."""
    if comparison.better:
        return _better(comparison, comparison.better, metric)
    names = f"{comparison.first.arm} and {comparison.other.arm}"
    if comparison.test is None:
        why = _why_no_spread(comparison.first, comparison.other)
        return f"{names} cannot be told apart: {_difference(comparison, metric)}; {why}"
    return f"{names} are not distinguishable yet: {_difference(comparison, metric)}; {_needed(comparison.needed)}"


def _better(comparison: Comparison, better: Chosen, metric: str) -> str:
    first, other = comparison.first, comparison.other
    by = f"by {_size(comparison, metric)} ({_evidence(comparison, metric)})"
    if better is first:
        return f"{first.arm} is better than {other.arm} {by}"
    return f"{other.arm} is better than {first.arm} {by}, although {first.arm} was ahead on validation"


def _difference(comparison: Comparison, metric: str) -> str:
    ahead = comparison.first if comparison.lead > 0 else comparison.other
    favour = f" in favour of {ahead.arm}" if comparison.lead else ""
    return f"difference {_size(comparison, metric)}{favour} ({_evidence(comparison, metric)})"


def _size(comparison: Comparison, metric: str) -> str:
    interval = comparison.test.interval if comparison.test else None
    return with_unit(measured(abs(comparison.lead), interval), metric)


def _evidence(comparison: Comparison, metric: str) -> str:
    """Return interval, metric and seeds; the interval is that of the lead of whichever arm is ahead."""
    seeds = f"{metric}, {_seeds(comparison.first.test.size, comparison.other.test.size)}"
    if comparison.test is None:
        return seeds
    test = comparison.test if comparison.lead >= 0 else comparison.test.reversed
    return f"95 % interval {span(test.interval)}, {seeds}"


def _seeds(first: int, other: int) -> str:
    if first != other:
        return f"{first} and {other} seeds"
    return "one seed each" if first == 1 else f"{first} seeds each"


def _why_no_spread(first: Chosen, other: Chosen) -> str:
    if first.test.size == other.test.size == 1:
        return "one seed each says nothing about spread"
    return " and ".join(_no_spread(chosen) for chosen in (first, other) if not chosen.test.variance)


def _no_spread(chosen: Chosen) -> str:
    if chosen.test.size == 1:
        return f"{chosen.arm} has one seed, which says nothing about spread"
    return f"the {chosen.test.size} seeds of {chosen.arm} gave the same value, which shows no spread to judge by"


def _needed(needed: SeedsNeeded | None) -> str:
    if needed is None:
        return "no number of seeds tells apart what does not differ"
    if needed.likely is None:
        return f"more than {MOST_SEEDS} seeds per arm would be needed to tell a difference of this size"
    most = f"more than {MOST_SEEDS}" if needed.cautious is None else str(needed.cautious)
    number = str(needed.likely) if needed.cautious == needed.likely else f"{needed.likely} to {most}"
    return f"about {number} seeds per arm would tell a difference of this size ({round(100 * POWER)} % power)"
