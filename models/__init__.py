"""Generative models in pure PyTorch, composed of orthogonal parts; see README.md of this folder."""

from models.backbones import Backbone
from models.bounds import importance_weighted_bound
from models.latent import LatentVariableModel, Terms
from models.likelihoods import Likelihood
from models.objectives import Loss, Objective
from models.presets import Model
from models.registry import Component, UnknownComponentError, find, names, register
from models.schedules import Schedule
from models.shapes import ImageShape

__all__ = [
    "Backbone",
    "Component",
    "ImageShape",
    "LatentVariableModel",
    "Likelihood",
    "Loss",
    "Model",
    "Objective",
    "Schedule",
    "Terms",
    "UnknownComponentError",
    "find",
    "importance_weighted_bound",
    "names",
    "register",
]
