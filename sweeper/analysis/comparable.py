"""Whether the trials of a sweep may be ranked: values with different comparability keys never are.

A sweep file is checked before anything starts, but it can be edited and resumed with another precision, or by a version
of this package that measures otherwise. A record without keys, of a simulation or an older version, passes: within one
sweep its file measured it as it did the others.
"""

import math
from collections.abc import Mapping, Sequence

from sweeper.analysis.results import SPECIFICATION, SweepResults, is_ranked
from sweeper.comparability import Key, decided_by, differences, instead
from sweeper.errors import UsageError
from sweeper.search import TrialRecord

VALIDATION = "val/"


def check_comparable(results: SweepResults, arm: str | None = None) -> None:
    """Raise UsageError where trials of a sweep, or of one of its arms alone, must not be ranked; see `incomparable`."""
    reason = incomparable(results, arm)
    if reason is not None:
        raise UsageError(f"{results.folder.name}: {reason}")


def check_resumable(results: SweepResults, coming: Mapping[str, Key]) -> None:
    """Raise UsageError where trials to come, with those keys, could not be ranked against those that there are."""
    for metric in (results.metric, results.test_metric):
        known = [record for record in results.records if metric in record.keys]
        held = [(f"trial {record.number}", record.keys[metric]) for record in known]
        if found := differences([*held, ("what is to come", coming[metric])]):
            raise UsageError(
                f"{results.folder.name}: {metric} could not rank its trials against each other, which would differ in "
                f"{', '.join(map(str, found))}; set {decided_by(found, metric)} back, or begin a new sweep: "
                f"{_begin(results)}"
            )


def incomparable(results: SweepResults, arm: str | None = None) -> str | None:
    """Return why trials of a sweep, or of one of its arms alone, must not be ranked, and what to do; else ``None``."""
    for metric in (results.metric, results.test_metric):
        ranked = [record for record in with_keys(results, metric) if arm in (None, record.arm)]
        if found := differences((f"trial {record.number}", record.keys[metric]) for record in ranked):
            others = instead(found, map(validation_keys, ranked))
            shown = ", ".join(map(str, found))
            return (
                f"{metric} cannot rank its trials against each other, which differ in {shown}; "
                f"run it anew {_how(results, others)}"
            )
    return None


def _how(results: SweepResults, others: Sequence[str]) -> str:
    if others:
        return f"by a metric that all of them share: {_begin(results)} --set sweep.metric={others[0]}"
    return f"with one of these alone: {_begin(results)}"


def _begin(results: SweepResults) -> str:
    return f"sweeper run {results.folder / SPECIFICATION}"


def measured(results: SweepResults, metric: str) -> list[TrialRecord]:
    """Return the trials that have a value of a metric, on validation or on test, by which they can be ranked."""
    return [
        record
        for record in results.records
        if is_ranked(record) and (metric == results.metric or math.isfinite(record.test.get(metric, math.nan)))
    ]


def with_keys(results: SweepResults, metric: str) -> list[TrialRecord]:
    """Return those of the trials that have a value of a metric which have its key as well."""
    return [record for record in measured(results, metric) if metric in record.keys]


def validation_keys(record: TrialRecord) -> dict[str, Key]:
    """Return the keys of the metrics by which a sweep can rank."""
    return {metric: key for metric, key in record.keys.items() if metric.startswith(VALIDATION)}
