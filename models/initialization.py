"""Parameters from a seed: a model is built without a look at, or a change of, torch's global random state."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from models.memory import keep_freed_memory

M = TypeVar("M", bound=nn.Module)


def materialize(compose: Callable[[], M], generator: torch.Generator, device: torch.device | str = "cpu") -> M:
    """Compose a module of layers that `initialize` knows, draw its parameters, and place it on the device.

    Composition happens without memory (device "meta"), so that PyTorch's own initialization is neither paid for nor
    drawn from the global generator. The given generator is one of the CPU: a seed means the same model on every device.
    """
    keep_freed_memory()
    with torch.device("meta"):
        module = compose()
    module.to_empty(device="cpu")
    initialize(module, generator)
    return module.to(device)


def initialize(module: nn.Module, generator: torch.Generator) -> None:
    """Set all parameters and buffers of a module to PyTorch's defaults, drawn from the generator.

    Weights and biases of linear and (transposed) convolution layers are uniform within 1/√fan_in of 0, which is what
    `kaiming_uniform_` with a = √5 amounts to; batch norm starts as the identity. Raises TypeError if a layer of another
    type has parameters or buffers of its own.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            _initialize_affine(layer, generator)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.reset_parameters()
        elif _has_own_state(layer):
            raise TypeError(f"initialize knows linear, convolution and batch norm layers, not {type(layer).__name__}")


def _initialize_affine(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, generator: torch.Generator) -> None:
    bound = layer.weight[0].numel() ** -0.5  # as PyTorch: dimension 1 counts as the inputs, of every kind of layer
    nn.init.uniform_(layer.weight, -bound, bound, generator)
    if layer.bias is not None:
        nn.init.uniform_(layer.bias, -bound, bound, generator)


def _has_own_state(layer: nn.Module) -> bool:
    own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
    return bool(own)
