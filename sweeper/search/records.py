"""Trials as the study remembers them: frozen, typed, and the same for the table, the verdict and MLflow."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from sweeper.comparability import Key
from sweeper.search.assignment import Phase, trial_folder
from sweeper.search.storage import PHASES, read_storage, readable, study_name
from sweeper.spec.values import KEY

State = Literal["waiting", "running", "complete", "pruned", "failed"]

_STATES: dict[TrialState, State] = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class TrialRecord:
    """One trial of a sweep."""

    number: int
    arm: str
    phase: Phase
    state: State
    parameters: dict[str, Any]
    config: dict[str, Any]
    seed: int
    curve: tuple[tuple[int, float], ...]
    """The validation metric after each epoch, with the number of images seen until then."""
    value: float | None
    """The best validation metric of a complete trial, the last one of a pruned trial."""
    source: int | None
    """The number of the search trial whose configuration a final repeats."""
    test: dict[str, float]
    """Metrics on the test set; only finals have any."""
    reason: str | None
    """Why the trial was stopped early or failed."""
    started: datetime | None
    ended: datetime | None
    measured: dict[str, float] = field(default_factory=dict)
    """Everything measured on validation in the epoch with the best value so far."""
    keys: dict[str, Key] = field(default_factory=dict)
    """The comparability keys of its metrics, on validation and on test: whose values may be ranked against these."""
    signs: dict[str, str] = field(default_factory=dict)
    """What went wrong in training, by the name of the sign, each with the rule and the value that show it."""
    images_per_epoch: int | None = None
    """The size of the training split; ``None`` before the first measurement."""
    seconds: float | None = None
    """Seconds of training and evaluation until the last measurement, whatever the clock said; ``None`` before it."""
    scale: int = 1
    """How many times the share of `sweep.resources` the trial had in the end."""

    @property
    def folder(self) -> str:
        """The name of the trial's folder under ``trials/``."""
        return trial_folder(self.number, self.arm, self.config)

    @property
    def epochs(self) -> int:
        """The epochs trained until the last measurement."""
        return self.epoch_at(self.curve[-1][0]) if self.curve else 0

    def epoch_at(self, images: int) -> int:
        """Return the epoch after which so many images had been seen."""
        return images // (self.images_per_epoch or self.curve[0][0])

    @property
    def begun(self) -> bool:
        """Whether the trial was handed out; one that was not can be asked for again."""
        return self.state != "waiting" and bool(self.config)

    @property
    def finished(self) -> bool:
        """Whether the trial has its last state."""
        return self.state in ("complete", "pruned", "failed")


def record_of(trial: FrozenTrial, phase: Phase, arm: str) -> TrialRecord:
    """Return what an Optuna trial of one of our studies says.

    Raises LookupError, TypeError or ValueError where it is the trial of somebody else's study.
    """
    attributes = trial.user_attrs
    return TrialRecord(
        number=_counted(attributes["number"]),
        arm=arm,
        phase=phase,
        state=_STATES[trial.state],
        parameters=dict(trial.params),
        config=dict(attributes.get("config", {})),
        seed=_counted(attributes["seed"]),
        curve=tuple(sorted((step, float(value)) for step, value in trial.intermediate_values.items())),
        value=trial.value,
        source=attributes.get("source"),
        test=dict(attributes.get("test", {})),
        measured=dict(attributes.get("measured", {})),
        keys={metric: Key.from_json(parts) for metric, parts in attributes.get("keys", {}).items()},
        signs=dict(attributes.get("signs", {})),
        images_per_epoch=attributes.get("images_per_epoch"),
        seconds=attributes.get("seconds"),
        scale=attributes.get("scale", 1),
        reason=attributes.get("reason"),
        started=trial.datetime_start,
        ended=trial.datetime_complete,
    )


def _counted(number: object) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ValueError(f"found {number!r}; must be an integer >= 0")
    return number


def study_records(study: optuna.Study, phase: Phase, arm: str) -> list[TrialRecord]:
    """Return the trials of one study, in the order in which they were begun."""
    return [record_of(trial, phase, arm) for trial in study.get_trials(deepcopy=False)]


def read_records(folder: Path) -> list[TrialRecord]:
    """Return every trial of the sweep in ``folder``, by number; see `RecordReader.read`."""
    return RecordReader(folder).read()


class RecordReader:
    """Reads a sweep that is being written: each call of ``read`` takes in only what is new in the journal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._storage = read_storage(folder)
        self._known: dict[tuple[Phase, str, int], tuple[FrozenTrial, TrialRecord]] = {}
        """The records made so far. A journal's storage gives a trial that has changed as another object."""

    def read(self) -> list[TrialRecord]:
        """Return every trial so far, by number; raise SweeperError where the journal is none of a sweep's."""
        with readable(self._folder):
            records = [record for phase, arm in self._studies() for record in self._records(phase, arm)]
        return sorted(records, key=lambda record: record.number)

    def _studies(self) -> list[tuple[Phase, str]]:
        names = {study.study_name for study in self._storage.get_all_studies()}
        parted = [name.partition("/") for name in sorted(names)]
        return [(phase, _label(arm)) for phase in PHASES for found, _, arm in parted if found == phase]

    def _records(self, phase: Phase, arm: str) -> list[TrialRecord]:
        study = optuna.load_study(study_name=study_name(phase, arm), storage=self._storage)
        return [self._record(trial, phase, arm) for trial in study.get_trials(deepcopy=False)]

    def _record(self, trial: FrozenTrial, phase: Phase, arm: str) -> TrialRecord:
        key = phase, arm, trial.number
        known, record = self._known.get(key, (None, None))
        if record is None or known is not trial:
            record = record_of(trial, phase, arm)
            self._known[key] = trial, record
        return record


def _label(arm: str) -> str:
    """Return the label of an arm, which names folders, as it is."""
    if not re.fullmatch(KEY, arm):
        raise ValueError(f"found the arm {arm!r}; must be 1 to 64 letters, digits, _ or -")
    return arm
