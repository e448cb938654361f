"""Several models of one shape as one program: torch.func.vmap over their stacked parameters."""

from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn

State = dict[str, Tensor]
Function = Callable[[nn.Module], Tensor]


class _Calls(nn.Module):
    """Runs a function of a model as a forward, for `functional_call`."""

    def __init__(self, model: nn.Module, function: Function) -> None:
        super().__init__()
        self.model, self.function = model, function

    def forward(self) -> Tensor:
        return self.function(self.model)


def fused(members: list[nn.Module], function: Function, randomness: str = "different") -> Tensor:
    """Return what a function gives for each of the members, stacked, computed by all of them at once."""
    parameters, buffers = _stacked(members)
    return torch.func.vmap(lambda state: _called(members[0], function, state), randomness=randomness)(
        parameters | buffers
    )


def fused_gradients(
    members: list[nn.Module], function: Function, wanted: Collection[nn.Parameter], randomness: str = "different"
) -> tuple[State, Tensor]:
    """Return the gradients of a function, by name, and its values, stacked over the members.

    The gradients are in those parameters of every member that are ``wanted`` of the first.
    """
    parameters, buffers = _stacked(members)
    owned = {id(parameter) for parameter in wanted}
    own = {name: parameters[name] for name, value in members[0].named_parameters() if id(value) in owned}
    rest = {name: value for name, value in parameters.items() if name not in own} | buffers
    gradients = torch.func.grad_and_value(lambda own, rest: _called(members[0], function, own | rest))
    return torch.func.vmap(gradients, randomness=randomness)(own, rest)


def _stacked(members: list[nn.Module]) -> tuple[State, State]:
    parameters, buffers = torch.func.stack_module_state(members)
    return {name: value.detach() for name, value in parameters.items()}, buffers


def _called(model: nn.Module, function: Function, state: State) -> Tensor:
    """Return a function of a model with other parameters and buffers."""
    named = {f"model.{name}": value for name, value in state.items()}
    return torch.func.functional_call(_Calls(model, function), named, ())
