"""A sweep from its specification to its last result: engine, tracking, and what is written at the end."""

from collections.abc import Callable

from sweeper.execution.collector import Collector
from sweeper.execution.dispatcher import Care, Dispatcher, Workplace
from sweeper.execution.listener import Listener
from sweeper.execution.ownership import Ownership
from sweeper.execution.placement import Placement
from sweeper.execution.ray_environment import set_switches
from sweeper.execution.signals import taken_for_ctrl_c
from sweeper.execution.site import Site
from sweeper.execution.stored_snapshots import stored_trials
from sweeper.search import Sweep
from sweeper.spec import Spec
from sweeper.tracking import Outcome, Tracking
from sweeper.training.job import RunFactory

RAY_LOG = "ray.log"


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
    tracking = None if site.tracking_uri is None else Tracking.start(site.folder, site.tracking_uri, site.store)
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

    # While it starts, Ray puts answers of its own to the signals that ask for an end.
    with ray_session(Placement.of(spec), site.address, site.folder / RAY_LOG) as capacity, taken_for_ctrl_c():
        # And Ray Tune more of them, in which Ray's idle processes finish starting.
        from sweeper.execution.placing import placed
        from sweeper.execution.ray_engine import run_on_ray

        place = placed(spec, site, capacity, listener)
        workplace = Workplace(
            folder=site.folder,
            store=None if site.store is None else site.store.url,
            data_dir=site.data_dir,
            workers=place.workers,
            machines=place.machines,
            seats=place.seats,
            has_room=place.has_room,
        )
        sweep = Sweep(spec, site.folder, place.workers, site.replica)
        collector = Collector(stored_trials(site.folder, site.store), spec.settings, sweep.trials, listener.warned)
        collector.collect()
        care = Care(check=ownership.check, closed=collector.closed)
        dispatcher = Dispatcher(sweep, spec, workplace, listener, care)
        run_on_ray(dispatcher, factory, place.request, spec.settings.failures)
    ownership.check()
    collector.collect()
    return dispatcher.finished
