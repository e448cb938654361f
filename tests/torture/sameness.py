"""What differs between two sweeps that should be the same, one line for each difference, by aspect."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import subject  # noqa: F401 -- it brings the neighbours' folder into the import path.
from calling import Ended
from swept import TIMED, Swept, measured, run_facts, the_only_sweep

from sweeper.search import TrialRecord
from sweeper.tracking import default_uri
from sweeper.tracking.store import connect

STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
WEIGHTS = "best/model.safetensors"


def swept(home: Path) -> Swept:
    """Return the only sweep of a home."""
    return Swept(Ended(0, "", ""), the_only_sweep(home))


def differences(whole: Swept, killed: Swept) -> dict[str, list[str]]:
    """Return what tells a sweep that was killed from one that was not."""
    found = {
        "trials": _in_trials(whole, killed),
        "metrics": _in_metrics(whole, killed),
        "weights": _in_weights(whole, killed),
        "verdict": _in_verdict(whole, killed),
        "MLflow": _in_mlflow(killed),
        "files": _in_files(whole, killed),
    }
    return {aspect: list(lines) for aspect, lines in found.items()}


def _in_trials(whole: Swept, killed: Swept) -> Iterator[str]:
    facts = [{record.number: record for record in run_facts(sweep)} for sweep in (whole, killed)]
    for number in sorted(facts[0].keys() | facts[1].keys()):
        records = [of_sweep.get(number) for of_sweep in facts]
        for name in ["number"] if None in records else [field.name for field in fields(TrialRecord)]:
            yield from _differing(f"trial {number}: {name}", *(getattr(record, name, None) for record in records))


def _in_metrics(whole: Swept, killed: Swept) -> Iterator[str]:
    """Every metric of every line of every curve: a gap, a repetition or another order is a difference, too."""
    curves = [measured(sweep) for sweep in (whole, killed)]
    for number in sorted(curves[0].keys() & curves[1].keys()):
        steps = [[(line["epoch"], sorted(line)) for line in of_sweep[number]] for of_sweep in curves]
        yield from _differing(f"trial {number}: lines of the curve", *steps)
        for lines in zip(*(of_sweep[number] for of_sweep in curves), strict=False):
            for name in sorted(lines[0].keys() & lines[1].keys()):
                yield from _differing(
                    f"trial {number}: {name} after epoch {lines[0]['epoch']}", *(line[name] for line in lines)
                )


def _in_weights(whole: Swept, killed: Swept) -> Iterator[str]:
    for record in whole.records:
        files = [sweep.trial(record) / WEIGHTS for sweep in (whole, killed)]
        if all(file.exists() for file in files) and _tensors(files[0]) != _tensors(files[1]):
            yield f"trial {record.number}: other weights in {WEIGHTS}"


def _tensors(file: Path) -> tuple[dict[str, Any], bytes]:
    """Return what a file of safetensors says of its tensors, which it does in any order, and their bytes."""
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:start]), content[start:]


def _in_verdict(whole: Swept, killed: Swept) -> Iterator[str]:
    verdicts = [sweep.folder / "verdict.txt" for sweep in (whole, killed)]
    yield from _differing("verdict.txt", *(verdict.exists() and verdict.read_text() for verdict in verdicts))


def _in_files(whole: Swept, killed: Swept) -> Iterator[str]:
    names = [_names(sweep) for sweep in (whole, killed)]
    yield from (f"{name} is missing" for name in sorted(names[0] - names[1]))
    yield from (f"{name} is left over" for name in sorted(names[1] - names[0]))


def _names(sweep: Swept) -> set[str]:
    """Return all files of a sweep but its pictures, which are drawn where there is time, and last by a worker that is
    free: they are the only thing that a kill may cost."""
    files = {str(file.relative_to(sweep.folder)) for file in sweep.folder.rglob("*") if file.is_file()}
    return {name for name in files if not name.endswith(".png")}


def _in_mlflow(killed: Swept) -> Iterator[str]:
    """MLflow is held against the sweep's own folder, which is held against the other sweep's elsewhere."""
    client = connect(default_uri(killed.folder.parent))
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    found = [(run.info.run_name.split("-")[0], run.info.status) for run in runs if "sweeper.trial" in run.data.tags]
    expected = [(f"{record.number:04d}", STATUS.get(record.state)) for record in killed.records]
    yield from _differing("runs of trials", sorted(expected), sorted(found))
    parents = [run.info.status for run in runs if "sweeper.trial" not in run.data.tags]
    yield from _differing("parent runs", ["FINISHED"], parents)
    by_number = {record.number: record for record in killed.records}
    for run in runs:
        record = by_number.get(int(run.data.tags.get("sweeper.trial", -1)))
        expected_points = _points_of_parent(killed) if record is None else _points(killed, record)
        yield from _in_points(client, run, expected_points)


def _in_points(client: Any, run: Any, expected: dict[str, list[tuple[int, float]]]) -> Iterator[str]:
    for name in sorted(expected.keys() | run.data.metrics.keys()):
        history = client.get_metric_history(run.info.run_id, name)
        found = sorted((point.step, point.value) for point in history)
        if name in expected:
            yield from _differing(f"{run.info.run_name}: {name}", sorted(expected[name]), found)
        elif len({step for step, _ in found}) != len(found):
            yield f"{run.info.run_name}: {name} has a step twice"


def _points(sweep: Swept, record: TrialRecord) -> dict[str, list[tuple[int, float]]]:
    """Return what MLflow is to have of a trial, without times: an epoch that is trained again keeps its first ones."""
    points: dict[str, list[tuple[int, float]]] = {}
    for line in sweep.lines(record):
        for name in line["metrics"].keys() - TIMED:
            points.setdefault(name, []).append((line["epoch"], line["metrics"][name]))
    return points


def _points_of_parent(sweep: Swept) -> dict[str, list[tuple[int, float]]]:
    return {"trials/ended": [(step, float(step)) for step in range(1, len(sweep.records) + 1)]}


def _differing(what: str, expected: object, found: object) -> Iterator[str]:
    if expected != found:
        yield f"{what}: {_short(expected)} in the whole sweep, {_short(found)} in the one that was killed"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:150]} ... ({len(text)} characters)"
