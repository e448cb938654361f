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
    def encoder(self, shape: ImageShape, outputs: int, context: int = 0) -> Network:
        """Return a network from images [N, *shape] to vectors [N, outputs], given context vectors of so many values.

        It is also what a critic or a classifier is made of.
        """

    @abstractmethod
    def decoder(self, inputs: int, shape: ImageShape) -> Network:
        """Return a network from vectors [N, inputs] to raw images [N, *shape]; a context is part of the vectors."""
