"""A trial as a run in MLflow."""

import json
from collections.abc import Mapping
from pathlib import Path

from sweeper.curve_line import METRICS, Line
from sweeper.search import TrialRecord
from sweeper.tracking.content import LONGEST_VALUE, Content, Row, Status, existing, flatten, key, milliseconds
from sweeper.tracking.curve import read_curve
from sweeper.tracking.pictures import LOGGED_IMAGES, find_pictures

KINDS = ("samples", "reconstructions", "interpolation", "latents")
ARTIFACTS = ("config.yaml", *(f"{kind}.png" for kind in KINDS), "error.txt")
WEIGHTS = ("best/model.safetensors",)
"""Sent when a sweep has ended, and it is decided which trials keep theirs."""
CLOCK = "images"
TRIAL_TAG = "sweeper.trial"

_STATUS: dict[str, Status] = {"running": "RUNNING", "complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


def trial_content(record: TrialRecord, sweep_folder: Path, parent: str, *, over: bool) -> Content:
    """Return what the run of a trial that has begun is to say.

    ``over`` says that no driver is at work, so that a trial in the state running is one that was interrupted.
    """
    folder = sweep_folder / "trials" / record.folder
    curve, pictures = read_curve(folder / METRICS), find_pictures(folder)
    started = milliseconds(record.started) if record.started else 0
    return Content(
        name=record.folder,
        tags=_tags(record, sweep_folder.name, parent) | (LOGGED_IMAGES if pictures else {}),
        params=flatten(record.config),
        rows=tuple(map(_row, curve)),
        clock=CLOCK,
        status="KILLED" if over and not record.finished else _STATUS[record.state],
        started=started,
        ended=milliseconds(record.ended) if record.ended else max([started, *(line.timestamp for line in curve)]),
        folder=folder,
        files=existing(folder, ARTIFACTS + WEIGHTS if over else ARTIFACTS) if record.finished else (),
        pictures=pictures,
    )


def _row(line: Line) -> Row:
    """Return a line of the curve as metrics, the clock last: where it has arrived, the line has."""
    metrics = {key(name): value for name, value in line.metrics.items()}
    return Row(line.epoch, line.timestamp, metrics | {"seconds": line.seconds, CLOCK: float(line.images)})


def _tags(record: TrialRecord, sweep: str, parent: str) -> dict[str, str]:
    tags = {
        "mlflow.parentRunId": parent,
        "sweeper.sweep": sweep,
        TRIAL_TAG: str(record.number),
        "sweeper.arm": record.arm,
        "sweeper.phase": record.phase,
        "sweeper.seed": str(record.seed),
        "sweeper.config_hash": record.folder.rpartition("-")[2],
        "sweeper.data": str(record.config.get("data", {}).get("name", "")),
        "sweeper.state": record.state,
        "sweeper.source": "" if record.source is None else str(record.source),
        "sweeper.reason": (record.reason or "")[:LONGEST_VALUE],
        "sweeper.signs": ",".join(record.signs),
        **{key(f"sweeper.sign.{sign}"): reason[:LONGEST_VALUE] for sign, reason in record.signs.items()},
        **{key(f"sweeper.key.{metric}"): _parts(found.to_json()) for metric, found in record.keys.items()},
    }
    return {name: value for name, value in tags.items() if value}


def _parts(comparability_key: Mapping[str, str]) -> str:
    """Return those parts of a comparability key that matter to its metric, as JSON."""
    return json.dumps({part: value for part, value in comparability_key.items() if value})
