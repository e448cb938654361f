"""Where the trials of a sweep go: found out when a connection to Ray is there, before the first of them begins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sweeper.errors import SweeperError
from sweeper.execution.capacity import Capacity
from sweeper.execution.cluster_machines import ClusterMachines
from sweeper.execution.dispatcher import Claim
from sweeper.execution.listener import Listener
from sweeper.execution.measuring import measure_on_ray
from sweeper.execution.placement import Placement, Seat
from sweeper.execution.shares import SHARES_FILE, Shares, with_shares
from sweeper.execution.site import Site
from sweeper.spec import Spec
from sweeper.spec.values import listed
from sweeper.training.forecast import largest_config


@dataclass(frozen=True)
class Place:
    """What trials ask for, of which machines."""

    placement: Placement
    """Every share of a GPU a number."""
    capacity: Capacity
    """What the machines had when the sweep began: whether there is a GPU for an arm is decided once."""
    machines: ClusterMachines | None
    """Those of a cluster, which come and go; ``None`` for a local Ray."""

    @property
    def workers(self) -> int:
        """How many trials run at once."""
        return self.capacity.workers(self.placement)

    @cached_property
    def seats(self) -> Mapping[str, Seat]:
        """What a trial of each arm has."""
        return {arm: self.capacity.seat(self.placement, arm) for arm in self.placement.arms}

    @property
    def has_room(self) -> Callable[[Sequence[Claim], Claim], bool] | None:
        """Whether there is room for a trial beside others; ``None`` where that is the same for all arms."""
        return None if self.placement.is_uniform else self._has_room

    def request(self, arm: str, scale: int) -> dict[str, float]:
        """Return what a trial asks Ray for."""
        return self.capacity.request(self.placement.arms[arm], scale)

    def _has_room(self, taken: Sequence[Claim], claim: Claim) -> bool:
        now = self.capacity if self.machines is None else self.machines.capacity
        return now.has_room([self.request(*one) for one in taken], self.request(*claim))


def placed(spec: Spec, site: Site, capacity: Capacity, listener: Listener) -> Place:
    """Return where trials go on what is connected to; what is found out is told, and kept with the sweep.

    Raises SweeperError where an accelerator is asked for that a local machine has not; a cluster may get it yet.
    """
    wanted = Placement.of(spec)
    _check(wanted, capacity, site.address, listener)
    if site.address is not None:
        capacity = ClusterMachines(wanted).first(listener.warned)
    placement = _measured(spec, site, wanted, capacity, listener)
    return Place(placement, capacity, None if site.address is None else ClusterMachines(placement))


def _measured(spec: Spec, site: Site, wanted: Placement, capacity: Capacity, listener: Listener) -> Placement:
    def largest(arm: str) -> Mapping[str, Any]:
        return largest_config(spec, arm, site.data_dir)

    def keep() -> None:
        if site.store is not None:
            site.store.send(SHARES_FILE, site.folder / SHARES_FILE)

    measure = measure_on_ray(spec.settings, capacity, site.data_dir)
    return with_shares(wanted, capacity, Shares(site.folder, keep), listener, largest, measure)


def _check(wanted: Placement, capacity: Capacity, address: str | None, listener: Listener) -> None:
    """Say where an accelerator is asked for by a name that no machine has."""
    missing = [name for name in wanted.accelerators if name not in capacity.accelerators]
    if not missing:
        return
    problem = f"sweep.resources: found accelerator {listed(missing)}; the machines have {listed(capacity.accelerators)}"
    if address is None:
        raise SweeperError(problem)
    listener.warned(f"{problem}; trials that ask for another one wait until a machine with it joins")
