"""Protects the objectives: values and gradients against the formulas as written, and the parts that are logged."""

import math

import pytest
import torch
from linear_gaussian import evidence, gap, images, linear_gaussian
from torch.distributions import Bernoulli, Normal, kl_divergence

from models import Batch, ImageShape, Loss, Moment, Objective, VariationalAutoencoder, find, names
from models.backbones import FullyConnected
from models.objectives import ELBO, IWAE
from models.presets import VAE
from models.schedules import Joint

SHAPE = ImageShape(1, 4, 4)
LATENT, BATCH = 3, 5
OF_AN_AUTOENCODER = [
    name for name in names(Objective) if issubclass(VariationalAutoencoder, find(Objective, name).fits)
]

MORE_TERMS = {"jensen_shannon": ["js"]}


@pytest.fixture
def model(generator) -> VariationalAutoencoder:
    backbone = FullyConnected(hidden=7, activation="tanh")
    return VAE(latent_dim=LATENT, backbone=backbone).build(SHAPE, generator).double()


@pytest.fixture
def x(generator) -> torch.Tensor:
    return torch.rand(BATCH, *SHAPE, generator=generator, dtype=torch.float64).round()


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(11)


def loss_of(objective: Objective, model: VariationalAutoencoder, x: torch.Tensor, epoch: float = 0.0) -> Loss:
    return objective.losses()["model"](model, Batch(x), seeded(), epoch)


def densities(model: VariationalAutoencoder, x: torch.Tensor, k: int):
    """Return q, p(z), z [k, B, L] and log p(x|z) [k, B], independently of the model's own formulas."""
    mean, log_variance = model.encoder(x).chunk(2, -1)
    q, p = Normal(mean, (log_variance / 2).exp()), Normal(torch.zeros_like(mean), torch.ones_like(mean))
    z = mean + q.scale * torch.randn(k, BATCH, LATENT, generator=seeded(), dtype=torch.float64)
    logits = model.decoder(z.view(-1, LATENT)).view(k, BATCH, *SHAPE)
    return q, p, z, Bernoulli(logits=logits).log_prob(x).sum((-3, -2, -1))


def written_elbo(objective: ELBO, model: VariationalAutoencoder, x: torch.Tensor) -> torch.Tensor:
    q, p, _, log_likelihood = densities(model, x, objective.k)
    return -(log_likelihood.mean(0) - objective.beta * kl_divergence(q, p).sum(-1)).mean()


def written_iwae(objective: IWAE, model: VariationalAutoencoder, x: torch.Tensor) -> torch.Tensor:
    q, p, z, log_likelihood = densities(model, x, objective.k)
    weights = (log_likelihood + p.log_prob(z).sum(-1) - q.log_prob(z).sum(-1)).exp()
    return -(weights.sum(0) / objective.k).log().mean()


@pytest.mark.parametrize(
    ("objective", "written"),
    [(ELBO(), written_elbo), (ELBO(beta=0.3, k=4), written_elbo), (IWAE(k=1), written_iwae), (IWAE(k=6), written_iwae)],
    ids=["elbo", "elbo-beta-k", "iwae-1", "iwae-6"],  # A function's own text has its address in it.
)
def test_value_and_gradient_are_those_of_the_written_formula(objective, written, model, x) -> None:
    parameters = list(model.parameters())
    actual, expected = loss_of(objective, model, x).total, written(objective, model, x)
    torch.testing.assert_close(actual, expected)
    for left, right in zip(
        torch.autograd.grad(actual, parameters), torch.autograd.grad(expected, parameters), strict=True
    ):
        torch.testing.assert_close(left, right)


@pytest.mark.parametrize("name", OF_AN_AUTOENCODER)
def test_terms_are_named_finite_detached_and_leave_the_loss_to_autograd(name: str, model, x) -> None:
    loss = loss_of(find(Objective, name)(), model, x)
    assert loss.terms.keys() == {"loss", "reconstruction", "kl", *MORE_TERMS.get(name, ())}
    assert loss.total.requires_grad
    assert torch.equal(loss.terms["loss"], loss.total.detach())
    for term in loss.terms.values():
        assert term.shape == ()
        assert term.isfinite()
        assert not term.requires_grad


@pytest.mark.parametrize("name", OF_AN_AUTOENCODER)
def test_every_objective_has_a_loss_for_every_player_of_the_model(name: str, model) -> None:
    objective = find(Objective, name)()
    assert objective.losses().keys() == model.players().keys()
    objective.check(model)
    Joint().check(model.players())


def test_the_parts_are_in_nats_per_image_and_make_up_the_loss(model, x) -> None:
    q, p, _, log_likelihood = densities(model, x, 1)
    terms = loss_of(ELBO(beta=0.5), model, x).terms
    torch.testing.assert_close(terms["reconstruction"], -log_likelihood.mean().detach())
    torch.testing.assert_close(terms["kl"], kl_divergence(q, p).sum(-1).mean().detach())
    torch.testing.assert_close(terms["loss"], terms["reconstruction"] + 0.5 * terms["kl"])


def test_iwae_reports_the_parts_of_the_elbo_beside_its_bound(model, x) -> None:
    bound, elbo = loss_of(IWAE(k=6), model, x).terms, loss_of(ELBO(k=6), model, x).terms
    torch.testing.assert_close(bound["reconstruction"], elbo["reconstruction"])
    torch.testing.assert_close(bound["kl"], elbo["kl"])


@pytest.mark.parametrize(("epoch", "weight"), [(0, 0.0), (1, 0.2), (2.5, 0.5), (5, 1.0), (9, 1.0)])
def test_warm_up_raises_the_weight_of_the_kl_linearly(epoch: float, weight: float, model, x) -> None:
    terms = loss_of(ELBO(beta=2.0, warmup=5), model, x, epoch).terms
    torch.testing.assert_close(terms["beta"].item(), 2 * weight)
    torch.testing.assert_close(terms["loss"], terms["reconstruction"] + 2 * weight * terms["kl"])


@pytest.mark.parametrize("objective", [ELBO(), IWAE(k=1)], ids=repr)
def test_one_sample_estimates_the_elbo(objective: Objective, generator) -> None:
    model = linear_gaussian(generator, off_by=0.8)
    x = images(1, generator)
    losses = torch.stack([loss_of_many(objective, model, x, generator) for _ in range(20)])
    expected = -(evidence(model, x) - gap(model, x)).item()
    assert abs(losses.mean().item() - expected) < 4 * losses.std().item() / math.sqrt(len(losses))


def loss_of_many(objective: Objective, model: VariationalAutoencoder, x: torch.Tensor, generator) -> torch.Tensor:
    return objective.losses()["model"](model, Batch(x.repeat(500, 1, 1, 1)), generator, 0.0).total.detach()


def test_joint_training_has_one_player_with_all_parameters_in_every_turn(model) -> None:
    players = model.players()
    assert {id(parameter) for parameter in players["model"]} == {id(parameter) for parameter in model.parameters()}
    assert [Joint().turn(Moment(step, 0)) for step in range(3)] == [("model",)] * 3


@pytest.mark.parametrize("name", OF_AN_AUTOENCODER)
def test_training_lowers_the_loss(name: str, generator) -> None:
    objective = find(Objective, name)()
    model = VAE(latent_dim=2, backbone=FullyConnected(hidden=16)).build(SHAPE, generator)
    (player, parameters), *others = model.players().items()
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    patterns = torch.rand(4, *SHAPE, generator=generator).round()
    losses = []
    for step in range(200):
        x = patterns[torch.randint(4, (32,), generator=generator)]
        loss = objective.losses()[player](model, Batch(x), generator, step / 10)
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        losses.append(loss.terms["loss"].item())
    assert others == []
    assert sum(losses[-20:]) < 0.6 * sum(losses[:20])
