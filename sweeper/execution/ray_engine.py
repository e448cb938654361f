"""The engine on Ray Tune: runs what the dispatcher hands out on as many workers as there are."""

import tempfile
from typing import Any

from ray import tune
from ray.tune.execution import tune_controller

from sweeper.execution.deaths import Actors
from sweeper.execution.dispatcher import Dispatcher
from sweeper.execution.tune_bridge import Bridge, EndOnError, Request, StudyScheduler, StudySearcher
from sweeper.execution.worker import Worker
from sweeper.spec import Failures
from sweeper.training.job import RunFactory

UNLIMITED = -1
"""Tune's word for "ask the searcher until it has finished"."""


def run_on_ray(dispatcher: Dispatcher, factory: RunFactory, request: Request, failures: Failures) -> None:
    """Run trials until the sweep has finished or Ctrl-C was pressed; raise what went wrong in the sweep itself.

    Tune installs its own handler for Ctrl-C and returns early after it, with the running epochs abandoned: their
    trials go on from their last checkpoints when the sweep is resumed.
    """
    bridge = Bridge(dispatcher, factory, failures, request)
    tune_controller.RayActorManager = Actors  # Tune has no parameter for it.

    # Tune keeps books of its own; none of them is needed once it has returned.
    with tempfile.TemporaryDirectory(prefix="sweeper-tune-") as books:
        tuner = tune.Tuner(
            tune.with_resources(Worker, _asked),
            tune_config=tune.TuneConfig(
                search_alg=StudySearcher(bridge),
                scheduler=StudyScheduler(bridge),
                num_samples=UNLIMITED,
                reuse_actors=True,
                trial_dirname_creator=lambda trial: str(trial.trial_id),
            ),
            run_config=tune.RunConfig(
                storage_path=books,
                name="sweep",
                verbose=0,
                stop=EndOnError(bridge),
                # Checkpoints are the trial's own.
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        tuner.fit()
    if bridge.error is not None:
        raise bridge.error


def _asked(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """Return what a trial asks for, as one machine's."""
    return tune.PlacementGroupFactory([config["request"]])
