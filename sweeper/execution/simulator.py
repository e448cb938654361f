"""The engine for tests and forecasts: the same dispatcher, with time that is computed instead of waited for.

Every run is advanced in the order in which its epochs would end, so that parallel sweeps can be examined in
milliseconds and give the same answer every time.
"""

import heapq
from dataclasses import dataclass
from itertools import count

from sweeper.execution.dispatcher import Dispatcher
from sweeper.execution.losses import Loss
from sweeper.search import Decision
from sweeper.training.failing import failure_of
from sweeper.training.job import EpochResult, Job, Outcome, Run, RunFactory


class WorkerLostError(Exception):
    """What a run raises in place of the death of its process."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss.reason)
        self.loss = loss


@dataclass
class _Working:
    job: Job
    factory: RunFactory
    started: float
    run: Run | None = None

    def advance(self) -> Outcome | Loss:
        """Advance the run, which is made by then, as a worker does it."""
        try:
            if self.run is None:
                self.run = self.factory(self.job)
            return self.run.advance()
        except WorkerLostError as error:
            return error.loss
        except Exception as error:
            return failure_of(error, self.job.folder)

    def close(self) -> None:
        if self.run is not None:
            self.run.close()


def simulate(dispatcher: Dispatcher, factory: RunFactory) -> float:
    """Run every trial to its end; return the simulated seconds that the sweep took.

    A run's own ``seconds`` say how long its epochs last.
    """
    now, order = 0.0, count()
    queue: list[tuple[float, int, _Working, Outcome | Loss]] = []

    def push(working: _Working) -> None:
        pending = working.advance()
        seconds = pending.seconds if isinstance(pending, EpochResult) else 0.0
        heapq.heappush(queue, (working.started + seconds, next(order), working, pending))

    while True:
        while (job := dispatcher.next()) is not None:
            push(_Working(job, factory, now))
        if not queue:
            return now
        now, _, working, pending = heapq.heappop(queue)
        if isinstance(pending, Loss):
            dispatcher.take_loss(working.job.number, pending)
        elif dispatcher.take(working.job.number, pending) is Decision.CONTINUE:
            push(working)
        else:
            working.close()
            dispatcher.take_closed(working.job.number)
