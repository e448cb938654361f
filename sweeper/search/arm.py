"""One arm: its own study, its own sampler, its own halving, and its finals."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from sweeper.search.assignment import Assignment, Phase
from sweeper.search.broken import why_broken
from sweeper.search.finals import finalists, finals_of
from sweeper.search.plan import Allowance
from sweeper.search.records import TrialRecord, record_of
from sweeper.search.roster import Roster
from sweeper.search.running import Running
from sweeper.search.samplers import make_sampler
from sweeper.search.storage import PHASES, open_study
from sweeper.search.suggestions import suggester
from sweeper.seeds import derive_seed
from sweeper.spec import GridSearch, Spec


class Arm:
    """Asks the studies of one arm for trials. What the trials come to is told elsewhere."""

    def __init__(self, spec: Spec, label: str, storage: BaseStorage, allowance: Allowance, roster: Roster) -> None:
        """Read the trials that the arm has had, and keep them up to date in ``roster`` as well, that of all arms."""
        self.label = label
        self._settings = spec.settings
        self._space = spec.space(label)
        self._storage = storage
        self._allowance = _bounded(allowance, spec, label)
        direction = spec.settings.direction
        self._studies: dict[Phase, optuna.Study] = {
            phase: open_study(storage, phase, label, direction) for phase in PHASES
        }
        self._all = roster
        self._rosters: dict[Phase, Roster] = {phase: Roster() for phase in PHASES}
        for phase in PHASES:
            self._take_all(phase)
        self._points: Iterator[dict[str, Any]] | None = None
        """Those of a grid that no trial has begun."""
        self._finalists: list[TrialRecord] | None = None
        """Who is trained again; known, and not to change any more, when the search is over."""

    def take(self, running: Running) -> None:
        """Take in what was written down of a trial in work."""
        # A trial's id is private to Optuna, and the only key by which it gives a trial alone.
        self._take(running.assignment.phase, self._storage.get_trial(running.trial._trial_id))

    def spent(self) -> tuple[float, int]:
        """Return the seconds and the number of the search trials begun; the arm that spent least is next."""
        search = self._rosters["search"]
        return search.seconds if self._allowance.seconds is not None else 0.0, len(search.records)

    def may_search(self) -> bool:
        """Say whether the arm's budget allows another search trial, and its trials so far are any reason to."""
        seconds, trials = self.spent()
        return self._allowance.allows(trials, seconds) and self.why_broken() is None

    def why_broken(self) -> str | None:
        """Return in one line why the arm begins no further search trial; ``None`` while not all of them failed."""
        limit = self._settings.failures.arm
        return why_broken(self.label, self._records("search"), limit, self._allowance.trials)

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

    def due(self) -> float:
        """Return how many trials could begin now; infinity where a budget of time is not spent."""
        if self.may_search():
            return self._allowance.left(self.spent()[1])
        return sum(record.state == "waiting" for record in self._records("finals")) + len(self._finals_to_plan())

    def finals_are_due(self) -> bool:
        """Say whether a final is to be begun, or to be planned."""
        return self.has_waiting_final() or bool(self._finals_to_plan())

    def plan_finals(self, number: int) -> None:
        """Enqueue those finals that are due and not yet written, numbered from ``number``."""
        due = self._finals_to_plan()
        for offset, (source, seed) in enumerate(due):
            attributes = {"number": number + offset, "seed": seed, "source": source.number, "config": source.config}
            self._studies["finals"].enqueue_trial(source.parameters, user_attrs=attributes)
        if due:
            self._take_all("finals")

    def has_waiting_final(self) -> bool:
        """Say whether a final waits to be begun."""
        return any(record.state == "waiting" for record in self._records("finals"))

    def _finals_to_plan(self) -> list[tuple[TrialRecord, int]]:
        if self.may_search() or not self._rosters["search"].all_finished:
            return []
        if self._finalists is None:
            self._finalists = finalists(self._records("search"), self._settings)
        return finals_of(self._finalists, self._records("finals"), self._settings)

    def _records(self, phase: Phase) -> Sequence[TrialRecord]:
        return self._rosters[phase].records

    def _take_all(self, phase: Phase) -> None:
        for trial in self._studies[phase].get_trials(deepcopy=False):
            self._take(phase, trial)

    def _take(self, phase: Phase, trial: FrozenTrial) -> None:
        record = record_of(trial, phase, self.label)
        self._rosters[phase].take(record)
        self._all.take(record)

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
        running = Running(assignment, self._studies[phase], trial, dict(curve))
        self.take(running)
        return running

    def _sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        return make_sampler(self._settings.search, seed, derive_seed(self._settings.seed, "arm", self.label))

    def _grid_point(self) -> dict[str, Any]:
        """Return the first point of a grid that was not begun; for other ways to search nothing that is fixed."""
        if not isinstance(self._settings.search, GridSearch):
            return {}
        if self._points is None:
            begun = {frozenset(record.parameters.items()) for record in self._records("search")}
            self._points = (point for point in self._space.grid() if frozenset(point.items()) not in begun)
        return next(self._points)


def _bounded(allowance: Allowance, spec: Spec, label: str) -> Allowance:
    """Return the allowance, with no more trials than a grid has points."""
    if not isinstance(spec.settings.search, GridSearch):
        return allowance
    limits = [limit for limit in (spec.space(label).count(), allowance.trials) if limit is not None]
    return Allowance(min(limits), allowance.seconds)
