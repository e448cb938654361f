"""The machines of a Ray cluster: for how many trials they have room at the moment, and the wish for more of them."""

import math
import time
from collections.abc import Callable, Mapping

from sweeper.execution.capacity import Capacity, asked
from sweeper.execution.demand import Demand
from sweeper.execution.placement import Placement, gpus_of
from sweeper.execution.session import present

LOOK_SECONDS = 2.0


class ClusterMachines:
    """See `Machines`. The cluster is looked at every few seconds: nodes join, leave, and are about to leave."""

    def __init__(
        self,
        placement: Placement,
        look: Callable[[], Capacity] = present,
        demand: Demand | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._placement = placement
        self._look = look
        self._demand = demand or Demand()
        self._clock = clock
        self._most = math.inf if placement.workers == "auto" else placement.workers
        self._looked = self._asked = clock()
        self._see()

    def first(self, tell: Callable[[str], None], pause: Callable[[float], None] = time.sleep) -> Capacity:
        """Return what the machines have, once there is one that can run a trial; where that takes waiting, tell."""
        if self._fitting:
            return self.capacity
        tell("no machine of the cluster can run a trial; waiting for one")
        fitting = 0
        while not fitting:
            self._demand.put(1, self._share)
            pause(LOOK_SECONDS)
            fitting = self._see()
        self._demand.put(0, self._share)
        return self.capacity

    def room(self) -> int:
        """Return how many trials may be at work now."""
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._looked = self._clock()
            self._see()
        return int(max(1, min(self._fitting, self._most)))

    def ask(self, waiting: Callable[[], float]) -> None:
        """Have more machines started, up to `sweep.workers` trials at once."""
        if self._clock() - self._asked >= LOOK_SECONDS:
            self._asked = self._clock()
            self._demand.put(min(waiting(), self._most - self.room()), self._share)

    def _see(self) -> int:
        """Look at the machines; return how many trials fit on them at once."""
        self.capacity = self._look()
        self._fitting = self.capacity.fits(self._placement)
        return self._fitting

    @property
    def _share(self) -> Mapping[str, float]:
        """What a trial is given, of the arm that asks for most.

        While there is no machine to say how much it has at most, that is what the sweep file says.
        """
        resources = max(self._placement.arms.values(), key=lambda one: (gpus_of(one), one.cpu))
        return self.capacity.request(resources) if self._fitting else asked(resources)
