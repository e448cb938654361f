"""An optimizer's state as named tensors, and back: what safetensors can hold."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sweeper.errors import SweeperError


def pack_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimizer's state as tensors named ``<parameter's index>.<quantity>``."""
    return {
        f"{index}.{quantity}": torch.as_tensor(value)
        for index, quantities in optimizer.state_dict()["state"].items()
        for quantity, value in quantities.items()
        if value is not None  # SGD without momentum has an empty buffer.
    }


def unpack_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put what `pack_optimizer` returned into a new optimizer of the same parameters.

    Raises SweeperError where it is the state of other parameters.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, _, quantity = name.partition(".")
        if not (index.isdigit() and int(index) < len(parameters) and _fits(value, parameters[int(index)])):
            raise SweeperError(f"a checkpoint of another optimizer: {name} is {list(value.shape)}")
        # Cloned, because the optimizer would otherwise write into the tensors that it was given.
        state.setdefault(int(index), {})[quantity] = value.clone()
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _fits(value: Tensor, parameter: Tensor) -> bool:
    """Say whether a value can belong to a parameter: a count of steps, or one number for each weight."""
    return value.dim() == 0 or value.shape == parameter.shape
