"""Protects the yardstick of samples: it rises with every fault, sees every model on equal terms, and bears anything."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from learned_by_heart import Drawing, Labelled, labels_of, pool, subject
from torch import Tensor

from models import Batch, GenerativeModel, ImageShape
from models.conditions import Condition, Label, Pixels
from models.likelihoods import Bernoulli
from models.presets import VAE, Model
from models.presets.hybrids import SemiSupervisedGAN
from models.presets.semi_supervised import SemiSupervisedVAE
from models.semi_supervised import SemiSupervisedModel
from sweeper.training.data import Images
from sweeper.training.data.digits import Digits
from sweeper.training.evaluation import METRICS, Evaluator
from sweeper.training.job import Evaluation, Precision
from sweeper.training.measures import measurable, measures_of
from sweeper.training.measures.quality import SAMPLES, Quality

SHAPE = ImageShape(1, 8, 8)
DISTANCES = {"fld", "kid", "kid_low", "kid_high"}
SHARES = {"precision", "recall", "density", "coverage"}


@pytest.fixture(scope="module")
def digits() -> Images:
    return Digits().load()


@pytest.fixture(scope="module")
def quality(digits: Images) -> Quality:
    return Quality(digits)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def assert_rises(found: list[float], by: float) -> None:
    assert all(less < more for less, more in pairwise(found)), found
    assert found[-1] > by * found[0]


def distances(quality: Quality, digits: Images, models: list[GenerativeModel]) -> tuple[list[float], list[float]]:
    found = [quality(subject(model, digits)) for model in models]
    return [one["fld"] for one in found], [one["kid"] for one in found]


def test_it_has_the_numbers_that_the_table_describes(digits: Images, quality: Quality) -> None:
    found = quality(subject(Drawing(pool(digits)), digits))
    assert set(found) == DISTANCES | SHARES | {"fld_floor", "modes", "class_kl", "confidence"}
    assert all(type(value) is float for value in found.values())


def test_real_images_are_without_a_fault(digits: Images, quality: Quality) -> None:
    found = quality(subject(Drawing(pool(digits)), digits))
    assert 0 < found["fld_floor"] < found["fld"] < 3 * found["fld_floor"]
    assert found["kid_low"] < 0 < found["kid_high"]
    assert found["kid_low"] < found["kid"] < found["kid_high"]
    assert min(found["precision"], found["recall"], found["coverage"]) > 0.85
    assert found["density"] == pytest.approx(1, abs=0.15)
    assert found["modes"] == 10
    assert found["class_kl"] < 0.02
    assert found["confidence"] > 0.95


@pytest.mark.parametrize("missing", [0, 1, 5])
def test_the_classes_that_samples_lack_are_counted(digits: Images, quality: Quality, missing: int) -> None:
    found = quality(subject(Drawing(pool(digits, missing)), digits))
    assert found["modes"] == 10 - missing
    assert found["class_kl"] == pytest.approx(math.log(10 / (10 - missing)), abs=0.02)


def test_without_half_of_the_classes_samples_are_as_precise_but_cover_half(digits: Images, quality: Quality) -> None:
    whole, half = (quality(subject(Drawing(pool(digits, missing)), digits)) for missing in (0, 5))
    assert half["precision"] == pytest.approx(whole["precision"], abs=0.05)
    assert half["coverage"] < 0.65 * whole["coverage"]
    assert half["recall"] < 0.65 * whole["recall"]


def test_the_distances_rise_with_noise(digits: Images, quality: Quality) -> None:
    fld, kid = distances(quality, digits, [Drawing(pool(digits), noise) for noise in (0, 0.1, 0.2, 0.3, 0.4)])
    assert_rises(fld, by=3)
    assert_rises(kid, by=3)


def test_the_distances_rise_with_blur(digits: Images, quality: Quality) -> None:
    sharp, blurred = pool(digits), torch.nn.functional.avg_pool2d(pool(digits), 3, stride=1, padding=1)
    mixed = [Drawing(sharp.lerp(blurred, weight)) for weight in (0, 0.25, 0.5, 0.75, 1)]
    fld, kid = distances(quality, digits, mixed)
    assert_rises(fld, by=3)
    assert_rises(kid, by=3)


def test_the_distances_rise_with_every_missing_class(digits: Images, quality: Quality) -> None:
    fld, kid = distances(quality, digits, [Drawing(pool(digits, missing)) for missing in (0, 1, 3, 5, 7, 9)])
    assert_rises(fld, by=3)
    assert_rises(kid, by=3)


def test_the_distances_rise_with_duplicates(digits: Images, quality: Quality) -> None:
    fld, kid = distances(quality, digits, [Drawing(pool(digits)[:size]) for size in (None, 100, 30, 10, 3)])
    assert_rises(fld, by=3)
    assert_rises(kid, by=3)


def test_the_unit_of_the_features_matters_to_the_frechet_distance_alone(
    digits: Images, quality: Quality, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Drawing(pool(digits, 2))
    found = quality(subject(model, digits))
    features = quality._classifier.features
    monkeypatch.setattr(quality._classifier, "features", lambda images: 8 * features(images))
    scaled = quality(subject(model, digits))
    assert scaled["fld"] == pytest.approx(64 * found["fld"])
    for name in (DISTANCES | SHARES) - {"fld"}:
        assert scaled[name] == pytest.approx(found[name], rel=1e-4), name


def test_black_and_white_samples_are_compared_with_black_and_white_images(digits: Images, quality: Quality) -> None:
    drawn = torch.bernoulli(pool(digits), generator=torch.Generator().manual_seed(3))
    found = quality(subject(Drawing(drawn, space=Bernoulli()), digits))
    strange = quality(subject(Drawing(drawn), digits))
    assert found["fld"] < 3 * found["fld_floor"]
    assert strange["fld"] > 1.2 * found["fld"]


def test_a_model_of_classes_is_not_told_those_of_the_held_out_images(digits: Images, quality: Quality) -> None:
    model = Labelled(pool(digits), labels_of(digits))
    measured = subject(model, digits)
    assert measured.batch.y is not None
    threes = replace(measured, batch=Batch(measured.batch.x, torch.full_like(measured.batch.y, 3)))
    assert quality(threes) == quality(measured)


def test_it_is_told_classes_in_the_shares_of_all_training_images(digits: Images) -> None:
    uneven = (labels_of(digits) > 0) | (torch.arange(len(labels_of(digits))) % 4 == 0)
    train = replace(digits.train, images=digits.train.images[uneven], labels=labels_of(digits)[uneven])
    images = replace(digits, train=train).told(20)
    model = Labelled(pool(digits), labels_of(digits))
    Quality(images)(subject(model, images))
    told = torch.cat([context for context in model.told if context is not None]).mean(0)
    assert train.labels is not None
    shares = train.labels.bincount() / len(train)
    assert (told - shares).abs().max() < 4 * (0.1 * 0.9 / SAMPLES) ** 0.5


def test_a_model_that_is_told_pixels_is_told_those_of_the_held_out_images(digits: Images, quality: Quality) -> None:
    conditioning = Pixels(observed="top").bind(SHAPE, 10)
    measured = subject(Drawing(pool(digits), conditioning=conditioning), digits)
    quality(measured)
    told = torch.cat(measured.model.told)
    assert told.equal(conditioning.context(measured.batch).repeat(SAMPLES // 250, 1))


@pytest.mark.parametrize("preset", [SemiSupervisedVAE, SemiSupervisedGAN])
def test_a_semi_supervised_model_draws_its_classes_itself(
    digits: Images, quality: Quality, preset: type[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Tensor] = []
    prior = SemiSupervisedModel.prior

    def heard(model: SemiSupervisedModel, n: int, generator: torch.Generator, context: Tensor) -> Tensor:
        told.append(context)
        return prior(model, n, generator, context)

    monkeypatch.setattr(SemiSupervisedModel, "prior", heard)
    quality(subject(preset(latent_dim=2).build(SHAPE, seeded(), classes=10), digits))
    assert torch.cat(told).equal(torch.zeros(SAMPLES, 10))


@pytest.mark.parametrize(
    ("preset", "conditioning"),
    [
        (VAE(), ""),
        (VAE(condition=Label()), ""),
        (VAE(condition=Pixels(observed="top")), "pixels:top"),
        (SemiSupervisedVAE(), ""),
        (SemiSupervisedGAN(), ""),
    ],
)
def test_only_models_of_the_rest_of_an_image_are_on_another_scale(preset: Model, conditioning: str) -> None:
    model = preset.compose(SHAPE, classes=10)
    assert Quality.scale(model, Precision(1, None))["conditioning"] == conditioning


@pytest.mark.parametrize("condition", [Label(), Pixels(observed="top")])
def test_conditional_models_are_measured(digits: Images, quality: Quality, condition: Condition) -> None:
    found = quality(subject(VAE(latent_dim=2, condition=condition).build(SHAPE, seeded(), classes=10), digits))
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize(("count", "drawn"), [(30, SAMPLES), (250, SAMPLES)])
def test_there_are_enough_samples_whatever_the_number_of_images(
    digits: Images, quality: Quality, count: int, drawn: int
) -> None:
    model = Drawing(pool(digits))
    quality(subject(model, digits, count))
    assert model.drawn == drawn


def test_there_are_as_many_samples_as_images(digits: Images, quality: Quality, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.training.measures.quality.SAMPLES", 100)
    model = Drawing(pool(digits))
    quality(subject(model, digits, 250))
    assert model.drawn == 250


@pytest.mark.parametrize("count", [1, 2, 3])
def test_hardly_any_images_are_no_error(digits: Images, quality: Quality, count: int) -> None:
    found = quality(subject(Drawing(pool(digits)), digits, count))
    assert math.isnan(found["fld"]) == (count == 1)
    assert math.isfinite(found["kid_high"]) == (count == 3)
    assert found["modes"] == 10


def test_it_is_the_same_in_every_trial(digits: Images, quality: Quality) -> None:
    first = quality(subject(Drawing(pool(digits)), digits))
    quality(subject(Drawing(pool(digits, 5)), digits, 40))
    assert quality(subject(Drawing(pool(digits)), digits)) == first
    assert Quality(replace(digits))(subject(Drawing(pool(digits)), digits)) == first


def test_a_model_that_has_diverged_has_no_distance_and_covers_nothing(digits: Images, quality: Quality) -> None:
    found = quality(subject(Drawing(pool(digits) * math.nan), digits))
    assert all(math.isnan(found[name]) for name in DISTANCES | {"class_kl", "confidence"})
    assert all(found[name] == 0 for name in SHARES | {"modes"})
    assert math.isfinite(found["fld_floor"])


def test_one_broken_sample_in_many_takes_the_distance_but_not_what_the_others_cover(
    digits: Images, quality: Quality
) -> None:
    images = pool(digits)
    images[7] = math.nan
    found = quality(subject(Drawing(images), digits))
    assert all(math.isnan(found[name]) for name in DISTANCES)
    assert min(found["precision"], found["recall"], found["coverage"]) > 0.85
    assert found["modes"] == 10


@pytest.mark.parametrize("value", [0.0, 0.5, math.inf])
def test_samples_that_are_all_the_same_are_measured(digits: Images, quality: Quality, value: float) -> None:
    found = quality(subject(Drawing(torch.full((1, 1, 8, 8), value)), digits))
    assert all(math.isfinite(number) for number in found.values())
    assert found["fld"] > 10 * found["fld_floor"]
    assert found["recall"] == 0
    assert found["modes"] == 1


def test_a_sweep_may_rank_by_it_where_there_are_classes(digits: Images) -> None:
    for name in ("fld", "kid", "coverage"):
        assert f"val/{name}" in METRICS
        assert name in measurable(Drawing(pool(digits)), 10)
        assert name not in measurable(Drawing(pool(digits)), 0)


def test_it_is_measured_where_it_ranks_or_nothing_else_can(digits: Images) -> None:
    vae = VAE(latent_dim=2).build(SHAPE, seeded())

    def measured(model: GenerativeModel, ranked_by: str) -> bool:
        return any(isinstance(measure, Quality) for measure in measures_of(model, digits, ranked_by))

    assert measured(vae, "fld")
    assert measured(vae, "kid")
    assert not measured(vae, "nll")
    assert measured(Drawing(pool(digits)), "error")


def test_a_sweep_that_ranks_by_it_measures_validation_and_test(digits: Images) -> None:
    vae = VAE(latent_dim=2).build(SHAPE, seeded())
    evaluator = Evaluator(digits, vae, Evaluation("val/fld", "minimize", Precision(1, 100)))
    found = evaluator.validate()
    assert {"val/fld", "val/fld_floor", "val/modes"} <= found.keys()
    assert found["val/fld"] > 10 * found["val/fld_floor"], "a model without training is as good as images"
    assert evaluator.test(Precision(1, 100))["test/fld"] > 0


@pytest.mark.parametrize(
    ("ranked_by", "measured"),
    [
        ("fld", set()),
        ("kid", {"kid", "kid_low", "kid_high"}),
        ("coverage", {"precision", "recall", "density", "coverage"}),
    ],
)
def test_what_takes_most_of_the_time_is_left_to_finals_unless_it_ranks(
    digits: Images, quality: Quality, ranked_by: str, measured: set[str]
) -> None:
    whole = subject(Drawing(pool(digits)), digits)
    quick = quality(replace(whole, ranked_by=ranked_by, thorough=False))
    everything = quality(whole)
    assert set(quick) == {"fld", "fld_floor", "modes", "class_kl", "confidence"} | measured
    assert {name: everything[name] for name in quick} == quick
