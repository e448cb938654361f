"""One arm: its own study, its own sampler, its own halving, and its finals."""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from sweeper.search.assignment import Assignment, Phase
from sweeper.search.broken import why_broken
from sweeper.search.finals import finals_of
from sweeper.search.plan import Allowance
from sweeper.search.records import TrialRecord, study_records
from sweeper.search.running import Running
from sweeper.search.samplers import make_sampler
from sweeper.search.storage import PHASES, open_study
from sweeper.search.suggestions import suggester
from sweeper.seeds import derive_seed
from sweeper.spec import GridSearch, Spec


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
        seconds = sum(record.seconds or 0.0 for record in records)
        return seconds if self._allowance.seconds is not None else 0.0, len(records)

    def may_search(self) -> bool:
        """Say whether the arm's budget allows another search trial, and its trials so far are any reason to."""
        seconds, trials = self.spent()
        return self._allowance.allows(trials, seconds) and self.why_broken() is None

    def why_broken(self) -> str | None:
        """Return in one line why the arm begins no further search trial; ``None`` while not all of them failed."""
        limit = self._settings.failures.arm
        return why_broken(self.label, self.records("search"), limit, self._allowance.trials)

    def ask_search(self, number: int) -> Running:
        """Begin a search trial."""
        seed = derive_seed(self._settings.seed, "trial", number)
        study = self._studies["search"]
        study.enqueue_trial(self._grid_point(), user_attrs={"number": number, "seed": seed})
        study.sampler = self._sampler(seed)
        trial = study.ask()
        trial.set_user_attr("config", self._space.resolve(suggester(trial)).config)
        return self._running("search", trial, {})

    def ask_final(self) -> Running:
        """Begin the next final that waits."""
        trial = self._studies["finals"].ask()
        self._space.resolve(suggester(trial))  # For Optuna's own tools: a final's configuration is written already.
        return self._running("finals", trial, {})

    def adopt(self) -> list[Running]:
        """Return the trials that were running when an earlier driver of this sweep ended."""
        return [self._adopt(phase, frozen) for phase in PHASES for frozen in self._left_running(phase)]

    def finals_are_due(self) -> bool:
        """Say whether a final is to be begun, or to be planned."""
        return self.has_waiting_final() or bool(self._finals_to_plan())

    def plan_finals(self, number: int) -> None:
        """Enqueue those finals that are due and not yet written, numbered from ``number``."""
        for offset, (source, seed) in enumerate(self._finals_to_plan()):
            attributes = {"number": number + offset, "seed": seed, "source": source.number, "config": source.config}
            self._studies["finals"].enqueue_trial(source.parameters, user_attrs=attributes)

    def has_waiting_final(self) -> bool:
        """Say whether a final waits to be begun."""
        return any(record.state == "waiting" for record in self.records("finals"))

    def _finals_to_plan(self) -> list[tuple[TrialRecord, int]]:
        search = self.records("search")
        if self.may_search() or not all(record.finished for record in search):
            return []
        return finals_of(search, self.records("finals"), self._settings)

    def _left_running(self, phase: Phase) -> list[FrozenTrial]:
        return self._studies[phase].get_trials(deepcopy=False, states=[TrialState.RUNNING])

    def _adopt(self, phase: Phase, frozen: FrozenTrial) -> Running:
        # A trial's id is private to Optuna, and the only key by which it reopens a running trial.
        return self._running(phase, optuna.Trial(self._studies[phase], frozen._trial_id), frozen.intermediate_values)

    def _running(self, phase: Phase, trial: optuna.Trial, curve: Mapping[int, float]) -> Running:
        """Return what the study says of a trial that runs, for who trains it and who writes down what it comes to."""
        told = trial.user_attrs
        number, config, seed, scale = told["number"], told["config"], told["seed"], told.get("scale", 1)
        assignment = Assignment(number, self.label, phase, config, seed, scale)
        return Running(assignment, self._studies[phase], trial, dict(curve))

    def _sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        return make_sampler(self._settings.search, seed, derive_seed(self._settings.seed, "arm", self.label))

    def _grid_point(self) -> dict[str, Any]:
        """Return the first point of a grid that was not begun; for other ways to search nothing that is fixed."""
        if not isinstance(self._settings.search, GridSearch):
            return {}
        begun = [record.parameters for record in self.records("search")]
        return next(point for point in self._space.grid() if point not in begun)


def _bounded(allowance: Allowance, spec: Spec, label: str) -> Allowance:
    """Return the allowance, with no more trials than a grid has points."""
    if not isinstance(spec.settings.search, GridSearch):
        return allowance
    limits = [limit for limit in (spec.space(label).count(), allowance.trials) if limit is not None]
    return Allowance(min(limits), allowance.seconds)
