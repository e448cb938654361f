"""A chain of layers that hands a random generator to those that draw."""

import torch
from torch import Tensor, nn


class Network(nn.Sequential):
    """`nn.Sequential`, called with the generator that its `Dropout` layers draw from."""

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Apply all layers in turn; the generator, on the device of x, is needed to train a network with dropout."""
        for layer in self:
            x = layer(x, generator) if isinstance(layer, Dropout) else layer(x)
        return x


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014) that draws from a generator, where `nn.Dropout` draws from global state."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Zero each element with the probability and scale up the others to keep the mean; in eval mode return x.

        Raises ValueError in training mode without a generator.
        """
        if not self.training:
            return x
        if generator is None:
            raise ValueError("dropout in training mode draws random numbers: it must be given a generator")
        kept = 1 - self.probability
        return torch.empty_like(x).bernoulli_(kept, generator=generator).div_(kept).mul(x)
