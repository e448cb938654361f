"""Protects what is said of latent variables: which are active, what each costs, and bits per grey level."""

import math

import pytest
import torch
from support.presets import CLASSES, TINY, batch_for, built, seeded

from models import Batch, Model, names
from models.conditions import Pixels
from models.likelihoods import Bernoulli, Beta, ContinuousBernoulli, DiscretizedLogistic, Gaussian, Likelihood
from models.presets import VAE
from sweeper.training.data import Images, Split
from sweeper.training.job import Precision
from sweeper.training.measures import MEASURES, RANKED
from sweeper.training.measures.base import Subject
from sweeper.training.measures.density import Density
from sweeper.training.measures.latents import ACTIVE, Latents, kl_by_part, variance_by_unit

COUNT, LATENT = 40, 4
WITH_DENSITY = [name for name in names(Model) if built(name).density is not None]


def images() -> Images:
    split = Split(torch.zeros(5, *TINY, dtype=torch.uint8), torch.zeros(5, dtype=torch.int64))
    return Images(split, split, split, CLASSES)


def subject_of(model, batch: Batch, ranked_by: str = "nll") -> Subject:
    return Subject(model.eval(), batch, Precision(5, None), ranked_by, seeded)


def measured(model, batch: Batch) -> float:
    return Latents(images())(subject_of(model, batch))["active_units"]


@pytest.fixture
def batch() -> Batch:
    return Batch(torch.rand(COUNT, *TINY, generator=seeded()).round(), torch.arange(COUNT) % CLASSES)


@pytest.mark.parametrize("used", range(LATENT + 1))
def test_a_unit_is_active_if_its_mean_varies(used: int, batch: Batch) -> None:
    """The encoder of a model is made deaf to images in all but some units."""
    model = VAE(latent_dim=LATENT).build(TINY, seeded())
    last = [layer for layer in model.encoder.modules() if isinstance(layer, torch.nn.Linear)][-1]
    with torch.no_grad():
        last.weight *= 10
        last.weight[used:LATENT] = 0
        last.bias.fill_(3)
    assert measured(model, batch) == used
    means = model.encode(batch).mean
    expected = ((means - means.mean(0)) ** 2).mean(0)
    found = variance_by_unit(model, subject_of(model, batch))
    torch.testing.assert_close(found, expected.detach())
    assert (found > ACTIVE).tolist() == [unit < used for unit in range(LATENT)]


def test_a_model_without_numbers_has_no_number_of_units(batch: Batch) -> None:
    model = VAE(latent_dim=LATENT).build(TINY, seeded())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(math.nan)
    assert math.isnan(measured(model, batch))


@pytest.mark.parametrize("name", WITH_DENSITY)
def test_every_preset_has_a_variance_and_a_kl_of_every_unit(name: str) -> None:
    model = built(name).eval()
    subject = subject_of(model, batch_for(name))
    units = model.density.noise_dim
    assert variance_by_unit(model.density, subject).shape == (units,)
    parts = kl_by_part(model.density, subject)
    assert parts.shape == (units + ("m2" in name),)
    assert parts.sum().item() == pytest.approx(Density(images())(subject)["kl"], rel=1e-4)
    assert 0 <= Latents(images())(subject)["active_units"] <= units


def test_of_m2_the_style_of_the_most_probable_class_is_measured() -> None:
    model, batch = built("m2").eval(), batch_for("m2")
    label = model.classify(batch.x).argmax(-1)
    styles = model.autoencoder.infer(Batch(batch.x, label))
    found = variance_by_unit(model, subject_of(model, batch))
    torch.testing.assert_close(found, styles.var(0, correction=0).detach())


def test_what_has_no_density_has_no_units() -> None:
    applies = {name for name in names(Model) if Latents.applies(built(name), CLASSES)}
    assert applies == set(WITH_DENSITY)
    assert Latents in MEASURES
    assert "active_units" not in RANKED


def test_parts_of_a_large_split_make_up_the_whole(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    model = VAE(latent_dim=LATENT).build(TINY, seeded())
    subject = subject_of(model, batch)
    whole = variance_by_unit(model, subject)
    monkeypatch.setattr("sweeper.training.measures.latents.AT_ONCE", 7)
    torch.testing.assert_close(variance_by_unit(model, subject), whole)
    assert kl_by_part(model, subject).shape == (LATENT,)


WIDTHS = [
    (Bernoulli(), None),
    (Bernoulli(binarization="static"), None),
    (Bernoulli(binarization="none"), None),
    (ContinuousBernoulli(), None),
    (DiscretizedLogistic(), 1),
    (Beta(), 1 / 256),
    (Gaussian(), 1 / 256),
]


@pytest.mark.parametrize(("likelihood", "width"), WIDTHS, ids=str)
@pytest.mark.parametrize("told", [False, True], ids=["alone", "pixels"])
def test_bits_are_those_of_a_grey_level_that_is_explained(likelihood: Likelihood, width, told: bool) -> None:
    condition = {"condition": Pixels(observed="3_quadrants")} if told else {}
    shape = TINY._replace(channels=3)
    model = VAE(latent_dim=LATENT, likelihood=likelihood, **condition).build(shape, seeded())
    grey = torch.randint(0, 256, (6, *shape), generator=seeded(), dtype=torch.uint8)
    batch = Batch(model.space.prepare(grey, seeded()))
    found = Density(images())(subject_of(model, batch))
    if width is None:
        assert "bits_per_dim" not in found
        return
    values = shape.pixels / (4 if told else 1)
    level = 8 if width < 1 else 0
    assert found["bits_per_dim"] == pytest.approx(found["nll"] / values / math.log(2) + level, rel=1e-6)
    assert "bits_per_dim" not in Density(images())(subject_of(model, batch, "fld"))


@torch.no_grad()
@pytest.mark.parametrize("likelihood", [DiscretizedLogistic(), Beta(), Gaussian(scale=0.05)], ids=str)
def test_a_level_width_makes_probabilities_of_levels(likelihood: Likelihood) -> None:
    """Over all levels of one pixel they add up to 1, a density being taken in the middle of each level."""
    levels = torch.arange(256.0).view(-1, 1, 1, 1)
    x = levels / 255 if likelihood.level_width == 1 else (levels + 0.5) / 256
    raw = torch.zeros(256, likelihood.raw_channels(1), 1, 1)
    raw[:, 1:] = 3
    total = (likelihood.log_prob(raw, x).exp() * likelihood.level_width).sum().item()
    assert total == pytest.approx(1, abs=1e-4)
