"""Ray Tune's two questions, answered by the sweep: which trial next (searcher), and does it go on (scheduler)."""

from collections.abc import Callable
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher
from ray.tune.stopper import Stopper

from sweeper.execution.deaths import loss_of
from sweeper.execution.dispatcher import Dispatcher
from sweeper.search import Decision
from sweeper.spec import Failures
from sweeper.training.job import RunFactory

Request = Callable[[str, int], dict[str, float]]
"""Says what a trial of an arm asks Ray for, with so many times its share."""


class Bridge:
    """What searcher and scheduler share: whose trial is whose, and the first exception of ours.

    Ray would wrap an exception raised in a callback and go on; kept here, it ends the sweep and reaches the user.
    """

    def __init__(self, dispatcher: Dispatcher, factory: RunFactory, failures: Failures, request: Request) -> None:
        self.dispatcher = dispatcher
        self.request = request
        self.factory = factory
        self.failures = failures
        self.numbers: dict[str, int] = {}
        self.room_wanted = False
        """Whether a trial with a larger share waits until enough of one machine is free."""
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
            if bridge.room_wanted:
                bridge.dispatcher.hold()
                return None
            job = bridge.dispatcher.next()
        except Exception as error:
            bridge.error = error
            return str(Searcher.FINISHED)
        if job is None:
            return None
        bridge.numbers[trial_id] = job.number
        request = bridge.request(bridge.dispatcher.arm(job.number), job.scale)
        return {"job": job, "factory": bridge.factory, "failures": bridge.failures, "request": request}

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
        self._bridge.room_wanted = any(trial.config["job"].scale > 1 for trial in waiting)
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
            bridge.dispatcher.take_loss(bridge.numbers[trial.trial_id], loss_of(trial))
        except Exception as error:
            bridge.error = bridge.error or error


class EndOnError(Stopper):  # type: ignore[misc]
    """Ends everything at once where the sweep cannot go on; epochs in work are repeated when it is resumed."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002 (Tune names them)
        """Say nothing of a single trial: the scheduler does."""
        return False

    def stop_all(self) -> bool:
        """Say whether there is an exception of ours."""
        return self._bridge.error is not None
