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

    @property
    def level_width(self) -> float | None:
        """What turns p into the probability of a grey level of 256: 1 where it is one, 1/256 for a density on [0, 1].

        None where p says nothing about grey levels: of black and white pixels, and of a density of the levels
        themselves, which can be as large as it likes at those that occur (Theis et al. 2016, section 3.1).
        """
        return None

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
