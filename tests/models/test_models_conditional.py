"""Protects the conditional autoencoder: every part against torch.distributions; pixels that are told are not scored."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from models import UNKNOWN, Backbone, Batch, Condition, ImageShape, VariationalAutoencoder, find, names
from models.conditions import Label, Pixels
from models.presets import VAE

SHAPE, CLASSES = ImageShape(2, 6, 8), 5
LATENT, BATCH, K = 3, 4, 6
PARTS = ("top", "bottom", "left", "right", "1_quadrant", "2_quadrants", "3_quadrants")
Build = Callable[..., VariationalAutoencoder]


@pytest.fixture
def batch(generator) -> Batch:
    x = torch.rand(BATCH, *SHAPE, generator=generator, dtype=torch.float64).round()
    return Batch(x, torch.randint(CLASSES, (BATCH,), generator=generator))


@pytest.fixture
def build(generator) -> Build:
    def make(condition: Condition, prior: str = "standard", backbone: str = "fc") -> VariationalAutoencoder:
        preset = VAE(latent_dim=LATENT, condition=condition, prior=prior, backbone=find(Backbone, backbone)())
        return preset.build(SHAPE, generator, classes=CLASSES).double()

    return make


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def told(condition: Condition, batch: Batch) -> Tensor:
    """Return the context as it is defined, without the condition's own code."""
    if isinstance(condition, Label):
        return torch.eye(CLASSES, dtype=torch.float64)[batch.y]
    return batch.x[:, :, condition.mask(*SHAPE[1:])].flatten(1)


CONDITIONS = [Label(), Pixels(observed="top"), Pixels(observed="3_quadrants")]
conditions = pytest.mark.parametrize("condition", CONDITIONS, ids=["label", "top", "3_quadrants"])


@conditions
@pytest.mark.parametrize("prior", ["standard", "learned"])
@pytest.mark.parametrize("backbone", names(Backbone))
def test_every_part_of_the_weights_is_a_density_given_the_condition(
    build: Build, batch: Batch, condition: Condition, prior: str, backbone: str
) -> None:
    model = build(condition, prior, backbone)
    context = told(condition, batch)
    terms = model.terms(batch, K, seeded())

    q = normal(model.encoder(batch.x, None, context))
    p = normal(torch.zeros(BATCH, 2 * LATENT).double() if prior == "standard" else model.prior_network(context))
    z = q.mean + q.stddev * torch.randn(K, BATCH, LATENT, generator=seeded(), dtype=torch.float64)
    inputs = torch.cat([z, context.expand(K, *context.shape)], -1)
    logits = model.decoder(inputs.flatten(0, 1)).view(K, BATCH, *SHAPE)
    scored = torch.ones(SHAPE) if isinstance(condition, Label) else ~condition.mask(*SHAPE[1:]).expand(SHAPE)

    expected = (Bernoulli(logits=logits).log_prob(batch.x) * scored).sum((-3, -2, -1))
    torch.testing.assert_close(terms.z, z)
    torch.testing.assert_close(terms.log_likelihood, expected)
    torch.testing.assert_close(terms.log_posterior, q.log_prob(z))
    torch.testing.assert_close(terms.log_prior, p.log_prob(z))
    torch.testing.assert_close(terms.kl, kl_divergence(q, p))
    assert terms.kl_parts.shape == (BATCH, LATENT)


def normal(outputs: Tensor) -> Independent:
    mean, log_variance = outputs.chunk(2, -1)
    return Independent(Normal(mean, (log_variance / 2).exp()), 1)


@conditions
def test_latent_vectors_are_drawn_from_the_prior_given_the_condition(build: Build, batch: Batch, condition) -> None:
    model = build(condition, "learned").float()
    context = model.conditioning.context(Batch(batch.x.float(), batch.y))
    p = normal(model.prior_network(context))
    noise = torch.randn(BATCH, LATENT, generator=seeded())
    torch.testing.assert_close(model.prior(BATCH, seeded(), context), p.mean + p.stddev * noise)


def test_another_label_is_another_distribution(build: Build, batch: Batch) -> None:
    model = build(Label())
    other = Batch(batch.x, (batch.y + 1) % CLASSES)
    assert not torch.isclose(model.log_weights(batch, K, seeded()), model.log_weights(other, K, seeded())).any()


def test_an_unknown_label_is_told_by_zeros(build: Build, batch: Batch) -> None:
    model = build(Label())
    unknown = Batch(batch.x, torch.full_like(batch.y, UNKNOWN))
    assert torch.equal(model.conditioning.context(unknown), torch.zeros(BATCH, CLASSES).double())


def test_images_without_labels_are_refused_in_words(build: Build, batch: Batch) -> None:
    with pytest.raises(ValueError, match="a model with condition label needs images with labels"):
        build(Label()).log_weights(Batch(batch.x), K, seeded())
    with pytest.raises(ValueError, match="condition label needs a data set with labels"):
        VAE(condition=Label()).compose(SHAPE, classes=0)
    with pytest.raises(ValueError, match="prior is learned, but without a condition there is nothing to learn it from"):
        VAE(prior="learned").compose(SHAPE, classes=CLASSES)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_what_its_name_says(part: str) -> None:
    upper, left = torch.zeros(6, 8, dtype=torch.bool), torch.zeros(6, 8, dtype=torch.bool)
    upper[:3], left[:, :4] = True, True
    assert (
        Pixels(observed=part)
        .mask(6, 8)
        .equal(
            {
                "top": upper,
                "bottom": ~upper,
                "left": left,
                "right": ~left,
                "1_quadrant": ~upper & left,
                "2_quadrants": left,
                "3_quadrants": left | upper,
            }[part]
        )
    )


@pytest.mark.parametrize("part", PARTS)
def test_observed_pixels_are_in_every_picture_and_in_no_likelihood(build: Build, batch: Batch, part: str) -> None:
    condition = Pixels(observed=part)
    model = build(condition).float()
    batch = Batch(batch.x.float(), batch.y)
    mask = condition.mask(*SHAPE[1:])
    context = model.conditioning.context(batch)
    z = model.prior(BATCH, seeded(), context)
    for images in (
        model.mean(z, context),
        model.sample(BATCH, seeded(), context),
        model.reconstruct(batch, seeded()),
        model.reconstruct(batch),
    ):
        assert images.shape == batch.x.shape
        assert images[:, :, mask].equal(batch.x[:, :, mask])
    several = model.mean(torch.stack([z, -z]), context)
    assert several[..., mask].equal(batch.x[..., mask].expand(2, -1, -1, -1))
    assert not several[0][..., ~mask].equal(several[1][..., ~mask])

    raw = model.decode(z, context)
    changed = torch.where(mask, raw + 100, raw)
    scores = [
        model.likelihood.log_prob(*map(model.conditioning.unknown, (logits, batch.x))) for logits in (raw, changed)
    ]
    assert torch.equal(*scores)
    assert not torch.isclose(scores[0], model.likelihood.log_prob(raw, batch.x)).any()
