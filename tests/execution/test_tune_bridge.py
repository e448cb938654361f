"""Protects what Ray Tune is answered where the order in which trials begin, or end, is not Tune's own affair."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune.experiment import Trial
from ray.tune.search import Searcher
from support.sweeps import make_spec

from sweeper.errors import SweeperError
from sweeper.execution.deaths import Actors
from sweeper.execution.dispatcher import Care, Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.execution.tune_bridge import Bridge, EndOnError, StudyScheduler, StudySearcher
from sweeper.search import Sweep
from sweeper.training.job import Failure, Job


class Controller:
    """What Tune would tell of its trials."""

    def __init__(self) -> None:
        self.trials: list[Any] = []

    def get_live_trials(self) -> list[Any]:
        return self.trials

    def add(self, trial_id: str, config: dict[str, Any]) -> Any:
        self.trials.append(SimpleNamespace(trial_id=trial_id, config=config, status=Trial.PENDING))
        return self.trials[-1]


@pytest.fixture
def lost() -> list[Exception]:
    """The exceptions that the sweep meets from now on when it is asked for something."""
    return []


@pytest.fixture
def bridge(tmp_path: Path, lost: list[Exception]) -> Bridge:
    """A bridge to a sweep of three workers."""

    def check() -> None:
        for error in lost:
            raise error

    def request(_arm: str, scale: int) -> dict[str, float]:
        return {"CPU": 1.0 * scale}

    spec = make_spec(stopping="none", finals=None)
    (tmp_path / "trials").mkdir()
    place = Workplace(tmp_path, data_dir=None, workers=3, device="cpu", largest=2)
    dispatcher = Dispatcher(Sweep(spec, tmp_path, 3), spec, place, Silent(), Care(check=check))
    return Bridge(dispatcher, lambda job: None, spec.settings.failures, request)  # type: ignore[arg-type, return-value]


def suggested(bridge: Bridge, trial_id: str) -> dict[str, Any]:
    config = StudySearcher(bridge).suggest(trial_id)
    assert isinstance(config, dict)
    return config


def test_nothing_begins_while_a_larger_share_waits_for_its_machine(bridge: Bridge) -> None:
    """Cores that are free may be those of different machines, and a small trial would take one of them again."""
    controller, scheduler, searcher = Controller(), StudyScheduler(bridge), StudySearcher(bridge)
    small: Job = suggested(bridge, "a")["job"]
    bridge.dispatcher.take(small.number, Failure("out of memory", "out_of_memory"))
    larger = controller.add("b", suggested(bridge, "b"))
    assert larger.config["job"].scale == 2
    assert scheduler.choose_trial_to_run(controller) is larger
    assert searcher.suggest("c") is None
    larger.status = Trial.RUNNING
    assert scheduler.choose_trial_to_run(controller) is None
    assert suggested(bridge, "c")["job"].scale == 1


def test_where_the_sweep_cannot_go_on_everything_ends(bridge: Bridge, lost: list[Exception]) -> None:
    end = EndOnError(bridge)
    suggested(bridge, "a")
    assert not end.stop_all()
    lost.append(SweeperError("another driver has taken over"))
    assert StudySearcher(bridge).suggest("b") == Searcher.FINISHED
    assert bridge.error is lost[0]
    assert end.stop_all()
    assert not end("a", {})


def test_a_worker_killed_for_its_memory_is_one_that_died(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray Tune's own manager of workers takes Ray's exception for impossible, and ends everything for it."""
    seen: list[Exception] = []
    own = Actors.__mro__[1]
    monkeypatch.setattr(own, "_actor_task_failed", lambda self, tracked_actor_task, exception: seen.append(exception))
    Actors._actor_task_failed(object.__new__(Actors), tracked_actor_task=None, exception=OutOfMemoryError("5 GiB"))
    (exception,) = seen
    assert isinstance(exception, RayActorError)
    assert str(exception) == "5 GiB"
