"""What a Ray cluster has, and how many trials it has room for."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sweeper.execution.placement import Placement, Seat, gpus_of
from sweeper.spec import Resources
from sweeper.spec.accelerators import ANY

Request = Mapping[str, float]
"""What a trial asks Ray for, in Ray's units."""

ACCELERATOR = "accelerator_type:"
"""How the names of those resources begin by which Ray tells kinds of accelerators apart."""
TRACE = 0.001
"""Of which a machine has 1, and a trial takes, as Ray's own `accelerator_type` does, too little to be ever used up."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Capacity:
    """Machines, each given by what it has in Ray's units."""

    machines: tuple[Mapping[str, float], ...]

    @classmethod
    def of(cls, machines: Iterable[Mapping[str, float]]) -> Self:
        """Return the capacity of machines."""
        return cls(tuple(machines))

    @property
    def accelerators(self) -> tuple[str, ...]:
        """The kinds of accelerators that there are, by Ray's names, sorted."""
        named = {kind.removeprefix(ACCELERATOR) for machine in self.machines for kind in machine if _names(kind)}
        return tuple(sorted(named))

    def request(self, resources: Resources, scale: int = 1) -> dict[str, float]:
        """Return what a trial asks Ray for that has so many times the share of ``resources``.

        That is a share of a GPU only where there is one, unless it is asked for by its kind; and never more than a
        machine has, for which Ray would wait for ever.
        """
        request, largest = asked(resources, scale), self._largest(resources)
        if largest is None:
            return request
        return request | {kind: min(largest.get(kind, 0.0), request[kind]) for kind in ("CPU", "GPU")}

    def seat(self, placement: Placement, arm: str) -> Seat:
        """Return what a trial of an arm has: the whole memory of a GPU at most, or that of a machine.

        Memory of a machine is nobody's in particular: a trial has more of it as there are fewer beside it.
        """
        resources = placement.arms[arm]
        if self.request(resources)["GPU"]:
            return Seat("cuda", max(1, math.ceil(1 / gpus_of(resources))))
        largest = self._largest(resources) or {}
        cores = math.ceil(largest.get("CPU", 0.0) / resources.cpu)
        return Seat("cpu", max(1, min(self.workers(placement), cores)))

    def workers(self, placement: Placement) -> int:
        """Return how many trials run at once: as many as fit, or as the sweep file says."""
        return max(1, self.fits(placement)) if placement.workers == "auto" else placement.workers

    def fits(self, placement: Placement) -> int:
        """Return how many trials fit at once: of all arms, those with a GPU first, or of one alone if that is more."""
        requests = [self.request(resources) for resources in placement.arms.values()]
        mixed = sorted(requests, key=lambda request: -request["GPU"])
        return max(self._count(mix) for mix in (mixed, *([request] for request in requests)))

    def has_room(self, taken: Iterable[Request], request: Request) -> bool:
        """Say whether a machine has room for a request beside those that are taken, as far as these have found any."""
        # Machines with GPUs last, which is where Ray, too, puts what needs none.
        free = [dict(machine) for machine in sorted(self.machines, key=lambda machine: machine.get("GPU", 0.0))]
        for one in taken:
            if (machine := _first(one, free)) is not None:
                _take(one, 1, machine)
        return _first(request, free) is not None

    def _count(self, requests: Sequence[Request]) -> int:
        """Return how many requests the machines hold, as many of the first as possible, then of the next."""
        total = 0
        for machine in map(dict, self.machines):
            for request in requests:
                times = _times(request, machine)
                _take(request, times, machine)
                total += times
        return total

    def _largest(self, resources: Resources) -> Mapping[str, float] | None:
        """Return the machine that has most of what a trial needs, GPUs first; None where there is none for it."""
        kind, needs_gpu = resources.accelerator, gpus_of(resources) > 0
        fit = [machine for machine in self.machines if kind == ANY or ACCELERATOR + kind in machine]
        return max(fit, key=lambda one: (needs_gpu * one.get("GPU", 0.0), one.get("CPU", 0.0)), default=None)


def asked(resources: Resources, scale: int = 1) -> dict[str, float]:
    """Return what a trial would ask Ray for on machines that have all it wants."""
    gpus = gpus_of(resources)
    gpus = gpus if gpus >= 1 else min(1.0, gpus * scale)
    kind = {} if resources.accelerator == ANY else {ACCELERATOR + resources.accelerator: TRACE}
    return {"CPU": resources.cpu * scale, "GPU": gpus, **kind}


def _names(kind: str) -> bool:
    return kind.startswith(ACCELERATOR)


def _first(request: Request, machines: Iterable[dict[str, float]]) -> dict[str, float] | None:
    return next((machine for machine in machines if _times(request, machine)), None)


def _times(request: Request, machine: Mapping[str, float]) -> int:
    """Return how often a machine has what a request needs."""
    needs = {kind: _whole(kind, amount) for kind, amount in request.items() if amount}
    return min((int(machine.get(kind, 0.0) / amount + _ROUNDING) for kind, amount in needs.items()), default=0)


def _take(request: Request, times: int, machine: dict[str, float]) -> None:
    for kind, amount in request.items():
        if amount and not _names(kind):
            machine[kind] = machine.get(kind, 0.0) - times * _whole(kind, amount)


def _whole(kind: str, amount: float) -> float:
    """Return what is taken of a machine: of one GPU as few parts as large as possible, since no part is of two."""
    return 1 / int(1 / amount + _ROUNDING) if kind == "GPU" and amount < 1 else amount
