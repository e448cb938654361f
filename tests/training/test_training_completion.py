"""Protects the measures of completions: the model's and the baselines' against known truth, and who is measured."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models import Batch, GenerativeModel, ImageShape
from models.conditions import Conditioning, Pixels
from models.likelihoods import Bernoulli, Gaussian
from models.presets import VAE
from models.presets.conditional import CompletionCVAE
from models.spaces import ImageSpace
from sweeper.training.data import Images, Split
from sweeper.training.job import Evaluation, Job, Precision
from sweeper.training.measures import Subject, completion, measurable, scale
from sweeper.training.measures.baselines import (
    Halves,
    believed,
    flip_rate,
    mean_image,
    nats_per_pixel,
    nearest_halves,
)
from sweeper.training.measures.completion import DRAWS, Completion
from sweeper.training.measures.density import Density
from sweeper.training.trial import Trial

SHAPE = ImageShape(1, 8, 8)
HIDDEN, TRAIN, HELD = 32, 5000, 3000
TOP = Pixels().bind(SHAPE, 0)


def entropy(p: float) -> float:
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def noise(seed: int = 2) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def flipped(count: int, rate: float, seed: int) -> Tensor:
    """Images [count, 1, 8, 8] of a thousand upper halves in turn, with the same below but for flipped pixels."""
    upper = torch.rand(1000, 1, 4, 8, generator=noise(9)).round()
    upper = upper[torch.arange(count) % 1000]
    flips = (torch.rand(upper.shape, generator=noise(seed + 1)) < rate).float()
    return (torch.cat([upper, (upper - flips).abs()], -2) * 255).to(torch.uint8)


def images_of(train: Tensor, held: Tensor) -> Images:
    return Images(Split(train, None), Split(held, None), Split(held, None), 0)


def few() -> Images:
    return images_of(flipped(50, 0.1, 10), flipped(20, 0.1, 20))


class Completing(GenerativeModel):
    """Makes the lower half of the latent variable and the upper one."""

    latent_dim = 1

    def __init__(self, complete: Callable[[Tensor, Tensor], Tensor], space: ImageSpace | None = None) -> None:
        super().__init__()
        self.completed = complete
        self.conditioning: Conditioning = TOP
        self.used_space = space or Bernoulli()

    @property
    def space(self) -> ImageSpace:
        return self.used_space

    def mean(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        assert context is not None
        lower = self.completed(z, context.view(-1, 1, 4, 8))
        return torch.cat([context.view(-1, 1, 4, 8), lower], -2)

    def sample(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        raise NotImplementedError


def subject_of(model: GenerativeModel, held: Tensor) -> Subject:
    x = model.space.prepare(held, noise(3))
    return Subject(model.eval(), Batch(x), Precision(50, None), "nll", noise)


def measured(images: Images, model: GenerativeModel | None = None) -> dict[str, float]:
    model = model or CompletionCVAE(latent_dim=2).build(SHAPE, noise())
    return Completion(images)(subject_of(model, images.validation.images))


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
def test_the_nearest_image_of_halves_that_are_the_same_but_for_flips(rate: float) -> None:
    """The nearest image has the same upper half; the lower ones differ where just one of the two was flipped."""
    images = images_of(flipped(TRAIN, rate, 10), flipped(HELD, rate, 20))
    found, differ = measured(images), 2 * rate * (1 - rate)
    assert found["nearest_error"] == pytest.approx(differ, abs=0.01)
    assert found["nearest_nll_per_pixel"] == pytest.approx(entropy(differ) if rate else 0, abs=0.01)


def test_the_nearest_image_is_perfect_where_the_hidden_half_follows_from_the_observed() -> None:
    found = measured(images_of(flipped(TRAIN, 0, 10), flipped(HELD, 0, 20)))
    assert found["nearest_error"] == 0
    assert found["nearest_nll_per_pixel"] == pytest.approx(-math.log(1 - 1 / (1000 * HIDDEN + 2)), rel=1e-6)


def test_the_mean_image_costs_the_entropies_of_the_hidden_pixels() -> None:
    p = torch.linspace(0.05, 0.95, 64).view(1, 8, 8)

    def independent(count: int, seed: int) -> Tensor:
        return (torch.rand(count, 1, 8, 8, generator=noise(seed)) < p).to(torch.uint8) * 255

    found = measured(images_of(independent(20_000, 10), independent(20_000, 20)))
    hidden = p.flatten()[HIDDEN:].tolist()
    assert found["mean_image_nll_per_pixel"] == pytest.approx(sum(map(entropy, hidden)) / HIDDEN, abs=0.002)
    assert found["mean_image_error"] == pytest.approx(sum(q * (1 - q) for q in hidden) / HIDDEN, abs=0.002)


def test_no_probability_is_zero_where_a_pixel_was_never_white() -> None:
    black, white = torch.zeros(10, 1, 8, 8, dtype=torch.uint8), torch.full((5, 1, 8, 8), 255, dtype=torch.uint8)
    found = measured(images_of(black, white))
    assert found["mean_image_nll_per_pixel"] == pytest.approx(math.log(12))
    assert found["nearest_nll_per_pixel"] == pytest.approx(math.log(10 * HIDDEN + 2))
    assert math.isfinite(measured(images_of(black[:1], white))["nearest_nll_per_pixel"]), "one image has no neighbour"


def brute_force(asked: Halves, known: Halves, leave_out: bool) -> Tensor:
    distances = (asked.observed[:, None] - known.observed).square().sum(-1)
    if leave_out:
        distances[:, : len(distances)].fill_diagonal_(math.inf)
    return known.hidden[distances.argmin(-1)]


@pytest.mark.parametrize("leave_out", [False, True])
@pytest.mark.parametrize("size", [7, 40, 100, 1000])
def test_the_nearest_is_found_in_whatever_parts_one_looks(size: int, leave_out: bool) -> None:
    known = Halves(torch.rand(100, 5, generator=noise(4)), torch.rand(100, 3, generator=noise(5)))
    parts = [
        Halves(*halves)
        for halves in zip(torch.split(known.observed, size), torch.split(known.hidden, size), strict=True)
    ]
    asked = Halves(known.observed[:30], known.hidden[:30])
    found = nearest_halves(asked, parts, leave_out)
    assert found.equal(brute_force(asked, known, leave_out))
    assert found.equal(asked.hidden) is not leave_out
    assert mean_image(parts).allclose((known.hidden.sum(0) + 1) / 102)


def test_the_flip_rate_is_the_most_likely_one_of_grey_pixels_too() -> None:
    hidden, nearest = torch.rand(50, 4, generator=noise(6)), torch.rand(50, 4, generator=noise(7))
    best = flip_rate(hidden, nearest)
    rates = [best - 0.02, best, best + 0.02]
    costs = [nats_per_pixel(hidden, believed(nearest, rate)) for rate in rates]
    assert min(costs) == costs[1]


def test_the_error_is_that_of_the_expected_completion() -> None:
    """Wholly right, wholly wrong, and by the draws of z: white half of the time, whatever there is."""
    images = images_of(flipped(TRAIN, 0, 10), flipped(2000, 0, 20))

    def coin(z: Tensor, upper: Tensor) -> Tensor:
        return (z > 0).float().view(-1, 1, 1, 1).expand_as(upper)

    errors = [
        measured(images, Completing(complete))["completion_error"]
        for complete in (lambda _, upper: upper, lambda _, upper: 1 - upper, coin)
    ]
    assert errors[:2] == [0, 1]
    assert errors[2] == pytest.approx(0.25 + 0.25 / DRAWS, abs=0.005)


def test_the_baselines_of_the_same_images_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searches = []

    def counted(*arguments: object) -> Tensor:
        searches.append(arguments)
        return nearest_halves(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(completion, "nearest_halves", counted)
    images = few()
    measure, subject = Completion(images), subject_of(Completing(lambda _, upper: upper), images.validation.images)
    first = measure(subject)
    assert measure(subject) == first
    assert len(searches) == 1
    measure(replace(subject, batch=Batch(subject.batch.x[:7])))
    assert len(searches) == 2


def test_the_model_pays_for_each_hidden_pixel() -> None:
    """Without any weight it takes every pixel for a fair coin, and knows so."""
    images, model = few(), CompletionCVAE(latent_dim=2).build(SHAPE, noise())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    found = Density(images)(subject_of(model, images.validation.images))
    assert found["nll"] == pytest.approx(HIDDEN * math.log(2))
    assert found["nll_per_pixel"] == pytest.approx(math.log(2))


def test_who_is_measured() -> None:
    told, free = (preset(latent_dim=2).build(SHAPE, noise()) for preset in (CompletionCVAE, VAE))
    images = few()
    assert {"nll", "completion_error"} <= set(measurable(told, 0))
    assert "completion_error" not in measurable(free, 0)
    assert "nll_per_pixel" not in Density(images)(subject_of(free, images.validation.images))
    with pytest.raises(ValueError, match="a VariationalAutoencoder that is told no pixels completes no image"):
        measured(images, free)


def test_errors_are_compared_across_likelihoods_but_not_across_what_is_told() -> None:
    def key(**fields: Any) -> dict[str, str]:
        model = CompletionCVAE(latent_dim=2, **fields).build(SHAPE, noise())
        return scale("completion_error", model, Precision(1, None))

    assert key(likelihood=Gaussian()) == key(likelihood=Bernoulli(binarization="none"))
    assert key() == key(likelihood=Bernoulli(binarization="static")) != key(likelihood=Gaussian())
    assert key() != key(condition=Pixels(observed="left"))


def test_baselines_of_grey_values_have_errors_alone() -> None:
    images = few()
    gaussian = CompletionCVAE(latent_dim=2, likelihood=Gaussian()).build(SHAPE, noise())
    assert set(measured(images, gaussian)) == {"completion_error", "mean_image_error", "nearest_error"}


@pytest.mark.parametrize("observed", ["top", "1_quadrant"])
def test_a_trained_model_completes_digits_better_than_both_baselines(observed: str, tmp_path: Path) -> None:
    config = {
        "data": {"name": "digits"},
        "model": {
            "name": "completion_cvae",
            "latent_dim": 8,
            "condition": {"name": "pixels", "observed": observed},
            "backbone": {"name": "fc", "hidden": 128},
        },
        "objective": {"name": "elbo"},
        "training": {"epochs": 10, "batch_size": 64, "optimizer": {"name": "adam", "lr": 3e-3}},
    }
    evaluation = Evaluation("val/nll", "minimize", Precision(50, None), Precision(50, None), every=10)
    found = Trial(Job(0, config, 5, tmp_path / observed, evaluation)).advance()
    for split, values in (("val", found.metrics), ("test", found.test)):
        for baseline in ("mean_image", "nearest"):
            assert values[f"{split}/nll_per_pixel"] < 0.9 * values[f"{split}/{baseline}_nll_per_pixel"]
            assert values[f"{split}/completion_error"] < 0.97 * values[f"{split}/{baseline}_error"]
