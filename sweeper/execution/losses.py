"""Trials that lost their worker: which of them go on, and when a sweep has no use in going on."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from sweeper.errors import SweeperError

MOST_WORKER_LOSSES = 3
"""A trial that lost its worker this often without an epoch in between is more likely the cause than the victim."""

MOST_HANGS = 2
"""The first time a trial hangs, its machine may have been at fault."""

MOST_LOSSES_IN_A_ROW = 6
"""Workers that die before any has trained an epoch cannot work here at all."""

LossKind = Literal["worker", "hang", "out_of_memory", "node"]
"""What was lost: a process that died, ended itself because it hung, or was killed for the memory that it took; or the
node under it, for which no trial is to blame."""


@dataclass(frozen=True)
class Loss:
    """A trial's worker is gone."""

    kind: LossKind
    reason: str


class Losses:
    """Counts, for each trial and for the sweep, the workers lost since the last epoch that was trained anew."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, LossKind]] = Counter()
        self._epochs: dict[int, int] = {}
        self._in_a_row = 0

    def progressed(self, number: int, epoch: int) -> None:
        """Forget the losses of a trial where it has come farther than before; going on, it first repeats itself."""
        if epoch <= self._epochs.get(number, 0):
            return
        self._epochs[number] = epoch
        self._in_a_row = 0
        self._counts[number, "worker"] = self._counts[number, "hang"] = 0

    def count(self, number: int, loss: Loss) -> str | None:
        """Count a loss; return why the trial is given up, ``None`` where it goes on.

        Raises SweeperError where worker after worker is lost. A lost node counts neither against the trial nor against
        the sweep: where machines can be taken away at any time, that is nothing unusual.
        """
        if loss.kind == "node":
            return None
        self._in_a_row += 1
        if self._in_a_row >= MOST_LOSSES_IN_A_ROW:
            raise SweeperError(f"{MOST_LOSSES_IN_A_ROW} workers in a row were lost without an epoch: {loss.reason}")
        self._counts[number, loss.kind] += 1
        times = self._counts[number, loss.kind]
        if loss.kind == "hang":
            return f"hung {times} times without an epoch in between: {loss.reason}" if times >= MOST_HANGS else None
        if times < MOST_WORKER_LOSSES:
            return None
        return f"lost its worker {times} times without an epoch in between: {loss.reason}"
