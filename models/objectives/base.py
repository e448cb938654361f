"""The contract of an objective: the loss that each player of a model minimizes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from models.batch import Batch
from models.generative import GenerativeModel
from models.registry import Component


@dataclass(frozen=True)
class Loss:
    """What a player minimizes at one step, and the parts of it to be logged: 0-dimensional, in nats per image.

    That is: summed over pixels and latent variables, averaged over the batch.
    """

    total: Tensor
    """The loss, with its gradient."""
    terms: dict[str, Tensor]
    """Parts by name, without gradient; "loss" is the total of a model with one player."""


LossFunction = Callable[[Any, Batch, torch.Generator, float], Loss]
"""Of a model, a batch, a generator on their device, and the time in epochs since training began."""


class Objective(Component, ABC):
    """Which loss each player minimizes."""

    fits: ClassVar[type[nn.Module]] = nn.Module
    """The models that it is an objective of."""

    @abstractmethod
    def losses(self) -> Mapping[str, LossFunction]:
        """Return the loss function of each player, under the names that the model gives them."""

    def check(self, model: GenerativeModel) -> None:
        """Raise ValueError, with the reason, if this is no objective of the model."""
        if not isinstance(model, self.fits):
            raise ValueError(f"is an objective of a {self.fits.__name__}; this model is a {type(model).__name__}")
        players, losses = sorted(model.players()), sorted(self.losses())
        if players != losses:
            raise ValueError(f"has losses for {', '.join(losses)}; the players of the model are {', '.join(players)}")

    def warnings(self, model: Any) -> list[str]:  # noqa: ARG002 (most have none)
        """Return what is allowed of a model that passes `check`, but known not to work, with the reason."""
        return []

    @property
    def labelled(self) -> int:
        """How many labelled images are added to each batch where not all images have their labels; usually none."""
        return 0

    def constrain(self, player: str, model: Any) -> None:
        """Restore what must hold of a player's parameters after each of its steps; by default nothing must."""
