"""Everybody steps on every batch: the schedule of a model without adversary, which has one player."""

from collections.abc import Collection
from dataclasses import dataclass

from models.generative import MODEL
from models.registry import register
from models.schedules.base import Moment, Schedule


@register("joint")
@dataclass(frozen=True, kw_only=True)
class Joint(Schedule):
    """All parameters are trained together."""

    def turn(self, _moment: Moment, /) -> tuple[str, ...]:
        """Return the one player."""
        return (MODEL,)

    def check(self, players: Collection[str]) -> None:
        """Raise ValueError for a model with several players."""
        if set(players) != {MODEL}:
            raise ValueError(
                f"is joint, of a model without adversary; the players of this one are {', '.join(sorted(players))}"
            )
