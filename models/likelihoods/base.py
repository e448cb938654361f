"""The contract of a likelihood: p(x|z) given the decoder's raw output, and the space of images that it is about."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from models.registry import Component
from models.spaces import ImageSpace


class Likelihood(Component, ImageSpace, ABC):
    """A distribution over images, its pixels independent given the raw output of a decoder.

    It owns the preprocessing, because log-likelihoods mean nothing without the space of images that they are about.
    """

    @property
    @abstractmethod
    def family(self) -> str:
        """Name of the family: log-likelihoods of different families must not be compared."""

    @abstractmethod
    def raw_channels(self, channels: int) -> int:
        """Return how many channels the decoder must give for images of so many channels."""

    @abstractmethod
    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """Return log p(x) [..., B] in nats, given raw [..., B, raw channels, H, W], of images x [B, C, H, W]."""

    @abstractmethod
    def mean(self, raw: Tensor) -> Tensor:
        """Return the expected images [..., C, H, W] given raw [..., raw channels, H, W]."""

    @abstractmethod
    def sample(self, raw: Tensor, generator: torch.Generator) -> Tensor:
        """Draw images [..., C, H, W] given raw [..., raw channels, H, W]."""
