"""The engine for tests and forecasts: the same dispatcher, with time that is computed instead of waited for.

Every run is advanced in the order in which its epochs would end, so that parallel sweeps can be examined in
milliseconds and give the same answer every time.
"""

import heapq
from dataclasses import dataclass
from itertools import count

from sweeper.execution.dispatcher import Dispatcher
from sweeper.search import Decision
from sweeper.training.job import EpochResult, Failure, Job, Run, RunFactory


@dataclass
class _Working:
    job: Job
    run: Run
    started: float
    pending: EpochResult | Failure


def simulate(dispatcher: Dispatcher, factory: RunFactory) -> float:
    """Run every trial to its end; return the simulated seconds that the sweep took.

    A run's own ``seconds`` say how long its epochs last.
    """
    now, order = 0.0, count()
    queue: list[tuple[float, int, _Working]] = []

    def push(working: _Working) -> None:
        seconds = working.pending.seconds if isinstance(working.pending, EpochResult) else 0.0
        heapq.heappush(queue, (working.started + seconds, next(order), working))

    while True:
        while (job := dispatcher.next()) is not None:
            run = factory(job)
            push(_Working(job, run, now, _advance(run)))
        if not queue:
            return now
        now, _, working = heapq.heappop(queue)
        if dispatcher.take(working.job.number, working.pending) is Decision.CONTINUE:
            working.pending = _advance(working.run)
            push(working)
        else:
            working.run.close()
            dispatcher.take_closed(working.job.number)


def _advance(run: Run) -> EpochResult | Failure:
    try:
        return run.advance()
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}")
