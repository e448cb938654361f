"""A sweep from its specification to its last result: engine, tracking, and what is written at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sweeper.execution.dispatcher import Dispatcher, Workplace
from sweeper.execution.listener import Listener
from sweeper.search import Sweep
from sweeper.spec import Spec
from sweeper.tracking import Outcome, Tracking
from sweeper.training.job import RunFactory

RAY_LOG = "ray.log"


@dataclass(frozen=True)
class Site:
    """Where a sweep runs, apart from what it asks."""

    folder: Path
    data_dir: Path
    address: str | None
    """The Ray cluster to use; ``None`` starts a local one."""
    tracking_uri: str | None
    """The MLflow store or server; ``None`` tracks nothing."""


def run_sweep(spec: Spec, site: Site, factory: RunFactory, listener: Listener, conclude: Callable[[], None]) -> bool:
    """Run, or go on with, the sweep in its folder; return whether it has finished, and not been interrupted.

    ``conclude`` is called after the last trial of a finished sweep and before tracking ends, so that what it writes
    into the folder is tracked as well.
    """
    tracking = None if site.tracking_uri is None else Tracking.start(site.folder, site.tracking_uri)
    outcome: Outcome = "failed"
    try:
        finished = _run_trials(spec, site, factory, listener)
        if finished:
            conclude()
        outcome = "finished" if finished else "interrupted"
        return finished
    except KeyboardInterrupt:
        outcome = "interrupted"
        return False
    finally:
        if tracking is not None and not tracking.finish(outcome):
            listener.warned(tracking.unsent)


def _run_trials(spec: Spec, site: Site, factory: RunFactory, listener: Listener) -> bool:
    # Importing Ray takes seconds: here, where a sweep begins, and not where the command line does.
    from sweeper.execution.session import ray_session

    settings = spec.settings
    with ray_session(settings, site.address, site.folder / RAY_LOG) as capacity:
        # And Ray Tune more of them, in which Ray's idle processes finish starting.
        from sweeper.execution.ray_engine import run_on_ray

        place = Workplace(
            folder=site.folder,
            data_dir=site.data_dir,
            workers=capacity.workers(settings),
            device="cuda" if capacity.request(settings.resources)["gpu"] else "cpu",
        )
        dispatcher = Dispatcher(Sweep(spec, site.folder, place.workers), spec, place, listener)
        run_on_ray(dispatcher, factory, capacity, settings.resources)
        return dispatcher.finished
