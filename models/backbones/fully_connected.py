"""Multilayer perceptrons, the networks of the first VAE (Kingma & Welling 2014, appendix C)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from annotated_types import Ge
from torch import nn

from models.backbones.base import Backbone
from models.backbones.hidden import HiddenLayers
from models.backbones.linear import Linear
from models.backbones.network import JoinVector, Network
from models.depth import Depth
from models.registry import register
from models.shapes import ImageShape

Width = Annotated[int, Ge(1)]


@register("fc")
@dataclass(frozen=True, kw_only=True)
class FullyConnected(HiddenLayers, Backbone):
    """Encoder and decoder with equally many, equally wide hidden layers."""

    hidden: Width | tuple[Width, ...] = 200
    """Units of each hidden layer; or a list, one number for each layer of an encoder, in reverse for a decoder."""
    layers: Depth = 1
    """Hidden layers of the encoder, and of the decoder, where `hidden` is one number."""

    def encoder(self, shape: ImageShape, outputs: int, context: int = 0) -> Network:
        """Return flatten, hidden layers, linear; the context is joined to the pixels."""
        join = [JoinVector()] if context else []
        widths = self._widths()
        return Network(
            nn.Flatten(), *join, *self._hidden_layers(shape.pixels + context, widths), Linear(widths[-1], outputs)
        )

    def decoder(self, inputs: int, shape: ImageShape) -> Network:
        """Return hidden layers, linear, unflatten."""
        widths = self._widths()[::-1]
        output = Linear(widths[-1], shape.pixels)
        return Network(*self._hidden_layers(inputs, widths), output, nn.Unflatten(1, tuple(shape)))

    def _widths(self) -> tuple[int, ...]:
        if isinstance(self.hidden, int):
            return (self.hidden,) * self.layers
        if not self.hidden:
            raise ValueError("hidden is an empty list; must have one number for each layer")
        return self.hidden

    def _hidden_layers(self, inputs: int, widths: tuple[int, ...]) -> list[nn.Module]:
        pairs = pairwise((inputs, *widths))
        return [layer for pair in pairs for layer in (Linear(*pair), *self.after_linear(pair[1]))]
