"""Protects the yardstick of samples: classes counted right, a distance that rises with every fault, on equal terms."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models import Batch, GenerativeModel, ImageShape
from models.conditions import Conditioning, LabelConditioning, Unconditioned
from models.likelihoods import Bernoulli
from models.presets import VAE
from models.spaces import ImageSpace, UnitInterval
from sweeper.training.data import Images
from sweeper.training.data.digits import Digits
from sweeper.training.evaluation import METRICS, Evaluator
from sweeper.training.job import Evaluation, Precision
from sweeper.training.measures import Subject, measurable, measures_of
from sweeper.training.measures.quality import SAMPLES, Quality


@pytest.fixture(scope="module")
def digits() -> Images:
    return Digits().load()


@pytest.fixture(scope="module")
def quality(digits: Images) -> Quality:
    return Quality(digits)


class Drawing(GenerativeModel):
    """Draws images from a pool, with noise added: a model that has learned images by heart."""

    latent_dim = 1

    def __init__(self, pool: Tensor, noise: float = 0.0, space: ImageSpace | None = None) -> None:
        super().__init__()
        self.pool, self.noise = pool, noise
        self.conditioning: Conditioning = Unconditioned()
        self.used_space = space or UnitInterval()
        self.drawn = 0

    @property
    def space(self) -> ImageSpace:
        return self.used_space

    def mean(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        raise NotImplementedError

    def sample(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        self.drawn += n
        x = self.pool[torch.randint(len(self.pool), (n,), generator=generator)]
        return x + self.noise * torch.randn(x.shape, generator=generator)


class Labelled(Drawing):
    """Draws an image of the class that it is told."""

    def __init__(self, pool: Tensor, labels: Tensor) -> None:
        super().__init__(pool)
        self.conditioning, self.labels = LabelConditioning(10), labels

    def sample(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        assert context is not None
        drawn = [(self.labels == label).nonzero().squeeze(-1) for label in context.argmax(-1)]
        return self.pool[torch.stack([index[turn % len(index)] for turn, index in enumerate(drawn)])]


def pool(images: Images, least: int = 0) -> Tensor:
    """The training images of the classes from some number on."""
    labels = images.train.labels
    assert labels is not None
    return images.train.images[labels >= least] / 255


def subject(model: GenerativeModel, images: Images, count: int | None = None) -> Subject:
    generator = torch.Generator().manual_seed(1)
    held = images.validation
    assert held.labels is not None
    x = model.space.preprocess(model.space.fix(held.images[:count], generator), generator)
    return Subject(
        model=model.eval(),
        batch=Batch(x, held.labels[:count]),
        precision=Precision(1, count),
        ranked_by="fld",
        noise=lambda: torch.Generator().manual_seed(2),
    )


@pytest.mark.parametrize("missing", [0, 1, 5])
def test_the_classes_that_samples_lack_are_counted(digits: Images, quality: Quality, missing: int) -> None:
    assert quality(subject(Drawing(pool(digits, missing)), digits))["modes"] == 10 - missing


def test_a_class_is_covered_from_a_tenth_of_its_share_on(digits: Images, quality: Quality) -> None:
    assert digits.train.labels is not None
    right = quality._classifier(pool(digits)).argmax(-1) == digits.train.labels
    zeros, ones = (pool(digits)[right & (digits.train.labels == label)] for label in (0, 1))
    for rare, covered in ((9, 1), (10, 2)):
        images = torch.cat([zeros[torch.arange(1000 - rare) % len(zeros)], ones[:rare]])
        assert quality._modes(quality._classifier.features(images)) == covered


def test_the_distance_of_real_images_is_about_the_floor(digits: Images, quality: Quality) -> None:
    found = quality(subject(Drawing(pool(digits)), digits))
    assert 0 < found["fld_floor"] < found["fld"] < 3 * found["fld_floor"]


def test_the_distance_rises_with_noise(digits: Images, quality: Quality) -> None:
    found = [quality(subject(Drawing(pool(digits), noise), digits))["fld"] for noise in (0, 0.1, 0.2, 0.4)]
    assert found == sorted(found)
    assert found[-1] > 3 * found[0]


def test_the_distance_rises_with_every_missing_class(digits: Images, quality: Quality) -> None:
    found = [quality(subject(Drawing(pool(digits, missing)), digits))["fld"] for missing in (0, 1, 3, 5, 7, 9)]
    assert found == sorted(found)
    assert found[1] > 1.2 * found[0]


def test_the_distance_rises_with_blur_and_with_duplicates(digits: Images, quality: Quality) -> None:
    sharp = pool(digits)
    found = [quality(subject(Drawing(images), digits))["fld"] for images in (sharp, blurred(sharp), sharp[:10])]
    assert found[1] > 1.5 * found[0]
    assert found[2] > 1.5 * found[0]


def blurred(images: Tensor) -> Tensor:
    return torch.nn.functional.avg_pool2d(images, 3, stride=1, padding=1)


def test_black_and_white_samples_are_compared_with_black_and_white_images(digits: Images, quality: Quality) -> None:
    binary = Bernoulli()
    drawn = torch.bernoulli(pool(digits), generator=torch.Generator().manual_seed(3))
    found = quality(subject(Drawing(drawn, space=binary), digits))
    strange = quality(subject(Drawing(drawn), digits))
    assert found["fld"] < 3 * found["fld_floor"]
    assert strange["fld"] > 1.2 * found["fld"]


def test_a_conditional_model_is_told_the_labels_of_the_held_out_images(digits: Images, quality: Quality) -> None:
    assert digits.train.labels is not None
    measured = subject(Labelled(pool(digits), digits.train.labels), digits)
    assert quality(measured)["modes"] == 10
    assert measured.batch.y is not None
    threes = replace(measured, batch=Batch(measured.batch.x, torch.full_like(measured.batch.y, 3)))
    assert quality(threes)["modes"] == 1


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


def test_it_is_the_same_in_every_trial(digits: Images, quality: Quality) -> None:
    first = quality(subject(Drawing(pool(digits)), digits))
    quality(subject(Drawing(pool(digits, 5)), digits, 40))
    assert quality(subject(Drawing(pool(digits)), digits)) == first
    assert Quality(replace(digits))(subject(Drawing(pool(digits)), digits)) == first


def test_a_model_that_has_diverged_has_no_distance_and_covers_nothing(digits: Images, quality: Quality) -> None:
    found = quality(subject(Drawing(pool(digits) * math.nan), digits))
    assert math.isnan(found["fld"])
    assert found["modes"] == 0
    assert math.isfinite(quality(subject(Drawing(pool(digits) * math.inf), digits))["fld_floor"])


def test_a_sweep_may_rank_by_it_where_there_are_classes(digits: Images) -> None:
    assert "val/fld" in METRICS
    assert "fld" in measurable(Drawing(pool(digits)), 10)
    assert "fld" not in measurable(Drawing(pool(digits)), 0)


def test_it_is_measured_where_it_ranks_or_nothing_else_can(digits: Images) -> None:
    vae = VAE(latent_dim=2).build(ImageShape(1, 8, 8), torch.Generator().manual_seed(0))

    def measured(model: GenerativeModel, ranked_by: str) -> bool:
        return any(isinstance(measure, Quality) for measure in measures_of(model, digits, ranked_by))

    assert measured(vae, "fld")
    assert not measured(vae, "nll")
    assert measured(Drawing(pool(digits)), "error")


def test_a_sweep_that_ranks_by_it_measures_validation_and_test(digits: Images) -> None:
    vae = VAE(latent_dim=2).build(ImageShape(1, 8, 8), torch.Generator().manual_seed(0))
    evaluator = Evaluator(digits, vae, Evaluation("val/fld", "minimize", Precision(1, 100)))
    found = evaluator.validate()
    assert {"val/fld", "val/fld_floor", "val/modes"} <= found.keys()
    assert found["val/fld"] > 10 * found["val/fld_floor"], "a model without training is as good as images"
    assert evaluator.test(Precision(1, 100))["test/fld"] > 0
