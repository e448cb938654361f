"""Parameters from a seed: a model is built without a look at, or a change of, torch's global random state."""

from collections.abc import Callable
from typing import Literal, TypeVar

import torch
from torch import nn

from models.memory import keep_freed_memory
from models.start import Start

M = TypeVar("M", bound=nn.Module)

Scheme = Literal["uniform", "normal"]
"""How parameters are drawn.

"uniform" is PyTorch's default: weights and biases of linear and (transposed) convolution layers within 1/√fan_in of 0,
which is what `kaiming_uniform_` with a = √5 amounts to; norms start as the identity. "normal" is that of DCGAN (Radford
et al. 2016): weights from N(0, 0.02²), scales of norms from N(1, 0.02²), everything else 0.
"""

DEVIATION = 0.02
"""Of the normal scheme."""

Affine = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm


def materialize(
    compose: Callable[[], M],
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    scheme: Scheme = "uniform",
) -> M:
    """Compose a module of layers that `initialize` knows, draw its parameters, and place it on the device.

    Composition happens without memory (device "meta"), so that PyTorch's own initialization is neither paid for nor
    drawn from the global generator. The given generator is one of the CPU: a seed means the same model on every device.
    """
    keep_freed_memory()
    with torch.device("meta"):
        module = compose()
    # What `to_empty` does as well, but by an operator for which PyTorch first imports sympy, in two seconds.
    module._apply(  # type: ignore[no-untyped-call]  # torch has not typed it
        lambda tensor: torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
    )
    initialize(module, generator, scheme)
    return module.to(device)


def initialize(module: nn.Module, generator: torch.Generator, scheme: Scheme = "uniform") -> None:
    """Set all parameters and buffers of a module, as the scheme says, drawn from the generator.

    Raises TypeError if a layer other than linear, convolution and norm has parameters or buffers of its own.
    """
    for layer in module.modules():
        if isinstance(layer, Affine):
            _initialize_affine(layer, generator, scheme)
        elif isinstance(layer, Norm):
            _initialize_norm(layer, generator, scheme)
        elif isinstance(layer, Start):
            layer.reset_parameters()
        elif _has_own_state(layer):
            raise TypeError(f"initialize knows linear, convolution and norm layers, not {type(layer).__name__}")


def _initialize_affine(layer: Affine, generator: torch.Generator, scheme: Scheme) -> None:
    if scheme == "normal":
        nn.init.normal_(layer.weight, 0, DEVIATION, generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        return
    bound = layer.weight[0].numel() ** -0.5  # as PyTorch: dimension 1 counts as the inputs, of every kind of layer
    nn.init.uniform_(layer.weight, -bound, bound, generator)
    if layer.bias is not None:
        nn.init.uniform_(layer.bias, -bound, bound, generator)


def _initialize_norm(layer: Norm, generator: torch.Generator, scheme: Scheme) -> None:
    layer.reset_parameters()
    if scheme == "normal" and layer.weight is not None:
        nn.init.normal_(layer.weight, 1, DEVIATION, generator)


def _has_own_state(layer: nn.Module) -> bool:
    own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
    return bool(own)
