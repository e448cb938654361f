"""A sweep as a run in MLflow, the parent of its trials' runs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sweeper.search import TrialRecord
from sweeper.spec import Spec
from sweeper.tracking.content import LONGEST_VALUE, Content, Row, Status, existing, key, milliseconds
from sweeper.tracking.process import Outcome

SPECIFICATION = "sweep.yaml"
ARTIFACTS = (SPECIFICATION, "verdict.txt", "report.html", "best.yaml")
CLOCK = "trials/ended"
SWEEP_TAG = "sweeper.sweep"

_STATUS: dict[Outcome | None, Status] = {
    None: "RUNNING",
    "finished": "FINISHED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}


def sweep_content(
    spec: Spec, folder: Path, records: Sequence[TrialRecord], outcome: Outcome | None, sent: float = 0.0
) -> Content:
    """Return what the parent run is to say; ``outcome`` is ``None`` while a driver is at work.

    Rows before the one at ``sent``, the clock's latest value in MLflow, are left out.
    """
    rows = tuple(_rows(spec, records, sent))
    began = _moment_written(folder / SPECIFICATION)
    started = min((record.started for record in records if record.started), default=None)
    return Content(
        name=folder.name,
        tags=_tags(spec, folder.name, records),
        params={},
        rows=rows,
        clock=CLOCK,
        status=_STATUS[outcome],
        started=began if started is None else min(began, milliseconds(started)),
        ended=rows[-1].timestamp if rows else began,
        folder=folder,
        files=existing(folder, ARTIFACTS) if outcome else (),
    )


def _rows(spec: Spec, records: Sequence[TrialRecord], sent: float) -> Iterator[Row]:
    """Yield how the sweep stood after each trial that ended: its step is how many had ended by then.

    The row at ``sent`` and those after it; the last one in any case.
    """
    better = min if spec.settings.direction == "minimize" else max
    states: Counter[str] = Counter({"complete": 0, "pruned": 0, "failed": 0})
    best: dict[str, float] = {}
    ended = sorted((record.ended, record.number, record) for record in records if record.ended and record.finished)
    for step, (moment, _, record) in enumerate(ended, start=1):
        states[record.state] += 1
        if record.phase == "search" and record.state == "complete" and record.value is not None:
            best[record.arm] = better(best.get(record.arm, record.value), record.value)
        if step < min(sent, len(ended)):
            continue
        metrics = {key(f"best/{arm}"): value for arm, value in best.items()}
        metrics |= {f"trials/{state}": float(count) for state, count in states.items()}
        yield Row(step, milliseconds(moment), metrics | {CLOCK: float(step)})


def _tags(spec: Spec, name: str, records: Sequence[TrialRecord]) -> dict[str, str]:
    data = sorted({str(record.config.get("data", {}).get("name", "")) for record in records})
    tags = {
        SWEEP_TAG: name,
        "sweeper.digest": spec.digest,
        "sweeper.question": (spec.question or "")[:LONGEST_VALUE],
        "sweeper.data": ", ".join(data),
        "mlflow.note.content": (spec.question or "")[:LONGEST_VALUE],
    }
    return {tag: value for tag, value in tags.items() if value}


def _moment_written(path: Path) -> int:
    return round(path.stat().st_mtime * 1000)
