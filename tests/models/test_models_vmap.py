"""Protects that several models of one shape can be evaluated as one program (torch.func.vmap over their parameters)."""

import pytest
import torch

from models import Backbone, ImageShape, Objective, find, names
from models.presets import VAE

SHAPE = ImageShape(1, 8, 8)
MODELS, BATCH, LATENT = 3, 4, 5


@pytest.fixture(params=names(Backbone))
def together(request, generator):
    preset = VAE(latent_dim=LATENT, backbone=find(Backbone, request.param)())
    members = [preset.build(SHAPE, generator) for _ in range(MODELS)]
    parameters, buffers = torch.func.stack_module_state(members)
    return members, parameters | buffers


class Calls(torch.nn.Module):
    """Runs a function of a model as a forward, for `functional_call`."""

    def __init__(self, model, function) -> None:
        super().__init__()
        self.model, self.function = model, function

    def forward(self, *arguments):
        return self.function(self.model, *arguments)


def fused(members, state, function, *arguments):
    """Return the function of each member, on arguments that they share."""
    call = Calls(members[0], function)
    named = {f"model.{name}": value for name, value in state.items()}
    return torch.func.vmap(lambda own: torch.func.functional_call(call, own, arguments), randomness="different")(named)


@pytest.mark.parametrize(
    "function",
    [
        lambda model, x, z: model.encode(x).mean,
        lambda model, x, z: model.encode(x).kl_to_standard(),
        lambda model, x, z: model.decode(z),
        lambda model, x, z: model.likelihood.log_prob(model.decode(z), x),
    ],
    ids=["encode", "kl", "decode", "log_prob"],
)
def test_the_parts_are_those_of_each_model_alone(together, function, generator) -> None:
    members, state = together
    x = torch.rand(BATCH, *SHAPE, generator=generator).round()
    z = torch.randn(2, BATCH, LATENT, generator=generator)
    results = fused(members, state, function, x, z)
    for member, result in zip(members, results, strict=True):
        torch.testing.assert_close(result, function(member, x, z), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", names(Objective))
def test_every_model_draws_its_own_noise_and_gets_its_own_gradient(together, name: str, generator) -> None:
    members, state = together
    x = torch.rand(BATCH, *SHAPE, generator=generator).round()
    loss_function = find(Objective, name)().losses()["model"]

    def total(own):
        call = Calls(members[0], lambda model: loss_function(model, x, generator, 0.0).total)
        return torch.func.functional_call(call, {f"model.{key}": value for key, value in own.items()}, ())

    same = {key: value[:1].expand(MODELS, *value.shape[1:]) for key, value in state.items()}
    gradients, losses = torch.func.vmap(torch.func.grad_and_value(total), randomness="different")(same)
    assert losses.unique().numel() == MODELS
    assert all(gradient.isfinite().all() for gradient in gradients.values())
