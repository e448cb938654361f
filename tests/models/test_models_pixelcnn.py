"""Protects the PixelCNN and PixelVAE: every pixel sees those before it and no other, and probability adds up to 1."""

import pytest
import torch
from binary_images import all_images
from fusing import fused
from torch.distributions import Bernoulli, Independent, Normal

from models import Batch, ImageShape, Likelihood, find, importance_weighted_bound, names
from models.autoregressive import AutoregressiveAutoencoder
from models.backbones import FullyConnected
from models.conditions import Label, Pixels
from models.initialization import initialize
from models.pixelcnn import PixelCNN
from models.presets import PixelVAE

SHAPE = ImageShape(1, 8, 8)
TINY = ImageShape(1, 2, 3)
SMALL = {"latent_dim": 2, "backbone": FullyConnected(hidden=8), "channels": 4, "kernel": 3}


def pixelcnn(generator, *, inputs: int = 1, outputs: int = 1, layers: int = 3, kernel: int = 5) -> PixelCNN:
    network = PixelCNN(inputs=inputs, features=2, outputs=outputs, channels=4, layers=layers, kernel=kernel)
    initialize(network, generator)
    return network.double()


@pytest.fixture
def model(generator) -> AutoregressiveAutoencoder:
    return PixelVAE(**SMALL).build(SHAPE, generator)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_pixel_depends_on_all_before_it_and_on_no_other(channels: int, generator) -> None:
    network, size = pixelcnn(generator, inputs=channels, outputs=channels), 5
    images = torch.rand(1, channels, size, size, generator=generator, dtype=torch.float64)
    features = torch.randn(1, 2, size, size, generator=generator, dtype=torch.float64)
    jacobian = torch.func.jacrev(lambda images: network(images, features)[0])(images)[:, :, :, 0]
    by_pixel = jacobian.movedim(3, 1).reshape(channels, channels, size**2, size**2)
    before = torch.ones(size**2, size**2).tril(-1).bool()
    assert ((by_pixel != 0) == before).all()


def test_a_pixel_depends_on_its_own_features(generator) -> None:
    network = pixelcnn(generator)
    images = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    features = torch.randn(1, 2, 4, 4, generator=generator, dtype=torch.float64)
    jacobian = torch.func.jacrev(lambda features: network(images, features)[0, 0])(features)[:, :, 0]
    by_pixel = jacobian.movedim(2, 0).reshape(2, 16, 16)
    assert (by_pixel.diagonal(dim1=1, dim2=2) != 0).all()


@pytest.mark.parametrize(("layers", "kernel"), [(1, 3), (2, 3), (1, 5), (2, 1)])
def test_no_more_rows_matter_than_it_says(layers: int, kernel: int, generator) -> None:
    network = pixelcnn(generator, layers=layers, kernel=kernel)
    images = torch.rand(1, 1, 9, 9, generator=generator, dtype=torch.float64)
    features = torch.zeros(1, 2, 9, 9, dtype=torch.float64)
    jacobian = torch.func.jacrev(lambda images: network(images, features)[0, 0, 8, 4])(images)[0, 0]
    rows = (jacobian != 0).any(1).nonzero().flatten().tolist()
    assert rows == list(range(8 - network.rows_above, 9))


def test_an_even_kernel_is_refused(generator) -> None:
    with pytest.raises(ValueError, match="kernel is 4; must be odd"):
        PixelVAE(kernel=4).build(SHAPE, generator)


@pytest.mark.parametrize("condition", [None, Label()])
def test_the_probabilities_of_all_images_add_up_to_one(condition, generator) -> None:
    preset = PixelVAE(**SMALL) if condition is None else PixelVAE(**SMALL, condition=condition)
    model = preset.build(TINY, generator, classes=3).double()
    x = all_images(TINY)
    z = torch.randn(2, 1, 2, generator=generator, dtype=torch.float64).expand(2, len(x), 2)
    log_likelihood = model.log_likelihood(Batch(x, torch.ones(len(x), dtype=torch.int64)), z)
    torch.testing.assert_close(log_likelihood.exp().sum(1), torch.ones(2, dtype=torch.float64))
    assert log_likelihood[0].std() > 0.01


def test_the_bound_reaches_the_evidence(generator) -> None:
    model = PixelVAE(**SMALL | {"latent_dim": 1}).build(TINY, generator).double()
    x = all_images(TINY)
    grid = torch.linspace(-8, 8, 801, dtype=torch.float64)
    with torch.no_grad():
        given_z = model.log_likelihood(Batch(x), grid[:, None, None].expand(-1, len(x), 1)).exp()
        evidence = torch.trapezoid(given_z * Normal(0, 1).log_prob(grid).exp()[:, None], grid, dim=0)
    assert evidence.sum().item() == pytest.approx(1, abs=1e-6)
    bound = importance_weighted_bound(model, Batch(x), 1000, generator)
    torch.testing.assert_close(bound, evidence.log(), rtol=0, atol=0.05)
    assert (model.terms(Batch(x), 1000, generator).log_weights.mean(0) < evidence.log()).all()


@torch.no_grad()
def test_samples_have_the_probabilities_of_the_likelihood(generator) -> None:
    shape, n = ImageShape(1, 2, 2), 20_000
    model = PixelVAE(**SMALL | {"latent_dim": 1}).build(shape, generator)
    x = all_images(shape).float()
    grid = torch.linspace(-6, 6, 241)
    given_z = model.log_likelihood(Batch(x), grid[:, None, None].expand(-1, len(x), 1)).exp()
    expected = torch.trapezoid(given_z * Normal(0, 1).log_prob(grid).exp()[:, None], grid, dim=0)
    drawn = model.sample(n, generator).flatten(1) @ torch.tensor([8.0, 4.0, 2.0, 1.0])
    frequencies = torch.bincount(drawn.long(), minlength=16) / n
    deviation = (expected * (1 - expected) / n).sqrt()
    assert ((frequencies - expected).abs() < 4 * deviation).all()


@torch.no_grad()
def test_drawing_by_rows_is_drawing_by_whole_images(generator) -> None:
    shape = ImageShape(2, 9, 7)
    model = PixelVAE(**SMALL, layers=2).build(shape, generator)
    assert model.pixelcnn.rows_above < shape.height - 1
    rows = model.sample(6, seeded())

    noise = seeded()
    features = model.decode(model.prior(6, noise))
    whole = torch.zeros(6, *shape)
    for row in range(shape.height):
        for column in range(shape.width):
            raw = model.pixelcnn(whole, features)[:, :, row : row + 1, column : column + 1]
            whole[:, :, row : row + 1, column : column + 1] = model.likelihood.sample(raw.squeeze(-1), noise)[..., None]
    assert torch.equal(rows, whole)


def test_the_mean_is_given_the_pixels_before(model: AutoregressiveAutoencoder, generator) -> None:
    z = torch.randn(2, 3, 2, generator=generator)
    mean = model.mean(z)
    assert mean.shape == (2, 3, *SHAPE)
    assert torch.equal(mean, model.mean(z))
    first = model.pixelcnn(torch.zeros(6, *SHAPE), model.decode(z).flatten(0, 1))[..., 0, 0].sigmoid()
    torch.testing.assert_close(mean[..., 0, 0].flatten(0, 1), first)
    assert torch.equal(model.mean(z[1])[0].round(), model.mean(z[1]).round()[0])


@torch.no_grad()
def test_told_pixels_stand_before_the_others(generator) -> None:
    model = PixelVAE(**SMALL, condition=Pixels(observed="right")).build(TINY, generator).double()
    x = all_images(TINY)[torch.arange(16)]
    told = x[:1].expand(16, -1, -1, -1).clone()
    told[:, :, :, 1:] = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    context = model.conditioning.context(Batch(told))
    z = torch.randn(1, 2, generator=generator, dtype=torch.float64).expand(16, 2)
    samples = model.sample(16, generator, context)
    assert torch.equal(samples[..., 1:], told[..., 1:])
    for pictures in (model.mean(z, context), model.mean(z.expand(2, 16, 2), context)[1]):
        torch.testing.assert_close(pictures[..., 1:], told[..., 1:])

    hidden = all_images(ImageShape(1, 2, 1))
    completed = told[:4].clone()
    completed[..., :1] = hidden
    probabilities = model.log_likelihood(Batch(completed), z[:4]).exp()
    assert probabilities.sum().item() == pytest.approx(1)
    raw = model.pixelcnn(completed, model.decode(z[:4], context[:4]))[..., :1]
    expected = Independent(Bernoulli(logits=raw), 3).log_prob(completed[..., :1]).exp()
    torch.testing.assert_close(probabilities, expected)


@pytest.mark.parametrize("name", names(Likelihood))
@pytest.mark.parametrize("shape", [SHAPE, ImageShape(3, 5, 6)])
def test_any_likelihood_of_single_pixels_will_do(name: str, shape: ImageShape, generator) -> None:
    model = PixelVAE(**SMALL, likelihood=find(Likelihood, name)()).build(shape, generator)
    grey = torch.randint(0, 256, (3, *shape), dtype=torch.uint8, generator=generator)
    x = model.space.preprocess(grey, generator)
    loss = -model.log_weights(Batch(x), 2, generator).mean()
    assert loss.isfinite()
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(loss, list(model.parameters())))
    assert model.sample(2, generator).shape == (2, *shape)


@pytest.mark.parametrize("shape", [SHAPE, ImageShape(1, 28, 28), ImageShape(3, 32, 32)])
def test_images_of_every_shape_are_scored(shape: ImageShape, generator) -> None:
    model = PixelVAE(latent_dim=3, channels=4).build(shape, generator)
    x = torch.rand(2, *shape, generator=generator).round()
    assert model.log_weights(Batch(x), 3, generator).shape == (3, 2)


def test_several_models_run_as_one_program(generator) -> None:
    members = [PixelVAE(**SMALL).build(SHAPE, generator) for _ in range(3)]
    x = torch.rand(4, *SHAPE, generator=generator).round()
    z = torch.randn(2, 4, 2, generator=generator)
    together = fused(members, lambda model: model.log_likelihood(Batch(x), z))
    for member, result in zip(members, together, strict=True):
        torch.testing.assert_close(result, member.log_likelihood(Batch(x), z), rtol=1e-4, atol=1e-4)


def test_the_pixelcnn_is_the_generators(model: AutoregressiveAutoencoder) -> None:
    parts = model.parts()
    assert {*parts["encoder"], *parts["generator"]} == {*model.parameters()}
    assert {*model.pixelcnn.parameters()} <= {*parts["generator"]}
    assert {*model.encoder.parameters()} == {*parts["encoder"]}
