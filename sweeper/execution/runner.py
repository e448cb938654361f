"""A sweep from its specification to its last result: engine, tracking, and what is written at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sweeper.execution.collector import Collector
from sweeper.execution.dispatcher import Care, Dispatcher, Workplace
from sweeper.execution.listener import Listener
from sweeper.execution.ownership import Ownership
from sweeper.execution.ray_environment import set_switches
from sweeper.execution.signals import taken_for_ctrl_c
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


def run_sweep(
    spec: Spec,
    site: Site,
    factory: RunFactory,
    listener: Listener,
    conclude: Callable[[], None],
    ownership: Ownership,
) -> bool:
    """Run, or go on with, the sweep in its folder; return whether it has finished, and not been interrupted.

    ``conclude`` is called after the last trial of a finished sweep and before tracking ends, so that what it writes
    into the folder is tracked as well. Raises SweeperError where ``ownership`` of the folder is lost meanwhile.
    """
    tracking = None if site.tracking_uri is None else Tracking.start(site.folder, site.tracking_uri)
    outcome: Outcome = "failed"
    try:
        finished = _run_trials(spec, site, factory, listener, ownership)
        if finished:
            conclude()
        outcome = "finished" if finished else "interrupted"
        return finished
    except KeyboardInterrupt:
        outcome = "interrupted"
        return False
    except Exception:
        ownership.check()  # A sweep that is deleted or taken over fails in many ways, which this one line explains.
        raise
    finally:
        if tracking is not None and not tracking.finish(outcome):
            listener.warned(tracking.unsent)


def _run_trials(spec: Spec, site: Site, factory: RunFactory, listener: Listener, ownership: Ownership) -> bool:
    set_switches(site.address)
    # Importing Ray takes seconds: here, where a sweep begins, and not where the command line does.
    from sweeper.execution.session import ray_session

    settings = spec.settings
    # While it starts, Ray puts answers of its own to the signals that ask for an end.
    with ray_session(settings, site.address, site.folder / RAY_LOG) as capacity, taken_for_ctrl_c():
        # And Ray Tune more of them, in which Ray's idle processes finish starting.
        from sweeper.execution.ray_engine import run_on_ray

        place = Workplace(
            folder=site.folder,
            data_dir=site.data_dir,
            workers=capacity.workers(settings),
            device="cuda" if capacity.request(settings.resources)["GPU"] else "cpu",
            largest=capacity.largest(settings),
        )
        sweep = Sweep(spec, site.folder, place.workers)
        collector = Collector(site.folder, settings, sweep.records, listener.warned)
        collector.collect()
        care = Care(check=ownership.check, closed=collector.closed)
        dispatcher = Dispatcher(sweep, spec, place, listener, care)
        run_on_ray(dispatcher, factory, capacity, settings)
    ownership.check()
    collector.collect()
    return dispatcher.finished
