"""The contract of an objective: the loss that each player of a model minimizes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from models.latent import LatentVariableModel
from models.registry import Component


@dataclass(frozen=True)
class Loss:
    """What a player minimizes at one step, and the parts of it to be logged: 0-dimensional, in nats per image.

    That is: summed over pixels and latent variables, averaged over the batch.
    """

    total: Tensor
    """The loss, with its gradient."""
    terms: dict[str, Tensor]
    """Parts by name, without gradient; "loss" is the total."""


LossFunction = Callable[[LatentVariableModel, Tensor, torch.Generator, float], Loss]
"""Of a model, images [B, C, H, W], a generator on their device, and the time in epochs since training began."""


class Objective(Component, ABC):
    """Which loss each player minimizes."""

    @abstractmethod
    def losses(self) -> Mapping[str, LossFunction]:
        """Return the loss function of each player, under the names that the schedule gives them."""
