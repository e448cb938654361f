"""Likelihoods: the distribution of an image given a decoder's output."""

from models.likelihoods.base import Likelihood
from models.likelihoods.bernoulli import Bernoulli

__all__ = ["Bernoulli", "Likelihood"]
