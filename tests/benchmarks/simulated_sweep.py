"""A large sweep on the simulator, and what its driver takes: processor time, memory, the journal that it writes."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from no_op_sweep import no_op_spec, quality

from sweeper.execution.collector import Collector
from sweeper.execution.dispatcher import Care, Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.execution.simulator import simulate
from sweeper.execution.stored_on_disk import OnDisk
from sweeper.search import Assignment, Decision, Report, Sweep
from sweeper.search.storage import JOURNAL
from sweeper.spec import Spec
from sweeper.training.job import Job, Outcome
from sweeper.training.simulated import SimulatedRun, Simulation

OTHER_METRICS = [f"val/part-{number}" for number in range(5)] + [f"train/part-{number}" for number in range(4)]
EPOCHS = 9


class Clock:
    """Adds up processor seconds of this process."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = time.process_time()
        try:
            yield
        finally:
            self.seconds += time.process_time() - began


class Workers:
    """Makes simulated runs, and counts what they take: on a cluster that is not the driver's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._simulation = Simulation(quality, other_metrics)

    def __call__(self, job: Job) -> "TimedRun":
        with self._clock.running():
            return TimedRun(self._simulation(job), self._clock)


class TimedRun:
    def __init__(self, run: SimulatedRun, clock: Clock) -> None:
        self._run = run
        self._clock = clock

    def advance(self) -> Outcome:
        with self._clock.running():
            return self._run.advance()

    def close(self) -> None:
        self._run.close()


def other_metrics(config: dict[str, Any], seed: int, epoch: int) -> dict[str, float]:
    """Return as many metrics beside the ranked one as a real trial has."""
    return dict.fromkeys(OTHER_METRICS, seed % 1000 / epoch)


@dataclass
class Driver(Silent):
    """A listener that notes after each result how long the driver has worked."""

    workers: Clock
    began: float = field(default_factory=time.process_time)
    seconds: list[float] = field(default_factory=list)

    def reported(self, assignment: Assignment, report: Report, decision: Decision) -> None:
        self.seconds.append(time.process_time() - self.began - self.workers.seconds)

    def per_result(self, part: slice) -> float:
        """Return milliseconds per result in a part of the sweep."""
        seconds = self.seconds[part]
        return 1000 * (seconds[-1] - seconds[0]) / (len(seconds) - 1)


@dataclass(frozen=True)
class Drive:
    """What one sweep took."""

    trials: int
    results: int
    milliseconds: float
    """Of the driver's processor per result."""
    early: float
    """The same in the second tenth of the results; at either end trials only begin, or only end."""
    late: float
    """The same in the last tenth but one."""
    memory: float
    """Most MiB that were resident."""
    changes: int
    """Changes of the journal: each is one write, one fsync, one request."""
    journal: int
    """Bytes of the journal in the end."""


def large_spec(trials: int, search: str) -> Spec:
    return no_op_spec(trials, EPOCHS, search=search)


def drive(spec: Spec, folder: Path, workers: int) -> Drive:
    """Run a sweep in ``folder`` with everything that a driver does but Ray; return what that took."""
    (folder / "trials").mkdir(parents=True)
    (folder / "sweep.yaml").write_text(spec.to_yaml())
    clock = Clock()
    listener = Driver(clock)
    sweep = Sweep(spec, folder, workers)
    collector = Collector(OnDisk(folder), spec.settings, sweep.trials, listener.warned)
    place = Workplace(folder, data_dir=None, workers=workers, device="cpu")
    simulate(Dispatcher(sweep, spec, place, listener, Care(closed=collector.closed)), Workers(clock))
    results = len(listener.seconds)
    return Drive(
        trials=len(sweep.trials()),
        results=results,
        milliseconds=listener.per_result(slice(None)),
        early=listener.per_result(slice(results // 10, 2 * results // 10)),
        late=listener.per_result(slice(8 * results // 10, 9 * results // 10)),
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        changes=sum(b'"more":true' not in line for line in (folder / JOURNAL).open("rb")),
        journal=(folder / JOURNAL).stat().st_size,
    )
