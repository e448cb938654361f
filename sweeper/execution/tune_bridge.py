"""Ray Tune's two questions, answered by the sweep: which trial next (searcher), and does it go on (scheduler)."""

import re
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from sweeper.execution.dispatcher import Dispatcher
from sweeper.search import Decision
from sweeper.training.job import RunFactory


class Bridge:
    """What searcher and scheduler share: whose trial is whose, and the first exception of ours.

    Ray would wrap an exception raised in a callback and go on; kept here, it ends the sweep and reaches the user.
    """

    def __init__(self, dispatcher: Dispatcher, factory: RunFactory) -> None:
        self.dispatcher = dispatcher
        self.factory = factory
        self.numbers: dict[str, int] = {}
        self.error: Exception | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave everything out: Tune pickles what it was given in case someone restores it, and the study is that."""
        return {}


class StudySearcher(Searcher):  # type: ignore[misc]
    """Asks the sweep for the next trial."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the next job, ``None`` to be asked again, or that the sweep has finished."""
        bridge = self._bridge
        try:
            if bridge.error is not None or bridge.dispatcher.finished:
                return str(Searcher.FINISHED)
            job = bridge.dispatcher.next()
        except Exception as error:
            bridge.error = error
            return str(Searcher.FINISHED)
        if job is None:
            return None
        bridge.numbers[trial_id] = job.number
        return {"job": job, "factory": bridge.factory}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Do nothing: the scheduler has told the sweep already, before anything acted on it."""

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the study is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing: the study is the state."""


class StudyScheduler(FIFOScheduler):  # type: ignore[misc]
    """Tells the sweep every result, and stops what the sweep stops."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self._chosen: set[str] = set()

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the first trial that was not chosen yet, ``None`` where all were.

        Chosen again, a trial whose worker is still starting would take over one that has become free, and its own
        would be killed: with trials shorter than the start of a process, over and over.
        """
        numbers = self._bridge.numbers
        waiting = [trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING]
        fresh = [trial for trial in waiting if trial.trial_id not in self._chosen]
        first = min(fresh, key=lambda trial: numbers[trial.trial_id], default=None)
        if first is not None:
            self._chosen.add(first.trial_id)
        return first

    def on_trial_result(self, _controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Write the result down, then decide."""
        bridge = self._bridge
        try:
            if result["closed"] is not None:
                bridge.dispatcher.take_closed(result["closed"])
            decision = bridge.dispatcher.take(bridge.numbers[trial.trial_id], result["outcome"])
        except Exception as error:
            bridge.error = bridge.error or error
            return str(TrialScheduler.STOP)
        return str(TrialScheduler.CONTINUE if decision is Decision.CONTINUE else TrialScheduler.STOP)

    def on_trial_error(self, _controller: Any, trial: Trial) -> None:
        """Take in that the trial's process died; exceptions of the training itself come as results."""
        bridge = self._bridge
        try:
            bridge.dispatcher.take_loss(bridge.numbers[trial.trial_id], _reason(trial))
        except Exception as error:
            bridge.error = bridge.error or error


def _reason(trial: Trial) -> str:
    """Return in one line why a trial's process died: the exception that ended it, or what Ray has to say."""
    said = Path(trial.error_file).read_text().splitlines() if trial.error_file else []
    exceptions = [line for line in said if re.match(r"\w+(Error|Exception): ", line)]
    return (exceptions[-1:] or said[1:2] or ["its process died"])[0]
