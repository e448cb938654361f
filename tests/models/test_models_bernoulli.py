"""Protects the Bernoulli likelihood: its values, gradients and normalization, and what binarization may change."""

from itertools import product

import pytest
import torch
from torch.distributions import Bernoulli as Reference

from models.likelihoods import Bernoulli

LOGITS = torch.cat([torch.linspace(-100, 100, 401), torch.linspace(-1, 1, 101), torch.tensor([0.0, -0.0, 1e-30, 17.0])])


def as_images(values: torch.Tensor) -> torch.Tensor:
    """One pixel per image, so that nothing is summed."""
    return values[:, None, None, None]


@pytest.mark.parametrize("x", [0.0, 1.0, 0.3, 1 / 255])
def test_values_are_those_of_pytorch_for_any_logit(x: float) -> None:
    pixels = torch.full_like(LOGITS, x)
    exact = Reference(logits=LOGITS.double(), validate_args=False).log_prob(pixels.double())
    actual = Bernoulli().log_prob(as_images(LOGITS), as_images(pixels))
    torch.testing.assert_close(actual, exact.float(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 5, 1), (1, 7, 11)], ids=str)
@pytest.mark.parametrize("scale", [0.0, 0.1, 5.0, 40.0])
def test_sums_over_many_pixels_are_as_exact_as_single_precision_is(
    shape: tuple[int, int, int], scale: float, generator
) -> None:
    """Also where every sigmoid is ½, or rounds to 1, and where the number of pixels has no divisors."""
    raw = scale * torch.randn(20, 3, *shape, generator=generator)
    x = torch.rand(3, *shape, generator=generator).round()
    exact = Reference(logits=raw.double()).log_prob(x.double()).sum((-3, -2, -1))
    torch.testing.assert_close(Bernoulli().log_prob(raw, x).double(), exact, rtol=1e-6, atol=1e-6)
    with torch.no_grad():
        without_gradient = Bernoulli().log_prob(raw, x)
    torch.testing.assert_close(without_gradient.double(), exact, rtol=1e-6, atol=1e-6)


def test_probabilities_of_all_binary_images_sum_to_1(generator) -> None:
    every = torch.tensor(list(product([0.0, 1.0], repeat=4))).view(16, 1, 2, 2)
    raw = 3 * torch.randn(5, 1, 1, 2, 2, generator=generator)
    totals = Bernoulli().log_prob(raw.expand(5, 16, 1, 2, 2), every).exp().sum(1)
    torch.testing.assert_close(totals, torch.ones(5))


@pytest.mark.parametrize("leading", [(), (1,), (7,), (2, 7)], ids=str)
def test_gradients_are_those_of_autograd(leading: tuple[int, ...], generator) -> None:
    raw = (4 * torch.randn(*leading, 3, 2, 4, 5, generator=generator, dtype=torch.float64)).requires_grad_()
    x = torch.rand(3, 2, 4, 5, generator=generator, dtype=torch.float64).requires_grad_()
    weights = torch.randn(*leading, 3, generator=generator, dtype=torch.float64)
    actual = Bernoulli().log_prob(raw, x)
    expected = (x * raw - torch.logaddexp(raw, torch.zeros_like(raw))).sum((-3, -2, -1))
    assert actual.shape == (*leading, 3)
    torch.testing.assert_close(actual, expected)
    for left, right in zip(
        torch.autograd.grad((actual * weights).sum(), (raw, x)),
        torch.autograd.grad((expected * weights).sum(), (raw, x)),
        strict=True,
    ):
        torch.testing.assert_close(left, right)


@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0)], ids=str)
def test_it_runs_under_vmap(in_dims: tuple[int | None, int | None], generator) -> None:
    raw = torch.randn(2, 5, 3, 1, 4, 4, generator=generator)
    x = torch.rand(2, 3, 1, 4, 4, generator=generator)
    arguments = [whole if dim == 0 else whole[0] for whole, dim in zip((raw, x), in_dims, strict=True)]

    def loss(raw: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return Bernoulli().log_prob(raw, x).sin().sum()

    fused = torch.func.vmap(torch.func.grad_and_value(loss, argnums=(0, 1)), in_dims)(*arguments)
    for index in range(2):
        alone = torch.func.grad_and_value(loss, argnums=(0, 1))(
            *(whole[index] if dim == 0 else whole for whole, dim in zip(arguments, in_dims, strict=True))
        )
        torch.testing.assert_close(fused[1][index], alone[1])
        for left, right in zip(fused[0], alone[0], strict=True):
            torch.testing.assert_close(left[index], right)


GRAY = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)


@pytest.mark.parametrize("binarization", ["dynamic", "static"])
def test_fixed_images_are_binary_and_stay_as_they_are(binarization: str, generator) -> None:
    likelihood = Bernoulli(binarization=binarization)
    fixed = likelihood.fix(GRAY.expand(50, 1, 16, 16), generator)
    assert fixed.dtype == torch.uint8
    assert set(fixed.unique().tolist()) == {0, 255}
    assert torch.equal(likelihood.preprocess(fixed, generator), fixed / 255)
    assert torch.equal(likelihood.fix(fixed, generator), fixed)


def test_dynamic_binarization_draws_each_batch_with_the_gray_value_as_probability(generator) -> None:
    likelihood = Bernoulli()
    draws = torch.stack([likelihood.preprocess(GRAY.expand(200, 1, 16, 16), generator) for _ in range(10)]).flatten(
        0, 1
    )
    probability = GRAY[0] / 255
    assert likelihood.redraws
    assert draws.dtype == torch.float32
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    assert draws[:, GRAY[0] == 0].max() == 0
    assert draws[:, GRAY[0] == 255].min() == 1
    deviation = (draws.mean(0) - probability) / (probability * (1 - probability) / len(draws)).sqrt().clamp(min=1e-3)
    assert deviation.abs().max() < 5
    assert not torch.equal(draws[:200], draws[200:400])


@pytest.mark.parametrize("drawn", [0.0, 1 - 2**-24], ids=["least", "greatest"])
def test_black_and_white_are_certain_whatever_is_drawn(
    drawn: float, generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "rand", lambda size, **_: torch.full(size, drawn))
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2)
    assert Bernoulli().preprocess(pixels, generator).flatten().tolist() == [0, 1]


@pytest.mark.parametrize("binarization", ["static", "none"])
def test_without_redrawing_preprocessing_only_scales(binarization: str, generator) -> None:
    likelihood = Bernoulli(binarization=binarization)
    before = generator.get_state()
    assert not likelihood.redraws
    assert torch.equal(likelihood.preprocess(GRAY, generator), GRAY / 255)
    assert torch.equal(generator.get_state(), before)


def test_without_binarization_images_are_left_gray(generator) -> None:
    assert Bernoulli(binarization="none").fix(GRAY, generator) is GRAY


def test_of_grey_values_nothing_is_drawn_but_the_mean_returned(generator) -> None:
    grey, raw = Bernoulli(binarization="none"), torch.randn(3, 1, 4, 4, generator=generator)
    assert torch.equal(grey.sample(raw, generator), grey.mean(raw))


def test_samples_have_the_mean_and_support_of_the_distribution(generator) -> None:
    raw = torch.linspace(-3, 3, 16).view(1, 4, 4)
    samples = Bernoulli().sample(raw.expand(4000, 1, 4, 4), generator)
    assert set(samples.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(samples.mean(0), Bernoulli().mean(raw), rtol=0, atol=0.05)
    torch.testing.assert_close(Bernoulli().mean(raw), Reference(logits=raw).mean)
