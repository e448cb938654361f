"""Protects the model with two layers of latent variables: its weights against torch.distributions, and their sum."""

import pytest
import torch
from binary_images import all_images
from fusing import fused
from torch import Tensor
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from models import Batch, ImageShape, importance_weighted_bound
from models.backbones import FullyConnected
from models.conditions import Label
from models.hierarchical import HierarchicalAutoencoder
from models.objectives import IWAE
from models.presets import TwoLayerIWAE

SHAPE = ImageShape(1, 8, 8)
LOWER, TOP, BATCH, K = 3, 2, 4, 5

SMALL = {"latent_dim": LOWER, "top_dim": TOP, "backbone": FullyConnected(hidden=8), "top_hidden": 6}


@pytest.fixture(params=["alone", "label"])
def model(request, generator) -> HierarchicalAutoencoder:
    condition = {"condition": Label()} if request.param == "label" else {}
    return TwoLayerIWAE(**SMALL, **condition).build(SHAPE, generator, classes=3).double()


@pytest.fixture
def batch(generator) -> Batch:
    x = torch.rand(BATCH, *SHAPE, generator=generator, dtype=torch.float64).round()
    return Batch(x, torch.tensor([0, 1, 2, 1]))


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def normal(outputs: Tensor) -> Normal:
    mean, log_variance = outputs.chunk(2, -1)
    return Normal(mean, (log_variance / 2).exp())


def told(model: HierarchicalAutoencoder, batch: Batch) -> list[Tensor]:
    context = model.conditioning.context(batch)
    return [] if context is None else [context]


def posteriors(model: HierarchicalAutoencoder, batch: Batch, lower: Tensor) -> tuple[Normal, Normal]:
    """Return q(z1|x) and q(z2|z1)."""
    below = normal(model.encoder(batch.x, None, *told(model, batch)))
    return below, normal(model.top_encoder(torch.cat([lower, *told(model, batch)], -1)))


def test_every_part_of_the_weights_is_the_density_that_its_name_says(model, batch: Batch) -> None:
    terms = model.terms(batch, K, seeded())
    assert terms.z.shape == terms.kl_parts.shape == (K, BATCH, TOP + LOWER)
    for draw in range(K):
        top, lower = terms.z[draw].split([TOP, LOWER], -1)
        below, above = posteriors(model, batch, lower)
        given_top = normal(model.top_decoder(torch.cat([top, *told(model, batch)], -1)))
        standard = Normal(torch.zeros_like(top), torch.ones_like(top))
        raw = model.decoder(torch.cat([lower, *told(model, batch)], -1))
        expected = {
            "log_likelihood": Independent(Bernoulli(logits=raw), 3).log_prob(batch.x),
            "log_prior": standard.log_prob(top).sum(-1) + given_top.log_prob(lower).sum(-1),
            "log_posterior": below.log_prob(lower).sum(-1) + above.log_prob(top).sum(-1),
            "kl_parts": torch.cat(
                [kl_divergence(above, standard), below.log_prob(lower) - given_top.log_prob(lower)], -1
            ),
        }
        for name, value in expected.items():
            torch.testing.assert_close(getattr(terms, name)[draw], value)


def test_the_weights_of_all_images_add_up_to_one(generator) -> None:
    shape = ImageShape(1, 2, 2)
    model = TwoLayerIWAE(**SMALL).build(shape, generator).double()
    log_weights = model.log_weights(Batch(all_images(shape)), 4000, generator).detach()
    sums = log_weights.exp().sum(1)
    error = sums.std().item() / len(sums) ** 0.5
    assert error < 0.02
    assert sums.mean().item() == pytest.approx(1, abs=3 * error)
    bound = importance_weighted_bound(model, Batch(all_images(shape)), 4000, generator)
    torch.testing.assert_close(bound, log_weights.exp().mean(0).log(), rtol=0, atol=0.1)


def test_draws_have_the_distribution_that_they_are_said_to_have(model, batch: Batch) -> None:
    many = model.terms(Batch(batch.x[:1], batch.y[:1]), 20_000, seeded())
    top, lower = many.z[:, 0].split([TOP, LOWER], -1)
    one = Batch(batch.x[:1], batch.y[:1])
    context = [row.expand(len(lower), -1) for row in told(model, one)]
    below = normal(model.encoder(one.x, None, *told(model, one)))
    above = normal(model.top_encoder(torch.cat([lower, *context], -1)))
    for draws, distribution in ((lower, below), (top, above)):
        noise = (draws - distribution.mean) / distribution.stddev
        torch.testing.assert_close(noise.mean(0), torch.zeros_like(noise[0]), rtol=0, atol=0.03)
        torch.testing.assert_close(noise.std(0), torch.ones_like(noise[0]), rtol=0, atol=0.03)


@torch.no_grad()
def test_the_prior_draws_the_lower_layer_given_the_upper(model, batch: Batch) -> None:
    context = model.double().conditioning.context(Batch(batch.x[:1], batch.y[:1]))
    context = None if context is None else context.float().expand(20_000, -1)
    model = model.float()
    top, lower = model.prior(20_000, seeded(), context).split([TOP, LOWER], -1)
    inputs = top if context is None else torch.cat([top, context], -1)
    given_top = normal(model.top_decoder(inputs))
    for noise in (top, (lower - given_top.mean) / given_top.stddev):
        torch.testing.assert_close(noise.mean(0), torch.zeros_like(noise[0]), rtol=0, atol=0.03)
        torch.testing.assert_close(noise.std(0), torch.ones_like(noise[0]), rtol=0, atol=0.03)


def test_a_held_posterior_has_the_gradient_of_the_path_alone(model, batch: Batch) -> None:
    parameters = [*model.encoder.parameters(), *model.top_encoder.parameters()]
    terms, held = model.terms(batch, 1, seeded()), model.terms(batch, 1, seeded(), hold_posterior=True)
    torch.testing.assert_close(held.log_posterior, terms.log_posterior)
    top, lower = terms.z[0].detach().split([TOP, LOWER], -1)
    below, above = posteriors(model, batch, lower)
    at_the_draw = below.log_prob(lower).sum(-1) + above.log_prob(top).sum(-1)

    whole, path, score = (
        torch.autograd.grad(log_posterior.sum(), parameters, allow_unused=True, materialize_grads=True)
        for log_posterior in (terms.log_posterior, held.log_posterior, at_the_draw)
    )
    for of_path, of_whole, of_score in zip(path, whole, score, strict=True):
        torch.testing.assert_close(of_path, of_whole - of_score)


def test_images_are_of_the_lower_layer_alone(model, batch: Batch) -> None:
    context = model.conditioning.context(batch)
    z = model.infer(batch)
    other = torch.cat([z[:, :TOP] + 1, z[:, TOP:]], -1)
    assert torch.equal(model.mean(z, context), model.mean(other, context))
    assert torch.equal(model.mean(z, context), model.reconstruct(batch))
    below, above = posteriors(model, batch, z[:, TOP:])
    torch.testing.assert_close(z, torch.cat([above.mean, below.mean], -1))
    torch.testing.assert_close(model.infer(batch, seeded()), model.terms(batch, 1, seeded()).z[0])


def test_its_preset_is_the_model_of_the_paper(generator) -> None:
    preset = TwoLayerIWAE()
    shapes = [tuple(parameter.shape) for parameter in preset.build(ImageShape(1, 28, 28), generator).parameters()]
    weights = [shape for shape in shapes if len(shape) == 2]
    assert weights == [
        *((200, 784), (200, 200), (200, 200)),
        *((100, 100), (100, 100), (100, 100)),
        *((100, 50), (100, 100), (200, 100)),
        *((200, 100), (200, 200), (784, 200)),
    ]
    assert preset.objective() == IWAE(k=5)


def test_encoders_and_decoders_share_all_parameters_among_them(model) -> None:
    parts = model.parts()
    assert {*parts["encoder"]} == {*model.encoder.parameters(), *model.top_encoder.parameters()}
    assert {*parts["generator"]} == {*model.decoder.parameters(), *model.top_decoder.parameters()}


@pytest.mark.parametrize("shape", [SHAPE, ImageShape(1, 28, 28), ImageShape(3, 32, 32)])
def test_images_of_every_shape_are_drawn(shape: ImageShape, generator) -> None:
    model = TwoLayerIWAE().build(shape, generator)
    assert model.sample(2, generator).shape == (2, *shape)
    x = torch.rand(2, *shape, generator=generator).round()
    assert model.reconstruct(Batch(x), generator).shape == (2, *shape)
    gradients = torch.autograd.grad(model.log_weights(Batch(x), 2, generator).mean(), list(model.parameters()))
    assert all((gradient != 0).any() for gradient in gradients)


def test_several_models_run_as_one_program(generator, batch: Batch) -> None:
    batch = Batch(batch.x.float())
    members = [TwoLayerIWAE(**SMALL).build(SHAPE, generator) for _ in range(3)]
    together = fused(members, lambda model: model.infer(batch))
    for member, result in zip(members, together, strict=True):
        torch.testing.assert_close(result, member.infer(batch), rtol=1e-4, atol=1e-5)
    weights = fused(members, lambda model: model.terms(batch, K, generator, hold_posterior=True).log_weights)
    assert weights.isfinite().all()
