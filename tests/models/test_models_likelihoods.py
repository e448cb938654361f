"""The contract of every likelihood: normalized, its mean and its draws those of its density, finite at the extremes."""

import math

import pytest
import torch
from torch import distributions

from models import Likelihood, find, names
from models.likelihoods import Bernoulli, Beta, ContinuousBernoulli, DiscretizedLogistic, Gaussian
from models.likelihoods.dequantization import EDGE

EVERY = [pytest.param(find(Likelihood, name)(), id=name) for name in names(Likelihood)]
EVERY.append(pytest.param(Gaussian(scale=0.1), id="gaussian of fixed scale"))
BYTES = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
DISCRETE = (Bernoulli, DiscretizedLogistic)
WIDE = torch.cartesian_prod(
    torch.tensor([-9.0, -1.5, -0.4, 0.0, 1e-4, 0.3, 2.0, 12.0]), torch.tensor([-4.0, -1.0, 0.5, 3.0])
)
"""Raw values: logits, and what a second channel holds, concentrations or logarithms of scales."""
NARROW = torch.cartesian_prod(torch.tensor([-1.5, -0.4, 0.0, 0.3, 2.0]), torch.tensor([1.6, 2.5, 4.0, 7.0]))
"""Those with which a Beta has no mass so near to 0 and 1 that float64 cannot tell it from them."""


def raw_values(likelihood: Likelihood) -> torch.Tensor:
    """Return raw output [N, raw channels, 1, 1] for images of one channel and pixel."""
    values = NARROW if isinstance(likelihood, Beta) else WIDE
    return values.double()[:, : likelihood.raw_channels(1), None, None]


def support(likelihood: Likelihood) -> tuple[torch.Tensor, torch.Tensor]:
    """Return all x [M], and the weights [M] by which a function of them is summed or integrated over the support."""
    match likelihood:
        case Bernoulli():
            return torch.tensor([0.0, 1.0]).double(), torch.ones(2)
        case DiscretizedLogistic():
            return torch.arange(256).double() / 255, torch.ones(256)
        case Gaussian():
            x = torch.linspace(-140, 141, 50_001, dtype=torch.float64)
            return x, torch.full_like(x, 281 / 50_000)
        case ContinuousBernoulli():
            x = (torch.arange(20_000).double() + 0.5) / 20_000
            return x, torch.full_like(x, 1 / 20_000)
        case _:  # poles at 0 and 1 are possible: equal steps of the log-odds
            t = torch.linspace(-36, 36, 10_001, dtype=torch.float64)
            x = t.sigmoid()
            return x, x * (-t).sigmoid() * (t[1] - t[0])


def densities(likelihood: Likelihood, raw: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return p(x) for each raw output [N, ...] and each x [M], [N, M]."""
    return likelihood.log_prob(raw[:, None], x[:, None, None, None]).exp()


@pytest.mark.parametrize("likelihood", EVERY)
def test_probabilities_sum_to_1(likelihood: Likelihood) -> None:
    x, weights = support(likelihood)
    for raw in raw_values(likelihood).split(4):
        totals = densities(likelihood, raw, x) @ weights.double()
        torch.testing.assert_close(totals, torch.ones_like(totals), rtol=0, atol=2e-6)


@pytest.mark.parametrize("likelihood", EVERY)
def test_the_mean_is_that_of_the_density(likelihood: Likelihood) -> None:
    x, weights = support(likelihood)
    tolerance = 0.5 / 255 if isinstance(likelihood, DiscretizedLogistic) else 2e-6
    for raw in raw_values(likelihood).split(4):
        means = densities(likelihood, raw, x) @ (weights.double() * x)
        torch.testing.assert_close(likelihood.mean(raw).flatten(), means, rtol=0, atol=tolerance)


@pytest.mark.parametrize("likelihood", EVERY)
def test_draws_have_the_moments_of_the_density_and_its_support(likelihood: Likelihood, generator) -> None:
    draws = 20_000
    x, weights = support(likelihood)
    for raw in raw_values(likelihood).split(4):
        samples = likelihood.sample(raw.expand(draws, *raw.shape).float(), generator).squeeze().double()
        probabilities = densities(likelihood, raw, x) * weights
        for power in (1, 2):
            moments, squares = probabilities @ x**power, probabilities @ x ** (2 * power)
            errors = ((squares - moments.square()).clamp(min=0) / draws).sqrt()
            assert ((samples.pow(power).mean(0) - moments).abs() < 5 * errors + 1e-5).all()
        if not isinstance(likelihood, Gaussian):
            assert samples.min() >= 0
            assert samples.max() <= 1
        if isinstance(likelihood, DISCRETE):
            assert set(samples.unique().float().tolist()) <= set(x.float().tolist())


@pytest.mark.parametrize("likelihood", EVERY)
def test_draws_follow_the_distribution_function(likelihood: Likelihood, generator) -> None:
    """The greatest distance of the empirical distribution function is within Kolmogorov's limit (99.99 %)."""
    draws = 20_000
    x, weights = support(likelihood)
    raw = torch.tensor([1.0, 0.5]).view(2, 1, 1)[: likelihood.raw_channels(1)].double()
    samples = likelihood.sample(raw.expand(draws, *raw.shape).float(), generator).flatten().double()
    probabilities = densities(likelihood, raw[None], x)[0] * weights
    exact = probabilities.cumsum(0) - (0 if isinstance(likelihood, DISCRETE) else 0.5 * probabilities)
    empirical = torch.searchsorted(samples.sort().values, x + 1e-6, right=True) / draws
    assert (empirical - exact).abs().max() < 2.23 / math.sqrt(draws)


@pytest.mark.parametrize("likelihood", EVERY)
@pytest.mark.parametrize("size", [50.0, 1.0, 1e-6, 0.0])
def test_values_and_gradients_are_finite_at_the_extremes(likelihood: Likelihood, size: float, generator) -> None:
    channels = likelihood.raw_channels(1)
    corners = torch.cartesian_prod(*[torch.tensor([-size, size])] * channels).view(-1, channels, 1, 1)
    images = torch.tensor([0, 1, 128, 254, 255], dtype=torch.uint8).view(-1, 1, 1, 1)
    x = likelihood.preprocess(images, generator)
    raw = corners[:, None].expand(-1, len(x), -1, -1, -1).clone().requires_grad_()
    log_prob = likelihood.log_prob(raw, x)
    assert log_prob.isfinite().all()
    assert torch.autograd.grad(log_prob.sum(), raw)[0].isfinite().all()
    for pictures in (likelihood.mean(raw), likelihood.sample(raw, generator)):
        assert pictures.isfinite().all()


@pytest.mark.parametrize("likelihood", EVERY)
def test_gradients_are_those_of_finite_differences(likelihood: Likelihood, generator) -> None:
    raw = raw_values(likelihood).requires_grad_()
    x = likelihood.preprocess(torch.full((len(raw), 1, 1, 1), 77, dtype=torch.uint8), generator).double()
    assert torch.autograd.gradcheck(lambda raw: likelihood.log_prob(raw, x), raw)


@pytest.mark.parametrize("likelihood", EVERY)
@pytest.mark.parametrize("leading", [(), (7,), (2, 7)], ids=str)
def test_all_pixels_and_channels_are_summed(likelihood: Likelihood, leading: tuple[int, ...], generator) -> None:
    raw = torch.randn(*leading, 3, likelihood.raw_channels(2), 4, 5, generator=generator)
    x = likelihood.preprocess(torch.randint(0, 256, (3, 2, 4, 5), generator=generator, dtype=torch.uint8), generator)
    parts = [
        likelihood.log_prob(raw[..., channel::2, row, column, None, None], x[:, channel, row, column, None, None, None])
        for channel in range(2)
        for row in range(4)
        for column in range(5)
    ]
    whole = likelihood.log_prob(raw, x)
    assert whole.shape == (*leading, 3)
    torch.testing.assert_close(whole, torch.stack(parts).sum(0), rtol=1e-5, atol=1e-4)
    assert likelihood.mean(raw).shape == (*leading, 3, 2, 4, 5)
    assert likelihood.sample(raw, generator).shape == (*leading, 3, 2, 4, 5)


@pytest.mark.parametrize("likelihood", EVERY)
def test_it_runs_under_vmap(likelihood: Likelihood, generator) -> None:
    raw = torch.randn(3, 4, likelihood.raw_channels(1), 4, 4, generator=generator)
    x = likelihood.preprocess(torch.randint(0, 256, (4, 1, 4, 4), generator=generator, dtype=torch.uint8), generator)

    def loss(raw: torch.Tensor) -> torch.Tensor:
        return likelihood.log_prob(raw, x).sin().sum()

    gradients, values = torch.func.vmap(torch.func.grad_and_value(loss))(raw)
    for index in range(3):
        gradient, value = torch.func.grad_and_value(loss)(raw[index])
        torch.testing.assert_close(values[index], value, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(gradients[index], gradient, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("likelihood", EVERY)
def test_draws_come_from_the_generator_alone(likelihood: Likelihood) -> None:
    raw = torch.zeros(2, likelihood.raw_channels(1), 8, 8)
    before = torch.get_rng_state()
    first, second, other = (likelihood.sample(raw, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("likelihood", EVERY)
def test_images_are_fixed_as_bytes_and_preprocessed_into_the_unit_interval(likelihood: Likelihood) -> None:
    def prepared(seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        fixed = likelihood.fix(BYTES.expand(50, 1, 16, 16), generator)
        assert fixed.dtype == torch.uint8
        return likelihood.preprocess(fixed, generator)

    x = prepared(0)
    assert x.dtype == torch.float32
    assert x.min() >= 0
    assert x.max() <= 1
    assert torch.equal(x, prepared(0))
    tolerance = 0.5 if isinstance(likelihood, Bernoulli) else 1 / 255
    assert (x.mean(0) - BYTES[0] / 255).abs().max() < tolerance


@pytest.mark.parametrize("likelihood", [Beta(), Gaussian()], ids=["beta", "gaussian"])
def test_dequantized_levels_are_uniform_and_apart(likelihood: Likelihood, generator) -> None:
    assert likelihood.redraws
    assert likelihood.fix(BYTES, generator) is BYTES
    levels = likelihood.preprocess(BYTES.expand(2000, 1, 16, 16), generator).double() * 256
    offsets = levels - BYTES
    assert offsets.min() > 0
    assert offsets.max() < 1
    assert (offsets.mean(0) - 0.5).abs().max() < 5 / math.sqrt(12 * 2000)
    assert offsets.var().item() == pytest.approx(1 / 12, rel=0.01)


@pytest.mark.parametrize("drawn", [0.0, 1 - 2**-24], ids=["least", "greatest"])
def test_dequantized_images_never_touch_0_and_1(drawn: float, generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "rand", lambda size, **_: torch.full(size, drawn))
    x = Beta().preprocess(BYTES, generator)
    assert x.min() >= EDGE
    assert x.max() <= 1 - EDGE
    assert torch.equal((256 * x).floor(), BYTES.float())


@pytest.mark.parametrize("likelihood", [ContinuousBernoulli(), DiscretizedLogistic()], ids=["cb", "logistic"])
def test_levels_are_scaled_without_a_draw(likelihood: Likelihood, generator) -> None:
    before = generator.get_state()
    assert not likelihood.redraws
    assert likelihood.fix(BYTES, generator) is BYTES
    assert torch.equal(likelihood.preprocess(BYTES, generator), BYTES / 255)
    assert torch.equal(generator.get_state(), before)


def test_the_continuous_bernoulli_is_that_of_pytorch() -> None:
    raw = raw_values(ContinuousBernoulli())
    x = torch.linspace(0, 1, 21).double()
    reference = distributions.ContinuousBernoulli(logits=raw.view(-1, 1))
    actual = ContinuousBernoulli().log_prob(raw[:, None], x[:, None, None, None])
    torch.testing.assert_close(actual, reference.log_prob(x), rtol=0, atol=1e-5)
    torch.testing.assert_close(ContinuousBernoulli().mean(raw).view(-1, 1), reference.mean, rtol=0, atol=1e-5)


def test_the_continuous_bernoulli_is_exact_in_float32_where_the_series_ends() -> None:
    """Near ½ the paper's formula loses its digits; here neither the value nor the gradient may jump."""
    raw = torch.cat([torch.linspace(-1, 1, 4001), torch.logspace(-30, 2, 200), -torch.logspace(-30, 2, 200)])
    exact = raw.double()
    partition = torch.where(exact == 0, 0, (torch.expm1(exact) / exact).log())
    x = torch.full_like(raw, 0.25)[:, None, None, None]
    logits = raw[:, None, None, None].requires_grad_()
    actual = ContinuousBernoulli().log_prob(logits, x)
    torch.testing.assert_close(actual.double(), 0.25 * exact - partition, rtol=1e-6, atol=1e-6)
    gradient = torch.autograd.grad(actual.sum(), logits)[0].flatten().double()
    far = exact.abs() > 1e-2  # nearer, the exact formula loses its own digits, and the mean is ½ + l/12
    mean = torch.where(far, 1 / -torch.expm1(-exact) - 1 / exact, 0.5 + exact / 12)
    torch.testing.assert_close(gradient, 0.25 - mean, rtol=1e-6, atol=1e-6)


def test_the_beta_is_that_of_pytorch() -> None:
    raw = WIDE.double()[..., None, None]
    x = torch.linspace(0.01, 0.99, 21).double()
    mean = (0.5 + 255 * raw[:, 0].sigmoid()).view(-1, 1) / 256
    concentration = raw[:, 1].exp().view(-1, 1) / (1 + raw[:, 1].exp().view(-1, 1) / 4096)
    reference = distributions.Beta(mean * concentration, (1 - mean) * concentration)
    torch.testing.assert_close(Beta().log_prob(raw[:, None], x[:, None, None, None]), reference.log_prob(x))
    torch.testing.assert_close(Beta().mean(raw).view(-1, 1), mean)


def test_the_beta_keeps_its_digits_in_float32(generator) -> None:
    raw = 12 * torch.randn(500, 2, 1, 1, generator=generator)
    x = Beta().preprocess(torch.randint(0, 256, (500, 1, 1, 1), generator=generator, dtype=torch.uint8), generator)
    torch.testing.assert_close(
        Beta().log_prob(raw, x).double(), Beta().log_prob(raw.double(), x.double()), rtol=1e-5, atol=0.02
    )


@pytest.mark.parametrize("scale", [0.05, 2.0, "learned"])
def test_the_gaussian_is_that_of_pytorch(scale: float | str) -> None:
    likelihood = Gaussian(scale=scale)
    raw = raw_values(likelihood)
    x = torch.linspace(0, 1, 21).double()
    deviation = raw[:, 1].exp().view(-1, 1) + 1 / 256 if scale == "learned" else scale
    reference = distributions.Normal(raw[:, 0].sigmoid().view(-1, 1), deviation)
    torch.testing.assert_close(likelihood.log_prob(raw[:, None], x[:, None, None, None]), reference.log_prob(x))


def test_the_discretized_logistic_has_the_probabilities_of_intervals() -> None:
    raw = raw_values(DiscretizedLogistic())
    location, scale = raw[:, 0].sigmoid().view(-1, 1), raw[:, 1].exp().view(-1, 1) + math.exp(-7) / 2
    logistic = distributions.TransformedDistribution(
        distributions.Uniform(torch.zeros(()).double(), torch.ones(()).double()),
        [distributions.SigmoidTransform().inv, distributions.AffineTransform(location, scale)],
    )
    edges = (torch.arange(255).double() + 0.5) / 255
    below = torch.nn.functional.pad(logistic.cdf(edges), (1, 0), value=0)
    below = torch.nn.functional.pad(below, (0, 1), value=1)
    x = torch.arange(256).double() / 255
    torch.testing.assert_close(densities(DiscretizedLogistic(), raw, x), below.diff(), rtol=1e-6, atol=1e-12)


def test_the_discretized_logistic_knows_black_and_white_in_float32() -> None:
    x = DiscretizedLogistic().preprocess(BYTES, torch.Generator()).view(256, 1, 1, 1)
    raw = torch.tensor([[-1.0, -3.0], [8.0, 2.0], [0.0, -9.0]]).view(3, 1, 2, 1, 1)
    torch.testing.assert_close(DiscretizedLogistic().log_prob(raw, x).exp().sum(-1), torch.ones(3), rtol=0, atol=1e-4)


def test_families_have_names_of_their_own() -> None:
    families = [find(Likelihood, name)().family for name in names(Likelihood)]
    assert len(set(families)) == len(families)
    assert Gaussian(scale=1.0).family == Gaussian().family
