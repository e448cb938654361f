"""The contract of a schedule: who the players are, and who steps when."""

from abc import ABC, abstractmethod

from torch import nn

from models.registry import Component


class Schedule(Component, ABC):
    """Divides a model's parameters among players, each with an optimizer of its own, and training among their steps."""

    @abstractmethod
    def players(self, model: nn.Module) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of each player, by name."""

    @abstractmethod
    def turn(self, step: int, /) -> tuple[str, ...]:
        """Return who steps, in this order, on the batch with this number since training began; the first is 0."""
