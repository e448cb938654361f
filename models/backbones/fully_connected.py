"""Multilayer perceptrons, the networks of the first VAE (Kingma & Welling 2014, appendix C)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from annotated_types import Ge
from torch import nn

from models.backbones.base import Backbone
from models.backbones.hidden import HiddenLayers
from models.backbones.linear import Linear
from models.backbones.network import Network
from models.registry import register
from models.shapes import ImageShape


@register("fc")
@dataclass(frozen=True, kw_only=True)
class FullyConnected(HiddenLayers, Backbone):
    """Encoder and decoder with equally many, equally wide hidden layers."""

    hidden: Annotated[int, Ge(1)] = 200
    """Units of each hidden layer."""
    layers: Annotated[int, Ge(1)] = 1
    """Hidden layers of the encoder, and of the decoder."""

    def encoder(self, shape: ImageShape, outputs: int) -> Network:
        """Return flatten, hidden layers, linear."""
        return Network(nn.Flatten(), *self._hidden_layers(shape.pixels), Linear(self.hidden, outputs))

    def decoder(self, inputs: int, shape: ImageShape) -> Network:
        """Return hidden layers, linear, unflatten."""
        output = Linear(self.hidden, shape.pixels)
        return Network(*self._hidden_layers(inputs), output, nn.Unflatten(1, tuple(shape)))

    def _hidden_layers(self, inputs: int) -> list[nn.Module]:
        linears = [Linear(*widths) for widths in pairwise([inputs] + [self.hidden] * self.layers)]
        return [layer for linear in linears for layer in (linear, *self.after_linear(self.hidden))]
