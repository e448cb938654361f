"""The contract of a backbone: a factory of the networks between images and vectors."""

from abc import ABC, abstractmethod

from models.backbones.network import Network
from models.registry import Component
from models.shapes import ImageShape


class Backbone(Component, ABC):
    """One architecture of encoders and decoders; the last layer of each carries neither norm nor activation.

    Both methods raise ValueError if the settings do not fit the shape.
    """

    @abstractmethod
    def encoder(self, shape: ImageShape, outputs: int) -> Network:
        """Return a network from images [N, *shape] to vectors [N, outputs]."""

    @abstractmethod
    def decoder(self, inputs: int, shape: ImageShape) -> Network:
        """Return a network from vectors [N, inputs] to raw images [N, *shape]."""
