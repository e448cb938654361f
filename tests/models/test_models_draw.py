"""Protects DRAW: its weights against the sums over steps of torch.distributions, and against probability adding up."""

import pytest
import torch
from binary_images import all_images
from fusing import fused
from torch import Tensor
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from models import Batch, ImageShape
from models.conditions import Label, Pixels
from models.draw import Draw
from models.presets import DRAW, DRAWWithAttention

SHAPE = ImageShape(1, 8, 8)
STEPS, LATENT, BATCH, K = 3, 2, 4, 5
CLASSES = 3

SMALL = {"steps": STEPS, "latent_dim": LATENT, "hidden": 6}
PRESETS = {
    "whole": DRAW(**SMALL),
    "attention": DRAWWithAttention(**SMALL),
    "label": DRAW(**SMALL, read_size=3, condition=Label()),
}


@pytest.fixture(params=PRESETS)
def model(request, generator) -> Draw:
    return perturbed(PRESETS[request.param].build(SHAPE, generator, classes=CLASSES).double(), generator)


def perturbed(model: Draw, generator: torch.Generator) -> Draw:
    """Return the model with starts other than 0, so that a test sees whether they are used."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return model


@pytest.fixture
def batch(generator) -> Batch:
    x = torch.rand(BATCH, *SHAPE, generator=generator, dtype=torch.float64).round()
    return Batch(x, torch.tensor([0, 1, 2, 1]))


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def replay(model: Draw, batch: Batch, z: Tensor | None = None) -> dict[str, Tensor]:
    """Return the parts of the weights of one path [B, L] for each image, or of that of means, computed step by step."""
    context = model.conditioning.context(batch)
    told = [] if context is None else [context]
    encoder, decoder, canvas = model.encoder.start(BATCH), model.decoder.start(BATCH), model.canvas(BATCH)
    log_prior = log_posterior = torch.zeros(BATCH, dtype=torch.float64)
    path, kl = [], []
    for step in range(STEPS):
        seen = model.reader(batch.x, batch.x - canvas.sigmoid(), decoder.output)
        encoder = model.encoder(torch.cat([seen, decoder.output, *told], -1), encoder)
        mean, log_variance = model.posterior(encoder.output).chunk(2, -1)
        z_t = mean if z is None else z[:, step * LATENT : (step + 1) * LATENT]
        posterior = Normal(mean, (log_variance / 2).exp())
        prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
        log_posterior = log_posterior + posterior.log_prob(z_t).sum(-1)
        log_prior = log_prior + prior.log_prob(z_t).sum(-1)
        path.append(z_t)
        kl.append(kl_divergence(posterior, prior))
        decoder = model.decoder(torch.cat([z_t, *told], -1), decoder)
        canvas = canvas + model.writer(decoder.output)
    return {
        "log_likelihood": Independent(Bernoulli(logits=canvas), 3).log_prob(batch.x),
        "log_prior": log_prior,
        "log_posterior": log_posterior,
        "kl_parts": torch.cat(kl, -1),
        "z": torch.cat(path, -1),
    }


def test_every_part_of_the_weights_is_a_sum_over_the_steps(model: Draw, batch: Batch) -> None:
    terms = model.terms(batch, K, seeded())
    assert terms.z.shape == terms.kl_parts.shape == (K, BATCH, STEPS * LATENT)
    for draw in range(K):
        for name, expected in replay(model, batch, terms.z[draw]).items():
            torch.testing.assert_close(getattr(terms, name)[draw], expected)


def test_images_are_drawn_from_the_latent_vectors_alone(model: Draw, batch: Batch) -> None:
    terms = model.terms(batch, K, seeded())
    context = model.conditioning.context(batch)
    log_likelihood = model.likelihood.log_prob(model.decode(terms.z, context), batch.x)
    torch.testing.assert_close(log_likelihood, terms.log_likelihood)
    torch.testing.assert_close(model.log_likelihood(batch, terms.z), terms.log_likelihood)


@pytest.mark.parametrize("preset", [DRAW(**SMALL), DRAWWithAttention(**SMALL)])
def test_the_weights_of_all_images_add_up_to_one(preset: DRAW, generator) -> None:
    shape = ImageShape(1, 2, 2)
    model = perturbed(preset.build(shape, generator).double(), generator)
    x = all_images(shape)
    log_weights = model.log_weights(Batch(x), 3000, generator).detach()
    sums = log_weights.exp().sum(1)
    error = sums.std().item() / len(sums) ** 0.5
    assert error < 0.02
    assert sums.mean().item() == pytest.approx(1, abs=3 * error)
    assert (log_weights.mean(0) < log_weights.exp().mean(0).log()).all()


def test_a_held_posterior_has_the_gradient_of_the_path_alone(model: Draw, batch: Batch) -> None:
    parameters = list(model.parameters())

    def gradients(log_posterior: Tensor) -> list[Tensor]:
        return torch.autograd.grad(log_posterior.sum(), parameters, allow_unused=True, materialize_grads=True)

    terms, held = model.terms(batch, 1, seeded()), model.terms(batch, 1, seeded(), hold_posterior=True)
    torch.testing.assert_close(held.log_posterior, terms.log_posterior)
    score = gradients(replay(model, batch, terms.z[0].detach())["log_posterior"])
    for path, whole, of_score in zip(gradients(held.log_posterior), gradients(terms.log_posterior), score, strict=True):
        torch.testing.assert_close(path, whole - of_score)
    assert any(of_score.abs().max() > 0.1 for of_score in score)


def test_inference_follows_the_means_or_draws(model: Draw, batch: Batch) -> None:
    z = model.infer(batch)
    drawn = model.infer(batch, seeded())
    assert z.shape == drawn.shape == (BATCH, model.latent_dim)
    assert torch.equal(z, model.infer(batch))
    assert torch.equal(drawn, model.terms(batch, 1, seeded()).z[0])
    torch.testing.assert_close(z, replay(model, batch)["z"])
    assert torch.equal(model.reconstruct(batch), model.mean(z, model.conditioning.context(batch)))


def test_encoder_and_generator_share_all_parameters_among_them(model: Draw, batch: Batch) -> None:
    parts = model.parts()
    assert sorted(map(id, parts["encoder"] + parts["generator"])) == sorted(map(id, model.parameters()))
    z = model.prior(BATCH, seeded()).double()
    drawn = model.decode(z, model.conditioning.context(batch)).sum()
    gradients = torch.autograd.grad(drawn, list(model.parameters()), allow_unused=True)
    used = [
        parameter for parameter, gradient in zip(model.parameters(), gradients, strict=True) if gradient is not None
    ]
    assert set(used) == set(parts["generator"]) - set(model.reader.parameters())


def test_told_pixels_are_in_their_places_and_not_in_the_likelihood(generator) -> None:
    model = DRAW(**SMALL, condition=Pixels(observed="top")).build(SHAPE, generator)
    x = torch.rand(BATCH, *SHAPE, generator=generator).round()
    context = model.conditioning.context(Batch(x))
    assert torch.equal(model.sample(BATCH, generator, context)[:, :, :4], x[:, :, :4])
    terms = model.terms(Batch(x), 1, generator)
    raw = model.decode(terms.z, context)[..., 4:, :]
    expected = Independent(Bernoulli(logits=raw), 3).log_prob(x[:, :, 4:])
    torch.testing.assert_close(terms.log_likelihood, expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda model, batch: model.infer(batch),
        lambda model, batch: model.decode(torch.ones(2, BATCH, model.latent_dim), model.conditioning.context(batch)),
    ],
    ids=["infer", "decode"],
)
@pytest.mark.parametrize("preset", PRESETS)
def test_several_models_run_as_one_program(preset: str, function, batch: Batch, generator) -> None:
    batch = Batch(batch.x.float(), batch.y)
    members = [PRESETS[preset].build(SHAPE, generator, classes=CLASSES) for _ in range(3)]
    together = fused(members, lambda model: function(model, batch))
    for member, result in zip(members, together, strict=True):
        torch.testing.assert_close(result, function(member, batch), rtol=1e-4, atol=1e-5)


def test_the_weights_of_several_models_run_as_one_program(generator, batch: Batch) -> None:
    batch = Batch(batch.x.float())
    members = [PRESETS["attention"].build(SHAPE, generator) for _ in range(2)]
    held = fused(members, lambda model: model.terms(batch, K, generator, hold_posterior=True).log_weights)
    assert held.shape == (2, K, BATCH)
    assert held.isfinite().all()


@pytest.mark.parametrize("preset", [DRAW(**SMALL), DRAWWithAttention(**SMALL)])
@pytest.mark.parametrize("shape", [SHAPE, ImageShape(1, 28, 28), ImageShape(3, 32, 32)])
def test_images_of_every_shape_are_drawn(preset: DRAW, shape: ImageShape, generator) -> None:
    model = preset.build(shape, generator)
    assert model.sample(2, generator).shape == (2, *shape)
    x = torch.rand(2, *shape, generator=generator).round()
    assert model.reconstruct(Batch(x), generator).shape == (2, *shape)
    loss = -model.log_weights(Batch(x), 2, generator).mean()
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    assert all((gradient != 0).any() for gradient in gradients)


def test_global_randomness_is_left_alone(model: Draw, batch: Batch) -> None:
    before = torch.get_rng_state()
    assert torch.equal(model.log_weights(batch, K, seeded()), model.log_weights(batch, K, seeded()))
    assert torch.equal(torch.get_rng_state(), before)
