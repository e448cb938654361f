"""Real sweeps that have ended, and what of two of them must be the same."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from calling import Ended

from sweeper.search import TrialRecord, read_records

OF_A_REAL_SWEEP = [
    pytest.mark.sweep,
    pytest.mark.xdist_group("ray"),
    # MLflow imports an alembic that still asks SQLAlchemy for it.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]

SEARCHED, FINALS = 8, 4
TRIALS = SEARCHED + FINALS
TRAINING_IMAGES = 1297
EPOCHS = 3
TIMED = {"images_per_second", "evaluation_share", "memory/resident"}
PICTURES = {"samples.png", "reconstructions.png", "interpolation.png", "latents.png"}


@dataclass(frozen=True)
class Swept:
    """A sweep that has ended."""

    ended: Ended
    folder: Path

    @property
    def records(self) -> list[TrialRecord]:
        return read_records(self.folder)

    def trial(self, record: TrialRecord) -> Path:
        return self.folder / "trials" / record.folder

    def lines(self, record: TrialRecord) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.trial(record) / "metrics.jsonl").read_text().splitlines()]


def the_only_sweep(home: Path) -> Path:
    (journal,) = home.glob("*/study.journal")
    return journal.parent


def run_facts(sweep: Swept) -> list[TrialRecord]:
    """Return the trials without the times at which they ran."""
    return [replace(record, started=None, ended=None, seconds=None) for record in sweep.records]


def measured(sweep: Swept) -> dict[int, list[dict[str, Any]]]:
    """Return every metric at every step of every trial, without those that measure time."""
    return {
        record.number: [
            {name: value for name, value in line["metrics"].items() if name not in TIMED}
            | {"epoch": line["epoch"], "images": line["images"]}
            for line in sweep.lines(record)
        ]
        for record in sweep.records
    }
