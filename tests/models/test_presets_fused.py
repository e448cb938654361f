"""Protects that presets which say so run as one program: several models under vmap are each what they are alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from fusing import fused, fused_gradients
from support.presets import batch_for, built, outputs_of, seeded
from torch import Tensor

from models import GenerativeModel, Model, find, names

FUSIBLE = [name for name in names(Model) if built(name).fusible]
MODELS = 3


def losses_of(name: str) -> dict[str, Callable[[Any], Tensor]]:
    """Return each player's loss as a function of the model."""

    def fixed(loss: Any) -> Callable[[Any], Tensor]:
        return lambda model: loss(model, batch_for(name), seeded(), 0.0).total

    return {player: fixed(loss) for player, loss in find(Model, name)().objective().losses().items()}


@pytest.mark.parametrize("name", FUSIBLE)
def test_outputs_are_those_of_each_model_alone(name: str) -> None:
    members = [built(name, seed=seed).eval() for seed in range(MODELS)]
    for label, function in outputs_of(members[0], name).items():
        for member, result in zip(members, fused(members, function, "same"), strict=True):
            close(result, function(member), label)


@pytest.mark.parametrize("name", FUSIBLE)
def test_losses_and_gradients_are_those_of_each_model_alone(name: str) -> None:
    """With the same noise for all members."""
    members = [built(name, seed=seed).train() for seed in range(MODELS)]
    for player, function in losses_of(name).items():
        gradients, losses = fused_gradients(members, function, members[0].players()[player], "same")
        for index, member in enumerate(members):
            loss = function(member)
            close(losses[index], loss.detach(), player)
            for key, expected in gradients_alone(member, member.players()[player], loss).items():
                close(gradients[key][index], expected, f"{player}: {key}", 1e-4)


@pytest.mark.parametrize("name", FUSIBLE)
def test_every_model_draws_its_own_noise(name: str) -> None:
    members = [built(name).train() for _ in range(MODELS)]
    for player, function in losses_of(name).items():
        gradients, losses = fused_gradients(members, function, members[0].players()[player])
        assert losses.isfinite().all()
        assert losses.unique().numel() == MODELS, player
        assert all(gradient.isfinite().all() for gradient in gradients.values())


def gradients_alone(model: GenerativeModel, own: list[torch.nn.Parameter], loss: Tensor) -> dict[str, Tensor]:
    places = {id(parameter): name for name, parameter in model.named_parameters()}
    gradients = torch.autograd.grad(loss, own)
    return {places[id(parameter)]: gradient for parameter, gradient in zip(own, gradients, strict=True)}


def close(actual: Tensor, expected: Tensor, label: str, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance, msg=lambda text: f"{label}: {text}")
