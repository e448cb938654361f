"""Networks whose parameters are held: their output has a gradient in the input alone (Roeder et al. 2017)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def held(network: nn.Module) -> Callable[..., Any]:
    """Return the function that a network computes, without a gradient in its parameters."""
    parameters = {name: parameter.detach() for name, parameter in network.named_parameters()}
    return lambda *inputs: torch.func.functional_call(network, parameters, inputs)
