"""Objectives: the losses that a model's players minimize."""

from models.objectives.adversarial import Adversarial
from models.objectives.adversarial_bound import AdversarialBound
from models.objectives.base import Loss, LossFunction, Objective
from models.objectives.elbo import ELBO
from models.objectives.iwae import IWAE
from models.objectives.jensen_shannon import JensenShannon
from models.objectives.learned_similarity import LearnedSimilarity
from models.objectives.m2 import M2

__all__ = [
    "ELBO",
    "IWAE",
    "M2",
    "Adversarial",
    "AdversarialBound",
    "JensenShannon",
    "LearnedSimilarity",
    "Loss",
    "LossFunction",
    "Objective",
]
