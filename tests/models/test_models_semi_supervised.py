"""Protects the semi-supervised model: its sums over classes against enumerations written out, and what it draws."""

import math

import pytest
import torch
from fusing import fused_gradients
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from models import UNKNOWN, Batch, ImageShape, importance_weighted_bound
from models.backbones import FullyConnected
from models.objectives import ELBO, M2
from models.presets import SemiSupervisedVAE
from models.semi_supervised import SemiSupervisedModel

SHAPE, LATENT, CLASSES, B = ImageShape(1, 3, 3), 2, 4, 6
LABELS = torch.tensor([2, UNKNOWN, 0, UNKNOWN, 3, UNKNOWN])
KNOWN = LABELS != UNKNOWN


def build(generator, latent_dim: int = LATENT) -> SemiSupervisedModel:
    preset = SemiSupervisedVAE(latent_dim=latent_dim, backbone=FullyConnected(hidden=7, activation="tanh"))
    return preset.build(SHAPE, generator, classes=CLASSES).double()


@pytest.fixture
def model(generator) -> SemiSupervisedModel:
    return build(generator)


@pytest.fixture
def batch(generator) -> Batch:
    return Batch(torch.rand(B, *SHAPE, generator=generator, dtype=torch.float64).round(), LABELS)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(11)


def enumerated(model: SemiSupervisedModel, x: torch.Tensor, k: int):
    """Return for each class y: log p(x|y, z), log p(z), log q(z|x, y), each [k, B], and KL(q(z|x, y) ‖ p(z)) [B]."""
    noise = torch.randn(k, CLASSES * B, LATENT, generator=seeded(), dtype=torch.float64).view(k, CLASSES, B, LATENT)
    for y in range(CLASSES):
        label = torch.eye(CLASSES, dtype=torch.float64)[y].expand(B, -1)
        mean, log_variance = model.autoencoder.encoder(x, None, label).chunk(2, -1)
        q, p = Normal(mean, (log_variance / 2).exp()), Normal(torch.zeros_like(mean), torch.ones_like(mean))
        z = mean + q.scale * noise[:, y]
        logits = model.autoencoder.decoder(torch.cat([z, label.expand(k, -1, -1)], -1).flatten(0, 1))
        likelihood = Bernoulli(logits=logits.view(k, B, *SHAPE)).log_prob(x).sum((-3, -2, -1))
        yield likelihood, p.log_prob(z).sum(-1), q.log_prob(z).sum(-1), kl_divergence(q, p).sum(-1)


def written_bounds(model: SemiSupervisedModel, x: torch.Tensor, weight: float = 1.0):
    """Return -L(x, y) [Y, B] and U(x) [B] of the paper."""
    bounds = torch.stack(
        [likelihood[0] - math.log(CLASSES) - weight * kl for likelihood, _, _, kl in enumerated(model, x, 1)]
    )
    q = Categorical(logits=model.classifier(x))
    return bounds, (q.probs.t() * bounds).sum(0) + q.entropy()


def loss_of(objective, model: SemiSupervisedModel, batch: Batch, epoch: float = 0.0):
    return objective.losses()["model"](model, batch, seeded(), epoch)


def test_labelled_and_unlabelled_images_count_with_their_own_bounds(model, batch) -> None:
    loss = loss_of(M2(alpha=0.3), model, batch)
    bounds, unlabelled = written_bounds(model, batch.x)
    labelled = bounds[LABELS[KNOWN], KNOWN.nonzero().squeeze(-1)]
    q = Categorical(logits=model.classifier(batch.x))
    classification = -q.log_prob(LABELS.clamp(min=0))[KNOWN].mean()
    torch.testing.assert_close(loss.total, 0.3 * classification - (labelled.sum() + unlabelled[~KNOWN].sum()) / B)
    expected = {
        "loss": loss.total,
        "labelled": -labelled.mean(),
        "unlabelled": -unlabelled[~KNOWN].mean(),
        "classification": classification,
        "entropy": q.entropy()[~KNOWN].mean(),
        "error": (q.probs.argmax(-1) != LABELS)[KNOWN].double().mean(),
    }
    assert loss.terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(loss.terms[name], value.detach(), msg=name)


@pytest.mark.parametrize("labels", [torch.arange(B) % CLASSES, torch.full((B,), UNKNOWN), None], ids=str)
def test_batches_without_one_kind_of_images(labels, model, batch) -> None:
    loss = loss_of(M2(alpha=0.3), model, Batch(batch.x, labels))
    bounds, unlabelled = written_bounds(model, batch.x)
    if labels is None or labels[0] == UNKNOWN:
        expected = -unlabelled.mean()
        assert loss.terms["labelled"] == loss.terms["classification"] == loss.terms["error"] == 0
    else:
        classification = -Categorical(logits=model.classifier(batch.x)).log_prob(labels).mean()
        expected = 0.3 * classification - bounds[labels, torch.arange(B)].mean()
        assert loss.terms["unlabelled"] == loss.terms["entropy"] == 0
    torch.testing.assert_close(loss.total, expected)
    loss.total.backward()
    for parameter in model.parameters():
        assert parameter.grad.isfinite().all()


def test_several_models_learn_as_one_program(generator, batch) -> None:
    members = [build(generator) for _ in range(3)]

    def total(model: SemiSupervisedModel) -> torch.Tensor:
        return loss_of(M2(), model, batch).total

    found, values = fused_gradients(members, total, list(members[0].parameters()), randomness="same")
    for index, member in enumerate(members):
        alone = total(member)
        torch.testing.assert_close(values[index], alone)
        for (name, _), gradient in zip(
            member.named_parameters(), torch.autograd.grad(alone, list(member.parameters())), strict=True
        ):
            torch.testing.assert_close(found[name][index], gradient)


def test_the_warm_up_weights_the_kl_of_z_alone(model, batch) -> None:
    loss = loss_of(M2(warmup=4), model, Batch(batch.x), epoch=1.0)
    torch.testing.assert_close(loss.total, -written_bounds(model, batch.x, weight=0.25)[1].mean())


def test_the_weights_sum_the_classes_exactly(model, batch) -> None:
    k = 3
    terms = model.terms(batch, k, seeded())
    by_class = torch.stack([likelihood + prior - q for likelihood, prior, q, _ in enumerated(model, batch.x, k)], 1)
    torch.testing.assert_close(terms.log_weights, by_class.exp().mean(1).log())
    torch.testing.assert_close(model.weigher(batch)(k, seeded()).log_weights, terms.log_weights)


def test_the_parts_are_those_of_the_unlabelled_bound(model, batch) -> None:
    loss = loss_of(ELBO(), model, batch)
    torch.testing.assert_close(loss.total, -written_bounds(model, batch.x)[1].mean())
    terms = model.terms(batch, 3, seeded())
    q = Categorical(logits=model.classifier(batch.x))
    torch.testing.assert_close(terms.kl_parts[:, 0], math.log(CLASSES) - q.entropy())
    assert terms.kl_parts.shape == (B, 1 + LATENT)
    parts = terms.log_likelihood + terms.log_prior - terms.log_posterior
    assert (parts <= terms.log_weights + 1e-12).all(), "by Jensen's inequality"


def evidence(model: SemiSupervisedModel, x: torch.Tensor) -> torch.Tensor:
    """Return log p(x) [B] of a model with one latent variable, integrated on a grid."""
    z = torch.linspace(-8, 8, 2001, dtype=torch.float64)
    density = torch.zeros(len(x), dtype=torch.float64)
    for label in torch.eye(CLASSES, dtype=torch.float64):
        logits = model.autoencoder.decoder(torch.cat([z[:, None], label.expand(len(z), -1)], -1))
        likelihood = Bernoulli(logits=logits[:, None]).log_prob(x).sum((-3, -2, -1)).exp()
        prior = Normal(0.0, 1.0).log_prob(z).exp()[:, None]
        density += torch.trapezoid(likelihood * prior, z, dim=0) / CLASSES
    return density.log()


@torch.no_grad()
def test_every_bound_is_below_the_evidence_and_reaches_it(generator, batch) -> None:
    model = build(generator, latent_dim=1)
    exact = evidence(model, batch.x)
    drawn = model.terms(batch, 20_000, generator)
    unlabelled, summed = drawn.log_likelihood.mean(0) - drawn.kl, drawn.log_weights.mean(0)
    assert (unlabelled < summed).all()
    assert (summed < exact).all()
    tight = importance_weighted_bound(model, batch, 20_000, generator)
    torch.testing.assert_close(tight, exact, atol=0.01, rtol=0)


def test_latent_vectors_are_class_and_style(model, batch, generator) -> None:
    assert model.latent_dim == CLASSES + LATENT
    drawn = model.prior(2000, generator)[:, :CLASSES]
    assert set(drawn.flatten().tolist()) == {0.0, 1.0}
    assert drawn.sum(-1).eq(1).all()
    assert ((drawn.mean(0) - 1 / CLASSES).abs() < 0.05).all()
    z = model.infer(batch)
    assert z[:, :CLASSES].argmax(-1).equal(model.classify(batch.x).argmax(-1))
    terms = model.terms(batch, 2, generator)
    assert terms.z.shape == (2, B, model.latent_dim)
    assert terms.z[:, :, :CLASSES].equal(z[:, :CLASSES].expand(2, -1, -1))


def test_inference_draws_classes_from_the_classifier(model, batch) -> None:
    repeated = Batch(batch.x[:1].repeat(3000, 1, 1, 1))
    share = model.infer(repeated, seeded())[:, :CLASSES].mean(0)
    torch.testing.assert_close(share, model.classify(batch.x[:1]).softmax(-1)[0], atol=0.04, rtol=0)


def test_a_label_that_is_told_comes_in_the_place_of_the_class(model, batch, generator) -> None:
    told = model.conditioning.context(batch).double()
    z = model.prior(B, generator, told).double()
    assert z[KNOWN, :CLASSES].equal(told[KNOWN])
    assert z[~KNOWN, :CLASSES].sum(-1).eq(1).all(), "unknown labels are drawn"
    other = z.clone()
    other[:, :CLASSES] = torch.eye(CLASSES)[0]
    torch.testing.assert_close(model.mean(other, told)[KNOWN], model.mean(z)[KNOWN])
    torch.testing.assert_close(model.mean(other, told)[~KNOWN], model.mean(other)[~KNOWN])
    expected = model.autoencoder.mean(z[:, CLASSES:], z[:, :CLASSES])
    torch.testing.assert_close(model.mean(z), expected)


def test_reconstructions_are_of_the_class_that_the_model_finds(model, batch) -> None:
    wrong = Batch(batch.x, (model.classify(batch.x).argmax(-1) + 1) % CLASSES)
    torch.testing.assert_close(model.reconstruct(wrong), model.mean(model.infer(batch)))


def test_encoder_and_generator_share_no_parameters_and_the_classifier_is_of_the_encoder(model) -> None:
    parts = model.parts()
    encoder, generator = ({id(parameter) for parameter in parts[name]} for name in ("encoder", "generator"))
    assert not encoder & generator
    assert encoder | generator == {id(parameter) for parameter in model.parameters()}
    assert {id(parameter) for parameter in model.classifier.parameters()} < encoder
    assert generator == {id(parameter) for parameter in model.autoencoder.decoder.parameters()}


def test_images_without_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="needs a data set with labels"):
        SemiSupervisedVAE().compose(SHAPE, classes=0)
