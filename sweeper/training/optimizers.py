"""The optimizers that a configuration may name: torch's own, fused where torch can."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Lt
from torch.nn import Parameter

Rate = Annotated[float, Gt(0)]
Decay = Annotated[float, Ge(0), Lt(1)]
Weight = Annotated[float, Ge(0)]


class Optimizer(ABC):
    """A recipe for the optimizer of one player."""

    lr: Rate
    """The learning rate."""

    @abstractmethod
    def build(self, parameters: Iterable[Parameter]) -> torch.optim.Optimizer:
        """Return a new optimizer of ``parameters``."""


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, arXiv 1412.6980)."""

    lr: Rate = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    weight_decay: Weight = 0.0

    def build(self, parameters: Iterable[Parameter]) -> torch.optim.Optimizer:
        """Return torch's fused Adam."""
        betas = (self.beta1, self.beta2)
        return torch.optim.Adam(parameters, self.lr, betas, weight_decay=self.weight_decay, fused=True)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Tieleman and Hinton 2012, Coursera lecture 6.5)."""

    lr: Rate = 1e-3
    alpha: Decay = 0.99
    momentum: Decay = 0.0
    weight_decay: Weight = 0.0

    def build(self, parameters: Iterable[Parameter]) -> torch.optim.Optimizer:
        """Return torch's RMSprop."""
        return torch.optim.RMSprop(
            parameters, self.lr, alpha=self.alpha, momentum=self.momentum, weight_decay=self.weight_decay
        )


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum where one is given."""

    lr: Rate = 1e-2
    momentum: Decay = 0.0
    weight_decay: Weight = 0.0

    def build(self, parameters: Iterable[Parameter]) -> torch.optim.Optimizer:
        """Return torch's fused SGD."""
        return torch.optim.SGD(parameters, self.lr, momentum=self.momentum, weight_decay=self.weight_decay, fused=True)


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
