"""The contract of a schedule: which of a model's players step when, and how fast each learns."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from models.registry import Component


@dataclass(frozen=True)
class Moment:
    """A batch of training, before anybody steps on it."""

    step: int
    """Its number since training began; the first is 0."""
    epoch: int
    """Its epoch; the first is 0."""
    players: tuple[str, ...] = ()
    """Those of the model, in its order."""
    terms: Mapping[str, Tensor] = field(default_factory=dict)
    """The latest value of every loss term, 0-dimensional, on the device: reading one waits for it."""


class Schedule(Component, ABC):
    """Divides training among the players of a model."""

    @abstractmethod
    def turn(self, moment: Moment, /) -> tuple[str, ...]:
        """Return who steps, in this order, on the batch of a moment."""

    @abstractmethod
    def check(self, players: Collection[str]) -> None:
        """Raise ValueError, with the reason, if this is no schedule for the players."""

    def rate(self, player: str) -> float:  # noqa: ARG002 (most treat all alike)
        """Return the factor by which a player's learning rate differs from the optimizer's."""
        return 1.0
