"""Protects what is promised of every preset: shapes, supports, players, seeds, saving, and several as one program."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from support.presets import BATCH, CLASSES, TINY, batch_for, built, outputs_of, seeded
from torch import Tensor

from models import GenerativeModel, ImageShape, Model, Moment, find, names
from models.likelihoods import Bernoulli
from models.spaces import UnitInterval

PRESETS = names(Model)
SHAPES = [TINY, ImageShape(1, 28, 28), ImageShape(3, 32, 32)]
LARGE = ImageShape(3, 64, 64)
SUITED = [(name, shape) for name in PRESETS for shape in (*SHAPES, *([LARGE] if name == "residual_vae" else []))]

each = pytest.mark.parametrize("name", PRESETS)


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Whatever a test does, global random state is left alone."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before)


def step(model: GenerativeModel, name: str, player: str, optimizer: torch.optim.Optimizer, epoch: float = 0.0) -> Any:
    """Take one step of a player as the training loop does; return its loss."""
    objective = find(Model, name)().objective()
    loss = objective.losses()[player](model, batch_for(name), seeded(), epoch)
    optimizer.zero_grad()
    loss.total.backward(inputs=model.players()[player])
    optimizer.step()
    objective.constrain(player, model)
    return loss


def optimizers_of(model: GenerativeModel) -> dict[str, torch.optim.Optimizer]:
    return {player: torch.optim.Adam(parameters, lr=1e-3) for player, parameters in model.players().items()}


@pytest.mark.parametrize(("name", "shape"), SUITED, ids=lambda value: str(value) if isinstance(value, str) else None)
def test_it_draws_images_of_every_shape(name: str, shape: ImageShape) -> None:
    model, batch = built(name, shape).eval(), batch_for(name, shape)
    context = model.conditioning.context(batch)
    z = model.prior(BATCH, seeded(), context)
    pictures, samples = model.mean(z, context), model.sample(BATCH, seeded(), context)
    assert z.shape == (BATCH, model.latent_dim)
    assert pictures.shape == samples.shape == (BATCH, *shape)
    assert_pictures(pictures)
    assert_samples(model, samples)
    if model.density is None:
        return
    rebuilt, again = model.density.reconstruct(batch, seeded()), model.density.reconstruct(batch, seeded())
    assert rebuilt.shape == (BATCH, *shape)
    assert_pictures(rebuilt)
    assert torch.equal(rebuilt, again)
    assert model.density.infer(batch).shape == model.density.infer(batch, seeded()).shape == (BATCH, model.latent_dim)


def assert_pictures(images: Tensor) -> None:
    assert not images.requires_grad
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1


def assert_samples(model: GenerativeModel, images: Tensor) -> None:
    """Check the support: binary pixels, grey values, or all numbers for a likelihood on them."""
    assert not images.requires_grad
    assert images.isfinite().all()
    if model.space.binarization != "none":
        assert set(images.unique().tolist()) <= {0.0, 1.0}
    elif isinstance(model.space, Bernoulli | UnitInterval):
        assert_pictures(images)


@pytest.mark.parametrize(("name", "shape"), SUITED, ids=lambda value: str(value) if isinstance(value, str) else None)
def test_at_its_own_size_it_fits_its_own_objective_and_schedule(name: str, shape: ImageShape) -> None:
    preset = find(Model, name)()
    with torch.device("meta"):
        model = preset.compose(shape, CLASSES)
    objective = preset.objective()
    objective.check(model)
    preset.schedule().check(model.players())
    assert objective.warnings(model) == []
    owned = [id(parameter) for parameters in model.players().values() for parameter in parameters]
    assert sorted(owned) == sorted(id(parameter) for parameter in model.parameters()), "every parameter has one player"


@each
def test_it_trains_by_its_own_schedule_with_named_finite_terms(name: str) -> None:
    model, schedule = built(name).train(), find(Model, name)().schedule()
    optimizers, players, latest = optimizers_of(model), tuple(model.players()), {}
    for number in range(3):
        for player in schedule.turn(Moment(number, 0, players, dict(latest))):
            loss = step(model, name, player, optimizers[player])
            assert loss.total.shape == ()
            assert loss.total.requires_grad
            assert loss.terms
            for term in (loss.total.detach(), *loss.terms.values()):
                assert term.shape == ()
                assert term.isfinite()
                assert not term.requires_grad
            latest |= loss.terms
    assert all(value.isfinite().all() for value in model.state_dict().values())
    if len(players) == 1:
        assert "loss" in latest


@each
def test_a_player_changes_its_own_parameters_and_no_others(name: str) -> None:
    model = built(name).train()
    optimizers = optimizers_of(model)
    for player, own in model.players().items():
        before = {id(parameter): parameter.detach().clone() for parameter in model.parameters()}
        step(model, name, player, optimizers[player])
        changed = {id(parameter) for parameter in model.parameters() if not parameter.equal(before[id(parameter)])}
        assert changed
        assert changed <= {id(parameter) for parameter in own}
        assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in own)


@each
def test_the_same_seeds_give_the_same_loss(name: str) -> None:
    losses = find(Model, name)().objective().losses()
    for player, loss in losses.items():
        first, again, other = (
            loss(built(name, seed=seed).train(), batch_for(name), seeded(), 0.0) for seed in (0, 0, 1)
        )
        assert torch.equal(first.total, again.total), player
        assert first.terms.keys() == again.terms.keys()
        assert all(torch.equal(first.terms[key], again.terms[key]) for key in first.terms)
        assert not torch.equal(first.total, other.total), player


@each
def test_what_was_saved_gives_equal_outputs(name: str) -> None:
    model, other = built(name).train(), built(name, seed=1)
    optimizers = optimizers_of(model)
    for player in model.players():
        step(model, name, player, optimizers[player])
    saved = save({key: value.clone() for key, value in model.state_dict().items()})
    other.load_state_dict(load(saved))
    model.eval()
    other.eval()
    for label, function in outputs_of(model, name).items():
        assert torch.equal(function(model), function(other)), label
