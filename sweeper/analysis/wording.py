"""The verdict in words, one plain line for each thing it has to say."""

from collections.abc import Iterator

from sweeper.analysis.claims import claim
from sweeper.analysis.evidence import arm_line, lost_lines, search_line, tuning_line
from sweeper.analysis.formatting import counted
from sweeper.analysis.standing import Standing
from sweeper.analysis.verdict import Verdict


def verdict_text(verdict: Verdict) -> str:
    """Return the verdict as lines of text: the answer, then what it rests on."""
    return "\n".join(verdict_lines(verdict)) + "\n"


def verdict_lines(verdict: Verdict) -> tuple[str, ...]:
    """Return the lines of the verdict; none of them is empty."""
    question = [f"Question: {' '.join(verdict.question.split())}"] if verdict.question else []
    first, *others = verdict.standings
    return (
        *question,
        *(f"Answer: {answer}." for answer in _answers(verdict)),
        *_correction(verdict),
        *(arm_line(standing, verdict) for standing in verdict.standings),
        *(search_line(standing, verdict.metric) for standing in verdict.standings),
        *(tuning_line(first, other, verdict.metric) for other in others if _searches_compare(verdict, first, other)),
        *(line for standing in verdict.standings for line in lost_lines(standing)),
    )


def _searches_compare(verdict: Verdict, first: Standing, other: Standing) -> bool:
    return verdict.searched_alike and first.records.best is not None and other.records.best is not None


def _answers(verdict: Verdict) -> Iterator[str]:
    first, *others = verdict.standings
    if first.chosen is None:
        yield f"none; {_why_nothing_is_measured(verdict)}"
        return
    if not others:
        yield f"{first.arm} is the only arm, so there is nothing to compare it with"
    yield from (claim(comparison, verdict.test_metric) for comparison in verdict.comparisons)
    for other in others:
        if other.chosen is None:
            yield f"{first.arm} and {other.arm} cannot be compared; {_why_not_measured(other)}"


def _why_nothing_is_measured(verdict: Verdict) -> str:
    if not any(standing.records.best for standing in verdict.standings):
        return "no search trial has been trained to its end"
    if not verdict.finals_wanted:
        return "finals are switched off, and a single search value, the best of many, supports no claim"
    finals = [final for standing in verdict.standings for final in standing.records.finals]
    if not finals or not all(final.finished for final in finals):
        return "no final has ended yet"
    return f"none of {counted(len(finals), 'final')} gave a value on validation and on test"


def _why_not_measured(standing: Standing) -> str:
    if standing.records.best is None:
        return f"no search trial of {standing.arm} has been trained to its end"
    if standing.finals_open or not standing.records.finals:
        return f"no final of {standing.arm} has ended yet"
    finals = counted(len(standing.records.finals), "final")
    return f"none of {standing.arm}'s {finals} gave a value on validation and on test"


def _correction(verdict: Verdict) -> Iterator[str]:
    if verdict.tested > 1:
        yield (
            f"Intervals and claims are corrected by Holm's method for all {verdict.tested} pairs of arms, "
            "because the one ahead was picked by looking at all of them."
        )
