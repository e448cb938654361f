"""Likelihoods: the distribution of an image given a decoder's output."""

from models.likelihoods.base import Likelihood
from models.likelihoods.bernoulli import Bernoulli
from models.likelihoods.beta import Beta
from models.likelihoods.continuous_bernoulli import ContinuousBernoulli
from models.likelihoods.discretized_logistic import DiscretizedLogistic
from models.likelihoods.gaussian import Gaussian

__all__ = ["Bernoulli", "Beta", "ContinuousBernoulli", "DiscretizedLogistic", "Gaussian", "Likelihood"]
