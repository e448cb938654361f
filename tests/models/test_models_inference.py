"""Protects what a trained model is asked: inferred pixels against exact posteriors, paths and mixtures of codes."""

import pytest
import torch
from linear_gaussian import LATENT, SCALE, SIZE, images, linear_gaussian
from torch import Tensor
from torch.nn.functional import one_hot

from models import Batch, ImageShape, Model, VariationalAutoencoder, find
from models.backbones import FullyConnected
from models.conditions import Label, Pixels
from models.inference import (
    blend,
    check,
    complete,
    infer,
    interpolate,
    principal_components,
    restyle,
    variance_per_dimension,
)
from models.presets import VAE
from sweeper.training.data.digits import Digits

OBSERVED = torch.tensor([[True, True, True, False, False]])


def exact_posterior(model: VariationalAutoencoder, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean [B, L] and precision [L, L] of p(z|o) by the conjugacy of Gaussians (Bishop 2006, eq. 2.116)."""
    layer = model.decoder[0]
    weights, bias = layer.weight.detach()[mask[0]], layer.bias.detach()[mask[0]]
    precision = torch.eye(LATENT, dtype=torch.float64) + weights.t() @ weights / SCALE**2
    mean = torch.linalg.solve(precision, weights.t() @ (x.flatten(1)[:, mask[0]] - bias).t() / SCALE**2).t()
    return mean, precision


def small(generator: torch.Generator, **fields: object) -> VariationalAutoencoder:
    backbone = FullyConnected(hidden=16)
    model = VAE(latent_dim=3, backbone=backbone, **fields).build(ImageShape(1, 8, 8), generator, classes=4)
    return model.eval()


def batch_of(count: int, generator: torch.Generator) -> Batch:
    return Batch(torch.rand(count, 1, 8, 8, generator=generator), torch.arange(count) % 4)


def test_the_fitted_gaussian_is_the_best_one_for_the_observed_pixels(generator: torch.Generator) -> None:
    """The KL of a diagonal q to a Gaussian is least at its mean and at the inverse diagonal of its precision."""
    model, x = linear_gaussian(generator), images(4, generator)
    mean, precision = exact_posterior(model, x, OBSERVED)
    q = infer(model, Batch(x), OBSERVED, generator, draws=50)
    torch.testing.assert_close(q.mean, mean, atol=0.03, rtol=0)
    torch.testing.assert_close(q.log_variance, -precision.diagonal().log().expand(4, -1), atol=0.1, rtol=0)


def test_with_all_pixels_observed_it_is_what_the_exact_encoder_gives(generator: torch.Generator) -> None:
    model, x = linear_gaussian(generator), images(4, generator)
    q = infer(model, Batch(x), torch.ones(1, SIZE, dtype=torch.bool), generator, draws=50)
    exact = model.encode(Batch(x))
    torch.testing.assert_close(q.mean, exact.mean.detach(), atol=0.03, rtol=0)
    torch.testing.assert_close(q.log_variance, exact.log_variance.detach(), atol=0.1, rtol=0)


def test_with_nothing_observed_it_stays_the_prior(generator: torch.Generator) -> None:
    model, x = linear_gaussian(generator), images(2, generator)
    q = infer(model, Batch(x), torch.zeros(1, SIZE, dtype=torch.bool), generator, steps=50)
    torch.testing.assert_close(q.mean, torch.zeros_like(q.mean))
    torch.testing.assert_close(q.log_variance, torch.zeros_like(q.log_variance))


def test_hidden_pixels_and_other_images_are_not_looked_at(generator: torch.Generator) -> None:
    model, batch, mask = small(generator), batch_of(3, generator), Pixels().mask(8, 8)
    spoiled = Batch(torch.where(mask, batch.x, torch.nan))

    def fitted(batch: Batch) -> Tensor:
        return infer(model, batch, mask, torch.Generator().manual_seed(1), steps=5).mean

    assert torch.equal(fitted(batch), fitted(spoiled))
    assert fitted(batch).isfinite().all()


def test_inference_leaves_the_model_as_it_was(generator: torch.Generator) -> None:
    model, batch = small(generator), batch_of(3, generator)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():  # Also where the caller wants no gradients.
        q = infer(model, batch, Pixels().mask(8, 8), generator, steps=5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not q.mean.requires_grad
    assert not q.log_variance.requires_grad


def test_completion_keeps_what_was_observed_and_shows_expected_pixels_elsewhere(generator: torch.Generator) -> None:
    model, batch, mask = small(generator, condition=Label()), batch_of(3, generator), Pixels().mask(8, 8)
    q = infer(model, batch, mask, generator, steps=5)
    pictures = complete(model, batch, mask, q, torch.Generator().manual_seed(2), draws=4)
    noise = torch.randn(4, 3, 3, generator=torch.Generator().manual_seed(2))
    expected = model.mean(q.at(noise), one_hot(batch.y, 4).float())
    torch.testing.assert_close(pictures, torch.where(mask, batch.x, expected))


def test_the_learned_prior_of_a_class_is_where_inference_starts(generator: torch.Generator) -> None:
    model, batch = small(generator, condition=Label(), prior="learned"), batch_of(4, generator)
    q = infer(model, batch, Pixels().mask(8, 8), generator, steps=0)
    prior = model.prior_given(one_hot(batch.y, 4).float())
    torch.testing.assert_close(q.mean, prior.mean.detach())
    torch.testing.assert_close(q.log_variance, prior.log_variance.detach())


REFUSED = {
    "gan": "a GAN has no pixels that are independent",
    "pixel_vae": "a AutoregressiveAutoencoder has no pixels that are independent",
    "m2": "the prior of a SemiSupervisedModel is no Gaussian",
    "iwae2": "the prior of a HierarchicalAutoencoder is no Gaussian",
    "completion_cvae": "a model with condition pixels is told pixels",
}


@pytest.mark.parametrize("name", REFUSED)
def test_models_to_whose_pixels_no_gaussian_can_be_fitted_are_refused(name: str) -> None:
    with torch.device("meta"):
        model = find(Model, name)().compose(ImageShape(1, 8, 8), 10)
    with pytest.raises(ValueError, match=REFUSED[name]):
        check(model)


@pytest.mark.parametrize("name", ["vae", "cvae", "draw", "vae_gan"])
def test_a_posterior_is_fitted_to_every_model_with_a_gaussian_prior(generator: torch.Generator, name: str) -> None:
    model = find(Model, name)().build(ImageShape(1, 8, 8), generator, classes=4).eval()
    batch, mask = batch_of(2, generator), Pixels().mask(8, 8)
    q = infer(model.density, batch, mask, generator, steps=2, draws=2)
    pictures = complete(model.density, batch, mask, q, generator, draws=3)
    assert pictures.shape == (3, 2, 1, 8, 8)
    torch.testing.assert_close(pictures[..., mask], batch.x[..., mask].expand(3, -1, -1, -1))


def test_a_mask_of_another_shape_is_refused(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match=r"mask is \[8, 7\]; must be \[8, 8\]"):
        infer(small(generator), batch_of(2, generator), Pixels().mask(8, 7), generator)


def test_a_trained_autoencoder_infers_hidden_halves_better_than_the_mean_image(generator: torch.Generator) -> None:
    """The hidden half's log p(h|z) at draws from q(z|o), against that of the training images' mean."""
    digits = Digits().load()
    train, held = digits.train.images / 255, digits.validation.images[:100] / 255
    model = VAE(latent_dim=8, backbone=FullyConnected(hidden=64)).build(ImageShape(1, 8, 8), generator)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(600):
        picked = torch.randint(len(train), (128,), generator=generator)
        optimizer.zero_grad()
        (-model.terms(Batch(train[picked]), 1, generator).log_weights.mean()).backward()
        optimizer.step()
    model.eval()
    mask, batch = Pixels().mask(8, 8), Batch(held)
    pictures = complete(model, batch, mask, infer(model, batch, mask, generator, steps=200), generator, draws=20).mean(
        0
    )
    score = {name: hidden_score(image, held, mask) for name, image in (("mean", train.mean(0)), ("model", pictures))}
    assert score["model"] > score["mean"] + 1.0, score


def hidden_score(probability: Tensor, x: Tensor, mask: Tensor) -> float:
    """Return log p of the hidden pixels in nats per image, with pixels 1 with this probability."""
    probability = probability.clamp(0.01, 0.99).expand_as(x)
    score = x * probability.log() + (1 - x) * (1 - probability).log()
    return float(score[..., ~mask].sum(-1).mean())


@pytest.mark.parametrize("how", ["linear", "spherical"])
def test_a_path_runs_from_one_code_to_the_other(generator: torch.Generator, how: str) -> None:
    z0, z1 = torch.randn(2, 6, 5, generator=generator)
    path = interpolate(z0, z1, 5, how)
    assert path.shape == (6, 6, 5)
    torch.testing.assert_close(path[0], z0)
    torch.testing.assert_close(path[-1], z1)


def test_a_straight_path_has_equal_steps(generator: torch.Generator) -> None:
    z0, z1 = torch.randn(2, 6, 5, generator=generator)
    path = interpolate(z0, z1, 5)
    torch.testing.assert_close(path.diff(dim=0), ((z1 - z0) / 5).expand(5, -1, -1))


def test_an_arc_has_equal_angles_and_keeps_its_radius(generator: torch.Generator) -> None:
    z0, z1 = torch.nn.functional.normalize(torch.randn(2, 6, 5, generator=generator, dtype=torch.float64), dim=-1)
    path = interpolate(2 * z0, 2 * z1, 4, "spherical")
    torch.testing.assert_close(path.norm(dim=-1), torch.full((5, 6), 2.0, dtype=torch.float64))
    angles = ((path[1:] * path[:-1]).sum(-1) / 4).acos()
    torch.testing.assert_close(angles, ((z0 * z1).sum(-1).acos() / 4).expand(4, -1))


@pytest.mark.parametrize("factor", [2.0, -1.0, 0.0])
def test_codes_without_an_arc_between_them_go_straight(generator: torch.Generator, factor: float) -> None:
    z = torch.randn(4, 5, generator=generator)
    torch.testing.assert_close(interpolate(z, factor * z, 4, "spherical"), interpolate(z, factor * z, 4))


def test_a_blend_weighs_the_first_and_flips_the_second_where_it_is_told() -> None:
    first, second = torch.tensor([[1.0, 2.0], [1.0, 2.0]]), torch.tensor([[10.0, 20.0], [10.0, 20.0]])
    torch.testing.assert_close(blend(first, second, 0.6)[0], torch.tensor([4.6, 9.2]))
    flipped = blend(first, second, 0.6, torch.tensor([False, True]))
    torch.testing.assert_close(flipped, torch.tensor([[4.6, 9.2], [-3.4, -6.8]]))


def test_restyling_keeps_the_code_and_changes_the_class(generator: torch.Generator) -> None:
    model, batch = small(generator, condition=Label()), batch_of(4, generator)
    assert torch.equal(restyle(model, batch, batch.y), model.reconstruct(batch))
    other = torch.tensor([3, 2, 1, 0])
    expected = model.mean(model.encode(batch).mean, one_hot(other, 4).float())
    torch.testing.assert_close(restyle(model, batch, other), expected)
    with pytest.raises(ValueError, match="no condition label"):
        restyle(small(generator), batch, other)


def test_variance_and_principal_components_agree_on_codes_along_the_axes(generator: torch.Generator) -> None:
    codes = torch.randn(500, 3, generator=generator, dtype=torch.float64) * torch.tensor([0.1, 3.0, 1.0])
    variance = variance_per_dimension(codes)
    torch.testing.assert_close(variance, ((codes - codes.mean(0)) ** 2).mean(0))
    components = principal_components(codes, 2)
    covariance = components.t() @ components / 500
    assert components.shape == (500, 2)
    torch.testing.assert_close(covariance, covariance.diagonal().diag())
    torch.testing.assert_close(covariance.diagonal(), torch.linalg.eigvalsh(codes.t().cov(correction=0)).flip(0)[:2])
    torch.testing.assert_close(principal_components(codes.flip(0), 2).flip(0), components)
