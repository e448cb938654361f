"""A sweep's folder with what trials leave in it, for collectors to work on."""

import os
from pathlib import Path

from support.sweeps import make_spec

from sweeper.execution.collector import Collector
from sweeper.execution.stored_on_disk import OnDisk
from sweeper.search import TrialRecord
from sweeper.spec import Checkpoints, SweepSettings

WEIGHTS, STATE, NUMBERS = 1000, 2000, 50
OTHERS = {"config.yaml", "metrics.jsonl", "pictures/samples/0001.png", "best.yaml", "last.txt"}
BEST_FILES = {"best/model.safetensors"}
LAST_FILES = {"last/model.safetensors", "last/state.safetensors", "last/state.json"}
EVERYTHING = BEST_FILES | LAST_FILES
SPEC = make_spec()


def policy(**checkpoints: object) -> SweepSettings:
    return SPEC.settings.model_copy(update={"checkpoints": Checkpoints(**checkpoints)})


def fill(folder: Path) -> None:
    """Write into a trial's folder what training leaves there."""
    for name in OTHERS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    leave_checkpoints(folder)


def leave_checkpoints(folder: Path) -> None:
    """Write checkpoints of which the weights, those of the last epoch, are one file under two names."""
    for part in ("best", "last"):
        (folder / part).mkdir()
    for name, size in {"model.safetensors": WEIGHTS, "state.safetensors": STATE, "state.json": NUMBERS}.items():
        (folder / "last" / name).write_bytes(bytes(size))
    os.link(folder / "last" / "model.safetensors", folder / "best" / "model.safetensors")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


class Folder:
    """A sweep's folder with the trials that it is given, and a collector for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[TrialRecord] = []
        self.warnings: list[str] = []

    def add(self, *records: TrialRecord) -> None:
        for record in records:
            self.records.append(record)
            self.trial(record.number).mkdir(parents=True)
            fill(self.trial(record.number))

    def trial(self, number: int) -> Path:
        return self.path / "trials" / next(record.folder for record in self.records if record.number == number)

    def collector(self, settings: SweepSettings) -> Collector:
        return Collector(OnDisk(self.path), settings, lambda: self.records, self.warnings.append)

    def held(self) -> dict[int, set[str]]:
        """Return by trial the checkpoints that are there; everything else has to be there."""
        found = {record.number: files(self.trial(record.number)) for record in self.records}
        assert all(names >= OTHERS for names in found.values())
        return {number: names - OTHERS for number, names in found.items()}
