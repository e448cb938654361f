"""The contract of a likelihood: p(x|z) given the decoder's raw output, and the space of images that it is about."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from models.registry import Component


class Likelihood(Component, ABC):
    """A distribution over images, its pixels independent given the raw output of a decoder.

    It owns the preprocessing, because log-likelihoods mean nothing without the space of images that they are about.
    """

    @property
    @abstractmethod
    def family(self) -> str:
        """Name of the family: log-likelihoods of different families must not be compared."""

    @property
    @abstractmethod
    def redraws(self) -> bool:
        """Whether `preprocess` draws training images anew for each batch; if not, they must be given to `fix` too."""

    @abstractmethod
    def raw_channels(self, channels: int) -> int:
        """Return how many channels the decoder must give for images of so many channels."""

    @abstractmethod
    def fix(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return uint8 images [N, C, H, W] in which whatever preprocessing draws has been drawn once and for all."""

    @abstractmethod
    def preprocess(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return the float images [B, C, H, W] that a model takes, of uint8 images of the same shape."""

    @abstractmethod
    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """Return log p(x) [..., B] in nats, given raw [..., B, raw channels, H, W], of images x [B, C, H, W]."""

    @abstractmethod
    def mean(self, raw: Tensor) -> Tensor:
        """Return the expected images [..., C, H, W] given raw [..., raw channels, H, W]."""

    @abstractmethod
    def sample(self, raw: Tensor, generator: torch.Generator) -> Tensor:
        """Draw images [..., C, H, W] given raw [..., raw channels, H, W]."""
