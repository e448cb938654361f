"""When to kill what: drawn from a seed as shares of what is left, made concrete when the sweep has come that far."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, get_args

from sight import Sight

T = TypeVar("T")
Target = Literal["driver", "worker", "mirror"]
Kind = Literal["time", "line", "write"]
"""After some time; at once after the journal has grown by some lines; while a checkpoint or the like is written."""

DECK: tuple[Target, ...] = ("driver", "driver", "worker", "mirror")
"""How often each is killed, where any of them may be."""

WRITES = 20
"""A kill during a write strikes one of the next so many: an epoch of a trial makes one to three."""


@dataclass(frozen=True)
class Plan:
    """One kill, as it is drawn."""

    target: Target
    kind: Kind | Literal["end"]
    """"end" is after the verdict has been written."""
    share: float
    """How much of what is left passes before it, from 0 to 1."""


def draw_plans(seed: int, kills: int, target: Target | Literal["any"]) -> list[Plan]:
    """Return the kills of a sweep in order; of two sweeps about one is killed at its end at last."""
    generator = random.Random(seed)
    targets = _dealt(generator, DECK if target == "any" else (target,), kills)
    kinds = _dealt(generator, get_args(Kind), kills)
    plans = [Plan(of, kind, generator.random()) for of, kind in zip(targets, kinds, strict=True)]
    if plans and target != "worker" and generator.random() < 0.5:  # No worker lives when the verdict is written.
        plans[-1] = Plan(generator.choice(("driver", "mirror")) if target == "any" else target, "end", 0.0)
    return plans


def _dealt(generator: random.Random, deck: Sequence[T], count: int) -> list[T]:
    """Return so many cards, dealt from one deck after the other, each shuffled: random, and yet of all kinds."""
    dealt: list[T] = []
    while len(dealt) < count:
        dealt += generator.sample(deck, len(deck))
    return dealt[:count]


@dataclass(frozen=True)
class Expected:
    """What an uninterrupted sweep takes."""

    seconds: float
    startup: float
    """Those of them before the first line of the journal."""
    lines: int


class Moment(Protocol):
    """A moment to wait for."""

    def reached(self) -> bool:
        """Say whether it has come."""
        ...


def moment_of(plan: Plan, sight: Sight, kills_left: int, expected: Expected, *, starting: bool) -> Moment:
    """Return the moment of a kill, counted from now, so that the kills left, this among them, spread over the sweep."""
    lines = max(0, expected.lines - sight.lines)
    part = 2 * plan.share / (kills_left + 1)
    if plan.kind == "end" or (plan.kind == "line" and not lines):
        return AtTheEnd(sight)
    if plan.kind == "line":
        return AfterLines(sight, 1 + int(part * lines))
    if plan.kind == "write":
        return InWrite(sight, 1 + int(plan.share * WRITES))
    training = (expected.seconds - expected.startup) * lines / expected.lines
    return AfterSeconds(part * training + (plan.share * expected.startup if starting else 0))


class AfterSeconds:
    """So many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._name = f"after {seconds:.1f} s"
        self._at = time.monotonic() + seconds

    def __str__(self) -> str:
        return self._name

    def reached(self) -> bool:
        return time.monotonic() >= self._at


class AfterLines:
    """When the journal has grown by so many lines."""

    def __init__(self, sight: Sight, lines: int) -> None:
        self._sight, self._name = sight, f"after {lines} lines"
        self._at = sight.lines + lines

    def __str__(self) -> str:
        return self._name

    def reached(self) -> bool:
        return self._sight.lines >= self._at


class InWrite:
    """While something in a trial's folder is written, for the so many-th time from now."""

    def __init__(self, sight: Sight, count: int) -> None:
        self._sight, self._count, self._name = sight, count, f"in write {count}"
        self._old, self._seen = sight.half_written, 0

    def __str__(self) -> str:
        return self._name

    def reached(self) -> bool:
        new = self._sight.half_written - self._old
        self._old |= new
        self._seen += len(new)
        return self._seen >= self._count


class AtTheEnd:
    """When the verdict is written."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight

    def __str__(self) -> str:
        return "at the verdict"

    def reached(self) -> bool:
        return self._sight.concluded
