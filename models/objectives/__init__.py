"""Objectives: the losses that a model's players minimize."""

from models.objectives.base import Loss, LossFunction, Objective
from models.objectives.elbo import ELBO
from models.objectives.iwae import IWAE

__all__ = ["ELBO", "IWAE", "Loss", "LossFunction", "Objective"]
