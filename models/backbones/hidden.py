"""What follows every hidden affine layer of a backbone: norm, activation, dropout."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Lt
from torch import nn

from models.backbones.network import Dropout

Norm = Literal["none", "batch"]
Activation = Literal["relu", "leaky_relu", "elu", "tanh"]


@dataclass(frozen=True, kw_only=True)
class HiddenLayers:
    """The settings that all hidden layers of a backbone share."""

    norm: Norm = "none"
    """"batch" normalizes each feature over the batch, before the activation (Ioffe & Szegedy 2015)."""
    activation: Activation = "relu"
    """The nonlinearity; "leaky_relu" has the slope 0.2 of DCGAN."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Probability of zeroing an element after the activation."""

    def after_linear(self, features: int) -> list[nn.Module]:
        """Return the layers that follow a linear one, for vectors [N, features]."""
        return self._after(nn.BatchNorm1d, features)

    def after_convolution(self, channels: int) -> list[nn.Module]:
        """Return the layers that follow a convolution, for maps [N, channels, H, W]."""
        return self._after(nn.BatchNorm2d, channels)

    def _after(self, batch_norm: type[nn.BatchNorm1d | nn.BatchNorm2d], features: int) -> list[nn.Module]:
        norm = [batch_norm(features)] if self.norm == "batch" else []
        dropout = [Dropout(self.dropout)] if self.dropout else []
        return [*norm, _activation(self.activation), *dropout]


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
