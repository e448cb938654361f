"""The verdict as plain data for `--json`; the README of this folder says what each key means."""

from typing import Any

from sweeper.analysis.intervals import Interval, Sample
from sweeper.analysis.results import count_states
from sweeper.analysis.standing import Chosen, Standing
from sweeper.analysis.verdict import Comparison, Verdict
from sweeper.analysis.wording import verdict_lines


def summarize(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as plain data; numbers may be non-finite, see `sweeper.analysis.plain.strict`."""
    return {
        "metric": verdict.metric,
        "test_metric": verdict.test_metric,
        "arms": [_arm(standing) for standing in verdict.standings],
        "comparisons": [_comparison(comparison) for comparison in verdict.comparisons],
        "tested": verdict.tested,
        "text": list(verdict_lines(verdict)),
    }


def _arm(standing: Standing) -> dict[str, Any]:
    best = standing.records.best
    return {
        "arm": standing.arm,
        "search": count_states(standing.records.search),
        "finals": count_states(standing.records.finals),
        "best": {"trial": best.number, "value": best.value, "parameters": best.parameters} if best else None,
        "median": standing.records.median,
        "chosen": _chosen(standing.chosen) if standing.chosen else None,
        "lost": [{"trial": record.number, "reason": record.reason} for record in standing.lost],
    }


def _chosen(chosen: Chosen) -> dict[str, Any]:
    return {
        "trial": chosen.source.number,
        "parameters": chosen.source.parameters,
        "finals": [final.number for final in chosen.finals],
        "validation": _sample(chosen.validation),
        "test": _sample(chosen.test),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    interval = _ends(sample.interval())
    return {"mean": sample.mean, "spread": sample.spread, "interval": interval, "values": list(sample.values)}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    test, needed = comparison.test, comparison.needed
    return {
        "first": comparison.first.arm,
        "other": comparison.other.arm,
        "lead": comparison.lead,
        "interval": _ends(test.interval if test else None),
        "level": test.level if test else None,
        "p_value": test.lead.p_value if test else None,
        "better": comparison.better.arm if comparison.better else None,
        "seeds_needed": {"likely": needed.likely, "cautious": needed.cautious} if needed else None,
    }


def _ends(interval: Interval | None) -> list[float] | None:
    return [interval.low, interval.high] if interval else None
