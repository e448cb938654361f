"""Generative models in pure PyTorch, composed of orthogonal parts; see README.md of this folder."""

from models.annealed import Annealed, annealed_importance_sampling
from models.autoencoder import VariationalAutoencoder
from models.backbones import Backbone
from models.batch import UNKNOWN, Batch
from models.bounds import importance_weighted_bound
from models.conditions import Condition, Conditioning
from models.generative import GenerativeModel
from models.latent import LatentVariableModel, Terms
from models.likelihoods import Likelihood
from models.objectives import Loss, Objective
from models.presets import Model
from models.registry import Component, UnknownComponentError, find, names, register
from models.regularizers import Regularizer
from models.schedules import Moment, Schedule
from models.shapes import ImageShape

__all__ = [
    "UNKNOWN",
    "Annealed",
    "Backbone",
    "Batch",
    "Component",
    "Condition",
    "Conditioning",
    "GenerativeModel",
    "ImageShape",
    "LatentVariableModel",
    "Likelihood",
    "Loss",
    "Model",
    "Moment",
    "Objective",
    "Regularizer",
    "Schedule",
    "Terms",
    "UnknownComponentError",
    "VariationalAutoencoder",
    "annealed_importance_sampling",
    "find",
    "importance_weighted_bound",
    "names",
    "register",
]
