"""What follows every hidden affine layer of a backbone: norm, activation, dropout."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Lt
from torch import nn

from models.backbones.network import Dropout

Norm = Literal["none", "batch", "layer"]
Activation = Literal["relu", "leaky_relu", "elu", "tanh"]


@dataclass(frozen=True, kw_only=True)
class HiddenLayers:
    """The settings that all hidden layers of a backbone share."""

    norm: Norm = "none"
    """What is normalized before the activation: each feature over the "batch" (Ioffe & Szegedy 2015), or each image
    over the features of its "layer" (Ba et al. 2016), as a critic with a gradient penalty needs it."""
    activation: Activation = "relu"
    """The nonlinearity; "leaky_relu" has the slope 0.2 of DCGAN."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Probability of zeroing an element after the activation."""

    def after_linear(self, features: int) -> list[nn.Module]:
        """Return the layers that follow a linear one, for vectors [N, features]."""
        return [*self.norm_of_vectors(features), *self.after_norm()]

    def after_convolution(self, channels: int) -> list[nn.Module]:
        """Return the layers that follow a convolution, for maps [N, channels, H, W]."""
        return [*self.norm_of_maps(channels), *self.after_norm()]

    def norm_of_vectors(self, features: int) -> list[nn.Module]:
        """Return the norm of vectors [N, features], nothing where there is none."""
        match self.norm:
            case "none":
                return []
            case "batch":
                return [nn.BatchNorm1d(features)]
            case "layer":
                return [nn.LayerNorm(features)]

    def norm_of_maps(self, channels: int) -> list[nn.Module]:
        """Return the norm of maps [N, channels, H, W], nothing where there is none."""
        match self.norm:
            case "none":
                return []
            case "batch":
                return [nn.BatchNorm2d(channels)]
            case "layer":
                return [nn.GroupNorm(1, channels)]  # layer norm with a scale for each channel, whatever the size

    def after_norm(self) -> list[nn.Module]:
        """Return the layers that follow the norm."""
        return [_activation(self.activation), *([Dropout(self.dropout)] if self.dropout else [])]


def _activation(name: Activation) -> nn.Module:
    """Return the activation, in place where it can be: no layer before it needs its own output for the gradient."""
    match name:
        case "relu":
            return nn.ReLU(inplace=True)
        case "leaky_relu":
            return nn.LeakyReLU(0.2, inplace=True)
        case "elu":
            return nn.ELU(inplace=True)
        case "tanh":
            return nn.Tanh()
