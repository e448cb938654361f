"""One arm: its own study, its own sampler, its own halving, and its finals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from sweeper.search.assignment import Assignment, Phase
from sweeper.search.finals import finals_of
from sweeper.search.plan import Allowance
from sweeper.search.records import TrialRecord, study_records
from sweeper.search.samplers import make_sampler
from sweeper.search.storage import PHASES, open_study
from sweeper.search.suggestions import suggester
from sweeper.seeds import derive_seed
from sweeper.spec import GridSearch, Spec


@dataclass(frozen=True)
class Asked:
    """A trial in work: what the worker was told, and where its results are written."""

    assignment: Assignment
    study: optuna.Study
    trial: optuna.Trial
    curve: dict[int, float]
    """The metric by images seen, as far as it is written."""


class Arm:
    """Asks the studies of one arm for trials. What the trials come to is told elsewhere."""

    def __init__(self, spec: Spec, label: str, storage: BaseStorage, allowance: Allowance) -> None:
        self.label = label
        self._settings = spec.settings
        self._space = spec.space(label)
        self._allowance = _bounded(allowance, spec, label)
        direction = spec.settings.direction
        self._studies: dict[Phase, optuna.Study] = {
            phase: open_study(storage, phase, label, direction) for phase in ("search", "finals")
        }

    def records(self, phase: Phase) -> list[TrialRecord]:
        """Return the trials of a phase so far."""
        return study_records(self._studies[phase], phase, self.label)

    def spent(self) -> tuple[float, int]:
        """Return the seconds and the number of the search trials begun; the arm that spent least is next."""
        records = self.records("search")
        return (sum(map(_seconds, records)) if self._allowance.seconds is not None else 0.0), len(records)

    def may_search(self) -> bool:
        """Say whether the arm's budget allows another search trial."""
        seconds, trials = self.spent()
        return self._allowance.allows(trials, seconds)

    def ask_search(self, number: int) -> Asked:
        """Begin a search trial.

        Number and seed are written before the sampler is asked, so that a kill in between leaves a trial that a
        resumed sweep can tell apart and finish asking for.
        """
        seed = derive_seed(self._settings.seed, "trial", number)
        study = self._studies["search"]
        study.enqueue_trial(self._grid_point(), user_attrs={"number": number, "seed": seed})
        study.sampler = self._sampler(seed)
        return self._asked("search", study.ask(), {})

    def ask_final(self) -> Asked:
        """Begin the next final that waits."""
        return self._asked("finals", self._studies["finals"].ask(), {})

    def adopt(self) -> list[Asked]:
        """Return the trials that were running when an earlier driver of this sweep ended."""
        return [self._adopt(phase, frozen) for phase in PHASES for frozen in self._left_running(phase)]

    def plan_finals(self, number: int) -> int:
        """Enqueue those finals that are due and not yet written, numbered from ``number``; return how many."""
        if self._settings.finals is None or not self._search_is_over():
            return 0
        due = finals_of(self.records("search"), self.records("finals"), self._settings)
        for offset, (source, seed) in enumerate(due):
            attributes = {"number": number + offset, "seed": seed, "source": source.number, "config": source.config}
            self._studies["finals"].enqueue_trial(source.parameters, user_attrs=attributes)
        return len(due)

    def has_waiting_final(self) -> bool:
        """Say whether a final waits to be begun."""
        return any(record.state == "waiting" for record in self.records("finals"))

    def _left_running(self, phase: Phase) -> list[FrozenTrial]:
        return self._studies[phase].get_trials(deepcopy=False, states=[TrialState.RUNNING])

    def _adopt(self, phase: Phase, frozen: FrozenTrial) -> Asked:
        study = self._studies[phase]
        study.sampler = self._sampler(frozen.user_attrs["seed"])
        # A trial's id is private to Optuna, and the only key by which it reopens a running trial.
        return self._asked(phase, optuna.Trial(study, frozen._trial_id), frozen.intermediate_values)

    def _sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        return make_sampler(self._settings.search, seed, derive_seed(self._settings.seed, "arm", self.label))

    def _asked(self, phase: Phase, trial: optuna.Trial, curve: Mapping[int, float]) -> Asked:
        """Ask ``trial`` for its values, write down the configuration they make, and say what a worker is to do."""
        attributes = trial.user_attrs
        config = self._space.resolve(suggester(trial)).config
        if "config" not in attributes:
            trial.set_user_attr("config", config)
        assignment = Assignment(attributes["number"], self.label, phase, config, attributes["seed"])
        return Asked(assignment, self._studies[phase], trial, dict(curve))

    def _search_is_over(self) -> bool:
        return not self.may_search() and all(record.finished for record in self.records("search"))

    def _grid_point(self) -> dict[str, Any]:
        if not isinstance(self._settings.search, GridSearch):
            return {}
        begun = len(self.records("search"))
        return next(islice(self._space.grid(), begun, None))


def _bounded(allowance: Allowance, spec: Spec, label: str) -> Allowance:
    """Return the allowance, with no more trials than a grid has points."""
    if not isinstance(spec.settings.search, GridSearch):
        return allowance
    limits = [limit for limit in (spec.space(label).count(), allowance.trials) if limit is not None]
    return Allowance(min(limits), allowance.seconds)


def _seconds(record: TrialRecord) -> float:
    if record.started is None:
        return 0.0
    return ((record.ended or datetime.now()) - record.started).total_seconds()
