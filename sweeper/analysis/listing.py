"""Sweeps and their trials as plain data for `--json`, and as tables for people."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeper.analysis.beside import cell, columns, floor_of, headings, signs_of, with_floor
from sweeper.analysis.comparable import incomparable
from sweeper.analysis.formatting import parameter_list, significant
from sweeper.analysis.home import list_sweeps
from sweeper.analysis.plain import strict
from sweeper.analysis.results import SweepResults, count_states
from sweeper.analysis.standing import rank_arms
from sweeper.analysis.summary import summarize
from sweeper.analysis.table import NOTHING, Table
from sweeper.analysis.verdict import judge
from sweeper.errors import SweeperError
from sweeper.search import TrialRecord
from sweeper.search.changes import Change, in_words


def describe_home(home: Path) -> list[dict[str, Any]]:
    """Return what `sweeper list --json` prints: one entry for each sweep in ``home``, that last worked on first."""
    return describe_sweeps(list_sweeps(home))


def describe_sweeps(folders: Iterable[Path]) -> list[dict[str, Any]]:
    """Return an entry for the sweep in each folder.

    A sweep that cannot be read has its reason under ``error`` rather than hiding all others.
    """
    return [_entry(folder) for folder in folders]


def describe_sweep(results: SweepResults, changes: Sequence[Change] = ()) -> dict[str, Any]:
    """Return what `sweeper show SWEEP --json` prints: the sweep, its changes, its verdict and all of its trials."""
    trials = [_trial(record) for record in results.records]
    told = [change.to_json() for change in changes]
    sweep = _sweep(results)
    verdict = None if sweep["refused"] else summarize(judge(results))
    plain: dict[str, Any] = strict({**sweep, "changes": told, "verdict": verdict, "trials": trials})
    return plain


def sweeps_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of `sweeper list`, made of what `describe_home` returned."""
    headings = ("sweep", "trials", "complete", "pruned", "failed", "running", "ahead", "best of search", "metric")
    return Table(headings, tuple(map(_sweep_row, entries)))


def trials_table(records: Sequence[TrialRecord], metric: str) -> Table:
    """Return the table of `sweeper show`: one row for each trial of a sweep that ranks by ``metric``.

    What else was measured is that of its best epoch; the signs are those of its last one.
    """
    beside = columns(metric, (record.measured for record in records))
    wrong = ("signs",) if any(record.signs for record in records) else ()
    measured = ("value", *headings(beside), "epochs", "seconds")
    known = ("trial", "phase", "arm", "state", *measured, *wrong, "parameters", "reason")
    return Table(known, tuple(_trial_row(record, beside, with_signs=bool(wrong)) for record in records))


def changes_table(changes: Sequence[Change]) -> Table:
    """Return the table of what was changed of a sweep after it had begun, the oldest first."""
    headings = ("changed", "from", "to", "when", "trials begun")
    rows = (
        (change.path, *map(in_words, (change.before, change.after)), change.when, change.begun) for change in changes
    )
    return Table(headings, tuple(tuple(map(str, row)) for row in rows))


def _entry(folder: Path) -> dict[str, Any]:
    try:
        results = SweepResults.load(folder)
    except SweeperError as error:
        return {"sweep": folder.name, "path": str(folder), "error": str(error)}
    plain: dict[str, Any] = strict(_sweep(results))
    return plain


def _sweep(results: SweepResults) -> dict[str, Any]:
    refused = incomparable(results)
    first = rank_arms(results)[0]
    best = None if refused else first.records.best
    return {
        "sweep": results.folder.name,
        "path": str(results.folder),
        "error": None,
        "refused": refused,
        "name": results.spec.name,
        "question": results.spec.question,
        "digest": results.spec.digest,
        "metric": results.metric,
        "direction": results.spec.settings.direction,
        "arms": list(results.spec.arms),
        "states": count_states(results.records),
        "ahead": _ahead(best, results.metric) if best else None,
        "started": min((record.started for record in results.records if record.started), default=None),
        "ended": max((record.ended for record in results.records if record.ended), default=None),
    }


def _ahead(best: TrialRecord, metric: str) -> dict[str, Any]:
    return {"arm": best.arm, "trial": best.number, "value": best.value, "floor": floor_of(metric, best.measured)}


def _trial(record: TrialRecord) -> dict[str, Any]:
    return {
        "trial": record.number,
        "phase": record.phase,
        "arm": record.arm,
        "state": record.state,
        "value": record.value,
        "measured": record.measured,
        "test": record.test,
        "keys": {metric: key.to_json() for metric, key in record.keys.items()},
        "signs": record.signs,
        "epochs": record.epochs,
        "curve": record.curve,
        "parameters": record.parameters,
        "seed": record.seed,
        "source": record.source,
        "reason": record.reason,
        "folder": record.folder if record.config else None,
        "started": record.started,
        "ended": record.ended,
        "seconds": record.seconds,
    }


def _sweep_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    if entry["error"]:
        return (entry["sweep"], *[NOTHING] * 7, entry["error"])
    states, ahead = entry["states"], entry["ahead"]
    counts = (str(states[state]) for state in ("complete", "pruned", "failed", "running"))
    best = (ahead["arm"], with_floor(significant(ahead["value"]), ahead["floor"])) if ahead else (NOTHING, NOTHING)
    return (entry["sweep"], str(sum(states.values())), *counts, *best, entry["refused"] or entry["metric"])


def _trial_row(record: TrialRecord, beside: tuple[str, ...], *, with_signs: bool) -> tuple[str, ...]:
    return (
        str(record.number),
        record.phase,
        record.arm,
        record.state,
        NOTHING if record.value is None else significant(record.value),
        *(cell(name, record.measured, NOTHING) for name in beside),
        str(record.epochs),
        NOTHING if record.seconds is None else f"{record.seconds:.1f}",
        *((signs_of([record]) or NOTHING,) if with_signs else ()),
        parameter_list(record.parameters),
        record.reason or NOTHING,
    )
