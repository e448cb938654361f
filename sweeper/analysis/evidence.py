"""What a verdict rests on, in words: each arm's configuration, its search, and what was lost on the way."""

from collections.abc import Iterator

from sweeper.analysis.beside import floor_of, means, with_floor
from sweeper.analysis.formatting import counted, measured, parameter_list, significant, span, with_unit
from sweeper.analysis.results import count_states, value_of
from sweeper.analysis.standing import Chosen, Standing
from sweeper.analysis.verdict import Verdict
from sweeper.search.records import State

_OUTCOMES: dict[State, str] = {
    "complete": "at full length",
    "pruned": "stopped early",
    "failed": "failed",
    "running": "running",
}


def arm_line(standing: Standing, verdict: Verdict) -> str:
    """Return the configuration that stands for an arm, and what it came to."""
    if standing.chosen:
        return f"{standing.arm}: {_chosen(standing, standing.chosen, verdict)}"
    if standing.records.best is None:
        return f"{standing.arm}: no result"
    best = standing.records.best
    shown = with_unit(significant(value_of(best)), verdict.metric)
    value = with_floor(shown, floor_of(verdict.metric, best.measured))
    found = f"single search value {verdict.metric} {value} with {parameter_list(best.parameters)}"
    return f"{standing.arm}: {found} (trial {best.number})"


def _chosen(standing: Standing, chosen: Chosen, verdict: Verdict) -> str:
    interval = chosen.test.interval()
    value = with_unit(measured(chosen.test.mean, interval), verdict.test_metric)
    shown = with_unit(measured(chosen.validation.mean, interval), verdict.metric)
    validation = with_floor(shown, floor_of(verdict.metric, means([final.measured for final in chosen.finals])))
    floor = floor_of(verdict.test_metric, means([final.test for final in chosen.finals]))
    certainty = _certainty(chosen) if floor is None else f"floor {significant(floor)}; {_certainty(chosen)}"
    among = counted(len(standing.records.repeats), "configuration")
    return (
        f"{verdict.test_metric} {value} ({certainty}) with {parameter_list(chosen.source.parameters)} "
        f"(trial {chosen.source.number}; mean {verdict.metric} {validation}; chosen from {among})"
    )


def _certainty(chosen: Chosen) -> str:
    interval, spread = chosen.test.interval(), chosen.test.spread
    if spread is None:
        return "one seed, which says nothing about spread"
    if interval is None:
        return f"no interval, {chosen.test.size} seeds gave the same value"
    return f"95 % interval {span(interval)}, {chosen.test.size} seeds, spread {spread:.2g}"


def search_line(standing: Standing, metric: str) -> str:
    """Return how the search of an arm went: how its trials ended, and how the full-length ones spread."""
    records = standing.records
    counts = count_states(records.search)
    ended = ", ".join(f"{counts[state]} {word}" for state, word in _OUTCOMES.items() if counts[state])
    line = f"Search of {standing.arm}: {counted(len(records.search), 'trial')}"
    if ended:
        line += f" ({ended})"
    if records.best is None or records.median is None:
        return f"{line}."
    best = with_floor(significant(value_of(records.best)), floor_of(metric, records.best.measured))
    return f"{line}; {metric} at full length: best {best}, median {significant(records.median)}."


def tuning_line(first: Standing, other: Standing, metric: str) -> str:
    """Return how much of a lead hangs on tuning: how often the arm with the better best beats the other's best."""
    ahead, behind = sorted((first, other), key=lambda standing: standing.records.sign * _best(standing))
    beating, trials = ahead.records.beating(_best(behind)), len(ahead.records.full_length)
    return (
        f"Tuning: {beating} of {ahead.arm}'s {counted(trials, 'trial')} at full length beat "
        f"the best of {behind.arm} in {metric}."
    )


def _best(standing: Standing) -> float:
    return value_of(standing.records.full_length[0])


def lost_lines(standing: Standing) -> Iterator[str]:
    """Yield which finals of an arm have no values, and why."""
    finals = len(standing.records.finals)
    if standing.lost:
        trials = "; ".join(f"trial {final.number}: {final.reason or 'no finite value'}" for final in standing.lost)
        yield f"Lost finals of {standing.arm}: {len(standing.lost)} of {finals} ({trials})."
    if standing.finals_open:
        yield f"Open finals of {standing.arm}: {standing.finals_open} of {finals}."
