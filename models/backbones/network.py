"""A chain of layers that hands a random generator to those that draw, and a context to those that take one."""

import torch
from torch import Tensor, nn


class Network(nn.Sequential):
    """`nn.Sequential`, called with the generator that its `Dropout` layers draw from, and with context vectors."""

    def forward(self, x: Tensor, generator: torch.Generator | None = None, context: Tensor | None = None) -> Tensor:
        """Apply all layers in turn; the generator, on the device of x, is needed to train a network with dropout.

        Context vectors [N, size] are needed by a network with layers that join them.
        """
        for layer in self:
            x = apply(layer, x, generator, context)
        return x


def apply(layer: nn.Module, x: Tensor, generator: torch.Generator | None, context: Tensor | None) -> Tensor:
    """Return the output of one layer, given what a layer of its kind takes."""
    match layer:
        case Network():
            return layer(x, generator, context)  # type: ignore[no-any-return]
        case Dropout():
            return layer(x, generator)  # type: ignore[no-any-return]
        case JoinVector() | JoinPlane():
            return layer(x, context)  # type: ignore[no-any-return]
        case _:
            return layer(x)  # type: ignore[no-any-return]


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


class JoinVector(nn.Module):
    """Puts context vectors [N, size] beside vectors [N, F]: the condition of a fully connected network."""

    def forward(self, x: Tensor, context: Tensor | None) -> Tensor:
        """Return vectors [N, F + size]."""
        return torch.cat([x, _given(context).to(x.dtype)], -1)


class JoinPlane(nn.Module):
    """Puts a learned image of context vectors [N, size] behind images [N, C, H, W], as one more channel.

    It is how conditional convolutional networks see a label; a linear map of observed pixels can show them in place.
    """

    def __init__(self, size: int, height: int, width: int) -> None:
        super().__init__()
        self.plane = nn.Linear(size, height * width)

    def forward(self, x: Tensor, context: Tensor | None) -> Tensor:
        """Return images [N, C + 1, H, W]."""
        return torch.cat([x, self.plane(_given(context).to(x.dtype)).view(len(x), 1, *x.shape[-2:])], 1)


def _given(context: Tensor | None) -> Tensor:
    if context is None:
        raise ValueError("a conditional network must be given context vectors")
    return context
