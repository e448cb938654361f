"""Protects that each optimizer is torch's with the settings of the file, and that its state survives being saved."""

from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch.nn import Linear

from sweeper.errors import SweeperError
from sweeper.training.optimizer_state import pack_optimizer, unpack_optimizer
from sweeper.training.optimizers import SGD, Adam, Optimizer, RMSprop

RECIPES = (
    (Adam(lr=0.1, beta1=0.5, beta2=0.9, weight_decay=0.2), torch.optim.Adam, {"betas": (0.5, 0.9)}),
    (RMSprop(lr=0.1, alpha=0.8, momentum=0.3, weight_decay=0.2), torch.optim.RMSprop, {"alpha": 0.8, "momentum": 0.3}),
    (RMSprop(lr=0.1, weight_decay=0.2), torch.optim.RMSprop, {"alpha": 0.99, "momentum": 0.0}),
    (SGD(lr=0.1, momentum=0.7, weight_decay=0.2), torch.optim.SGD, {"momentum": 0.7}),
    (SGD(lr=0.1, weight_decay=0.2), torch.optim.SGD, {"momentum": 0.0}),
)
recipes = pytest.mark.parametrize(("recipe", "kind", "settings"), RECIPES, ids=lambda value: type(value).__name__)


def layer() -> Linear:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Linear(3, 2)


def train(module: Linear, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for step in range(steps):
        optimizer.zero_grad()
        module(torch.full((1, 3), step + 1.0)).square().sum().backward()
        optimizer.step()


@recipes
def test_settings_reach_torch(recipe: Optimizer, kind: type, settings: dict[str, Any]) -> None:
    optimizer = recipe.build(layer().parameters())
    assert type(optimizer) is kind
    group = optimizer.param_groups[0]
    assert {name: group[name] for name in ("lr", "weight_decay", *settings)} == {
        "lr": 0.1,
        "weight_decay": 0.2,
        **settings,
    }


@recipes
@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_saved_state_goes_on_to_the_bit(recipe: Optimizer, kind: type, settings: dict[str, Any], before: int) -> None:
    straight, resumed = layer(), layer()
    optimizer = recipe.build(straight.parameters())
    train(straight, optimizer, before)
    resumed.load_state_dict(straight.state_dict())
    other = recipe.build(resumed.parameters())
    packed = load(save(pack_optimizer(optimizer)))
    kept = {name: value.clone() for name, value in packed.items()}
    unpack_optimizer(other, packed)
    train(straight, optimizer, 3)
    train(resumed, other, 3)
    assert resumed.weight.equal(straight.weight)
    assert all(packed[name].equal(value) for name, value in kept.items()), "the optimizer writes into what was loaded"


@pytest.mark.parametrize("name", ["9.exp_avg", "x.exp_avg", "exp_avg", "0.exp_avg"])
def test_the_state_of_other_parameters_is_refused(name: str) -> None:
    with pytest.raises(SweeperError, match=f"^a checkpoint of another optimizer: {name} is \\[4, 3\\]$"):
        unpack_optimizer(Adam().build(layer().parameters()), {name: torch.zeros(4, 3)})
