"""Protects models with an encoder, a generator and a critic: every loss as its formula, and who learns from what."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import logsigmoid

from models import Batch, ImageShape, importance_weighted_bound
from models.adversarial_losses import critic_losses, generator_loss
from models.backbones import FullyConnected
from models.conditions import Label, Pixels
from models.hybrid import CriticizedAutoencoder
from models.objectives import ELBO, IWAE, M2, Adversarial, AdversarialBound, JensenShannon, LearnedSimilarity
from models.presets import VAE, VAEGAN, ConditionalVAEGAN, SemiSupervisedGAN, VanillaGAN
from models.regularizers import Clip, GradientPenalty
from sweeper.training.measures import measurable

SHAPE, CLASSES, BATCH, HALF, LATENT = ImageShape(1, 4, 4), 3, 5, 3, 2
SMALL = FullyConnected(hidden=(7, 6), activation="tanh")
OBJECTIVES = [LearnedSimilarity(), AdversarialBound()]

each_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=["similarity", "bound"])


def small(generator, preset=VAEGAN, **changed) -> CriticizedAutoencoder:
    settings = {"latent_dim": LATENT, "backbone": SMALL, "critic": SMALL} | changed
    return preset(**settings).build(SHAPE, generator, classes=CLASSES).double()


@pytest.fixture
def model(generator) -> CriticizedAutoencoder:
    return small(generator)


@pytest.fixture
def batch(generator) -> Batch:
    return Batch(torch.rand(BATCH, *SHAPE, generator=generator, dtype=torch.float64), torch.arange(BATCH) % CLASSES)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(11)


def normal(n: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(1, n, LATENT, generator=generator, dtype=torch.float64)


def posterior(model: CriticizedAutoencoder, x: torch.Tensor) -> Normal:
    mean, log_variance = model.autoencoder.encoder(x).chunk(2, -1)
    return Normal(mean, (log_variance / 2).exp())


def kl(model: CriticizedAutoencoder, x: torch.Tensor) -> torch.Tensor:
    q = posterior(model, x)
    return kl_divergence(q, Normal(torch.zeros_like(q.mean), 1)).sum(-1).mean()


def pictures(model: CriticizedAutoencoder, z: torch.Tensor) -> torch.Tensor:
    return model.autoencoder.decoder(z).sigmoid()


def from_prior(model: CriticizedAutoencoder, n: int, generator: torch.Generator) -> torch.Tensor:
    return pictures(model, torch.randn(n, LATENT, generator=generator).double())


def scores(model: CriticizedAutoencoder, x: torch.Tensor) -> torch.Tensor:
    return model.critic.network(2 * x - 1).squeeze(-1)


def unlikeness(model: CriticizedAutoencoder, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Return ½ ‖D_l(x) - D_l(x̃)‖² of the critic's first hidden layer."""
    first = model.critic.network[:3]  # flatten, linear, tanh
    return ((first(2 * x - 1) - first(2 * other - 1)) ** 2).sum(-1).mean() / 2


def assert_same(model: CriticizedAutoencoder, player: str, actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected)
    parameters = model.players()[player]
    for left, right in zip(
        torch.autograd.grad(actual, parameters), torch.autograd.grad(expected, parameters), strict=True
    ):
        torch.testing.assert_close(left, right)


# Learned similarity: Larsen et al. 2016, algorithm 1.


@pytest.mark.parametrize(("epoch", "weight"), [(2.0, 0.2), (9.0, 0.4)])
def test_the_encoder_minimizes_divergence_and_unlikeness_in_a_layer(epoch: float, weight: float, model, batch) -> None:
    objective = LearnedSimilarity(layer=1, beta=0.4, warmup=4)
    loss = objective.encoder_loss(model, batch, seeded(), epoch)
    q = posterior(model, batch.x)
    rebuilt = pictures(model, (q.mean + q.stddev * normal(BATCH, seeded())).squeeze(0))
    unlike = unlikeness(model, batch.x, rebuilt)
    in_pixels = -Normal(rebuilt, 0.1).log_prob(batch.x).sum((1, 2, 3)).mean()
    assert_same(model, "encoder", loss.total, weight * kl(model, batch.x) + unlike)
    expected = {"kl": kl(model, batch.x), "feature_reconstruction": unlike, "pixel_reconstruction": in_pixels}
    for name, value in (expected | {"encoder_loss": loss.total}).items():
        torch.testing.assert_close(loss.terms[name], value.detach())


@pytest.mark.parametrize("kind", ["minimax", "non_saturating", "least_squares", "wasserstein"])
def test_the_generator_minimizes_unlikeness_and_its_part_in_the_game(kind, model, batch) -> None:
    loss = LearnedSimilarity(layer=1, similarity=0.3, loss=kind).generator_loss(model, batch, seeded(), 0.0)
    noise, q = seeded(), posterior(model, batch.x)
    rebuilt = pictures(model, (q.mean + q.stddev * normal(BATCH, noise)).squeeze(0))
    fake = scores(model, torch.cat([rebuilt[:HALF], from_prior(model, BATCH - HALF, noise)]))
    game = generator_loss(kind, fake)
    total = 0.3 * unlikeness(model, batch.x, rebuilt) + game
    assert_same(model, "generator", loss.total - kl(model, batch.x), total)
    parts = critic_losses(kind, scores(model, batch.x), fake)
    expected = {"generator_loss": total, "adversarial": game}
    expected |= dict(zip(("critic_real_loss", "critic_fake_loss"), parts, strict=True))
    for name, value in expected.items():
        torch.testing.assert_close(loss.terms[name], value.detach())


@each_objective
def test_the_critic_minimizes_its_part_in_the_game_alone(objective, model, batch) -> None:
    loss = objective.critic_loss(model, batch, seeded(), 0.0)
    noise, q = seeded(), posterior(model, batch.x[:HALF])
    rebuilt = pictures(model, (q.mean + q.stddev * normal(HALF, noise)).squeeze(0))
    fake = torch.cat([rebuilt, from_prior(model, BATCH - HALF, noise)]).detach()
    expected = -logsigmoid(scores(model, batch.x)).mean() - logsigmoid(-scores(model, fake)).mean()
    assert_same(model, "critic", loss.total, expected)
    others = [*model.players()["encoder"], *model.players()["generator"]]
    assert torch.autograd.grad(loss.total, others, allow_unused=True) == (None,) * len(others)


def test_where_a_prior_is_learned_the_generator_learns_it(batch, generator) -> None:
    model = small(generator, ConditionalVAEGAN, prior="learned")
    loss = LearnedSimilarity(similarity=1e-9, loss="wasserstein", beta=7).generator_loss(model, batch, seeded(), 0.0)
    prior = list(model.autoencoder.prior_network.parameters())
    assert {id(parameter) for parameter in prior} <= {id(parameter) for parameter in model.players()["generator"]}
    drawn = model.autoencoder.terms(batch, 1, seeded())
    assert (loss.total - loss.terms["generator_loss"]).item() == pytest.approx(7 * drawn.kl.mean().item())
    assert all(gradient.any() for gradient in torch.autograd.grad(loss.total, prior))


def test_batch_norm_in_the_critic_does_not_hide_what_all_pictures_lack(batch, generator, monkeypatch) -> None:
    model = small(generator, critic=FullyConnected(hidden=6, norm="batch"))
    pale = 0.4 + 0.2 * batch.x
    monkeypatch.setattr(model.autoencoder, "expected", lambda *_: pale)
    apart = model.critic.features(pale, 1) - model.critic.features(batch.x, 1)
    assert apart.abs().max() < 0.01
    terms = LearnedSimilarity(layer=1).encoder_loss(model, batch, seeded(), 0.0).terms
    assert terms["feature_reconstruction"] > 0.3


# A bound with a critic.


@pytest.mark.parametrize("bound", [ELBO(beta=0.5), IWAE(k=3), JensenShannon()], ids=["elbo", "iwae", "jensen_shannon"])
def test_a_bound_is_left_to_the_encoder_and_to_the_generator_beside_the_game(bound, model, batch) -> None:
    objective = AdversarialBound(bound=bound, weight=2.5)
    loss = objective.encoder_loss(model, batch, seeded(), 0.0)
    alone = bound.losses()["model"](model.autoencoder, batch, seeded(), 0.0)
    assert_same(model, "encoder", loss.total, alone.total)
    assert loss.terms.keys() == alone.terms.keys() - {"loss"} | {"bound_loss"}

    loss = objective.generator_loss(model, batch, seeded(), 0.0)
    noise, q = seeded(), posterior(model, batch.x[:HALF])
    rebuilt = pictures(model, (q.mean + q.stddev * normal(HALF, noise)).squeeze(0).detach())
    fake = torch.cat([rebuilt, from_prior(model, BATCH - HALF, noise)])
    game = -logsigmoid(scores(model, fake)).mean()
    expected = bound.losses()["model"](model.autoencoder, batch, noise, 0.0).total + 2.5 * game
    assert_same(model, "generator", loss.total, expected)
    torch.testing.assert_close(loss.terms["generator_loss"], expected.detach())
    torch.testing.assert_close(loss.terms["adversarial"], game.detach())


def test_labelled_images_are_added_as_the_bound_wants_it() -> None:
    assert AdversarialBound(bound=M2(labelled=9)).labelled == 9
    assert AdversarialBound().labelled == LearnedSimilarity().labelled == 0


# Both.


@each_objective
def test_the_encoder_has_no_part_in_the_game(objective, model, batch) -> None:
    """Its loss does not depend on what turns features into scores, and draws have no gradient in it."""
    loss = objective.encoder_loss(model, batch, seeded(), 0.0)
    last = list(model.critic.network[-1].parameters())
    assert torch.autograd.grad(loss.total, last, allow_unused=True) == (None,) * len(last)


@each_objective
@pytest.mark.parametrize("condition", [Label(), Pixels()], ids=lambda kind: type(kind).__name__)
def test_a_condition_is_told_to_the_model_and_to_the_critic(objective, condition, batch, generator) -> None:
    model = small(generator, condition=condition)
    others = Batch(batch.x.flip(0), (batch.y + 1) % CLASSES)
    context, other = model.conditioning.context(batch), model.conditioning.context(others)
    assert not torch.equal(model.critic(batch.x, None, context), model.critic(batch.x, None, other))
    for player, loss in objective.losses().items():
        gradients = torch.autograd.grad(loss(model, batch, seeded(), 0.0).total, model.players()[player])
        assert all(gradient.isfinite().all() for gradient in gradients)
    z = model.prior(BATCH, seeded(), context).double()
    drawn = model.autoencoder.expected(z, context)
    assert drawn.requires_grad
    assert torch.equal(model.mean(z, context), drawn.detach())
    torch.testing.assert_close(model.conditioning.context(Batch(drawn, batch.y)), context)


@each_objective
def test_the_regularizer_is_the_critics(objective, model, batch) -> None:
    clipped = type(objective)(regularizer=Clip(bound=0.01))
    before = [parameter.clone() for parameter in model.autoencoder.parameters()]
    clipped.constrain("generator", model)
    assert max(parameter.abs().max() for parameter in model.critic.parameters()) > 0.01
    clipped.constrain("critic", model)
    assert max(parameter.abs().max() for parameter in model.critic.parameters()) <= 0.01
    assert all(torch.equal(*pair) for pair in zip(before, model.autoencoder.parameters(), strict=True))
    penalized = type(objective)(regularizer=GradientPenalty(), loss="wasserstein")
    assert penalized.critic_loss(model, batch, seeded(), 0.0).terms["penalty"] > 0


@each_objective
def test_what_does_not_fit_is_refused_with_the_reason(objective, generator) -> None:
    for preset in (VAE(), VanillaGAN()):
        with pytest.raises(ValueError, match="is an objective of a CriticizedAutoencoder"):
            objective.check(preset.compose(SHAPE))
    normalized = small(generator, critic=FullyConnected(norm="batch"))
    objective.check(normalized)
    with pytest.raises(ValueError, match="gradient_penalty, but the critic has batch norm"):
        type(objective)(regularizer=GradientPenalty()).check(normalized)
    assert len(type(objective)(regularizer=Clip()).warnings(normalized)) == 1


def test_layers_and_bounds_that_do_not_fit_are_refused_with_the_reason(model) -> None:
    for layer in (0, 3, -3):
        with pytest.raises(ValueError, match=f"layer is {layer}; the critic has 2 hidden layers"):
            LearnedSimilarity(layer=layer).check(model)
    for bound, reason in [
        (M2(), "an objective of a SemiSupervisedModel; this model is a VariationalAutoencoder"),
        (Adversarial(), "an objective of a GAN"),
        (AdversarialBound(), "an objective of a CriticizedAutoencoder"),
    ]:
        with pytest.raises(ValueError, match=f"has a bound that is {reason}"):
            AdversarialBound(bound=bound).check(model)


def test_density_and_pictures_are_those_of_the_model_inside(model, batch) -> None:
    assert model.density is model.autoencoder
    inside = VAE(latent_dim=LATENT, backbone=SMALL, likelihood=model.space).compose(SHAPE).double()
    inside.load_state_dict(model.autoencoder.state_dict())
    bounds = [importance_weighted_bound(density, batch, 4, seeded()) for density in (model.density, inside)]
    assert torch.equal(*bounds)
    z = model.float().prior(BATCH, seeded())
    assert torch.equal(z, inside.float().prior(BATCH, seeded()))
    assert torch.equal(model.mean(z), inside.mean(z))
    assert torch.equal(model.sample(2, seeded()), inside.sample(2, seeded()))


def test_one_that_classifies_is_measured_by_its_error(generator, batch) -> None:
    model = small(generator, SemiSupervisedGAN)
    assert model.classify(batch.x).shape == (BATCH, CLASSES)
    assert "error" in measurable(model, CLASSES)
    plain = small(generator)
    assert plain.classify(batch.x) is None
    assert "error" not in measurable(plain, CLASSES)
