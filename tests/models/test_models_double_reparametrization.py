"""Protects the doubly reparametrized gradient: against the paper's formula, the plain gradient and the exact posterior.

(Tucker et al. 2018, arXiv 1810.04152, eq. 8.)
"""

import pytest
import torch
from fusing import fused_gradients
from linear_gaussian import images, linear_gaussian
from torch.distributions import Bernoulli, Normal

from models import Batch, GenerativeModel, ImageShape, VariationalAutoencoder
from models.backbones import FullyConnected
from models.objectives import IWAE
from models.presets import ConditionalVAE, SemiSupervisedVAE

SHAPE, LATENT, B, K = ImageShape(1, 4, 4), 3, 5, 6
Gradients = dict[str, torch.Tensor]


@pytest.fixture
def model(generator) -> VariationalAutoencoder:
    """A model with a learned prior, whose z meets the parameters of prior and decoder."""
    preset = ConditionalVAE(latent_dim=LATENT, prior="learned", backbone=FullyConnected(hidden=7, activation="tanh"))
    return preset.build(SHAPE, generator, classes=2).double()


@pytest.fixture
def batch(generator) -> Batch:
    x = torch.rand(B, *SHAPE, generator=generator, dtype=torch.float64).round()
    return Batch(x, torch.tensor([0, 1, 1, 0, 1]))


def gradients(model: GenerativeModel, batch: Batch, estimator: str, generator, k: int = K) -> Gradients:
    """Return the gradient of -L_k in every parameter."""
    model.zero_grad()
    IWAE(k=k, estimator=estimator).losses()["model"](model, batch, generator, 0.0).total.backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def of_encoder(gradients: Gradients) -> torch.Tensor:
    return torch.cat([value.flatten() for name, value in gradients.items() if name.startswith("encoder")])


def written(model: VariationalAutoencoder, batch: Batch, noise: torch.Tensor) -> Gradients:
    """Return -Σ_i w̃_i² ∂log w_i/∂z_i ∂z_i/∂φ, averaged over the images, without the model's own formulas."""
    context = torch.nn.functional.one_hot(batch.y, 2).double()
    mean, log_variance = model.encoder(batch.x, None, context).chunk(2, -1)
    z = mean + (log_variance / 2).exp() * noise
    free = z.detach().requires_grad_()
    prior_mean, prior_log_variance = model.prior_network(context).detach().chunk(2, -1)
    logits = model.decoder(torch.cat([free, context.expand(K, -1, -1)], -1).flatten(0, 1)).view(K, B, *SHAPE)
    log_w = (
        Bernoulli(logits=logits).log_prob(batch.x).sum((-3, -2, -1))
        + Normal(prior_mean, (prior_log_variance / 2).exp()).log_prob(free).sum(-1)
        - Normal(mean.detach(), (log_variance.detach() / 2).exp()).log_prob(free).sum(-1)
    )
    (in_z,) = torch.autograd.grad(log_w.sum(), free)
    squared = log_w.detach().softmax(0).square()[..., None]
    names, parameters = zip(*model.encoder.named_parameters(), strict=True)
    found = torch.autograd.grad(-(squared * in_z * z).sum() / B, parameters)
    return {f"encoder.{name}": gradient for name, gradient in zip(names, found, strict=True)}


def test_the_gradient_of_the_encoder_is_the_formula_of_the_paper(model, batch) -> None:
    noise = torch.randn(1, K, B, LATENT, generator=torch.Generator().manual_seed(3), dtype=torch.float64)[0]
    found = gradients(model, batch, "dreg", torch.Generator().manual_seed(3))
    for name, expected in written(model, batch, noise).items():
        torch.testing.assert_close(found[name], expected)


def test_value_and_gradients_of_decoder_and_prior_are_the_plain_ones(model, batch) -> None:
    plain, double = (gradients(model, batch, name, torch.Generator().manual_seed(3)) for name in ("plain", "dreg"))
    for name in plain:
        if not name.startswith("encoder"):
            torch.testing.assert_close(double[name], plain[name], msg=name)
    losses = [
        IWAE(k=K, estimator=name).losses()["model"](model, batch, torch.Generator().manual_seed(3), 0.0)
        for name in ("plain", "dreg")
    ]
    torch.testing.assert_close(losses[1].total, losses[0].total)
    assert losses[1].terms.keys() == losses[0].terms.keys()
    for name, value in losses[0].terms.items():
        torch.testing.assert_close(losses[1].terms[name], value)


def test_a_multiple_of_the_loss_has_that_multiple_of_the_gradient(model, batch) -> None:
    """Gradients are scaled in mixed precision, and summed over several losses."""
    once = gradients(model, batch, "dreg", torch.Generator().manual_seed(3))
    model.zero_grad()
    loss = IWAE(k=K, estimator="dreg").losses()["model"](model, batch, torch.Generator().manual_seed(3), 0.0)
    (1000 * loss.total).backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, 1000 * once[name])


def test_both_estimators_have_one_expectation_and_the_double_one_less_noise(generator) -> None:
    model, k = linear_gaussian(generator, off_by=0.3), 32
    batch = Batch(images(1, generator).repeat(400, 1, 1, 1))
    plain, double = (
        torch.stack([of_encoder(gradients(model, batch, name, generator, k)) for _ in range(40)])
        for name in ("plain", "dreg")
    )
    noise = (plain.var(0) + double.var(0)).div(40).sqrt()
    assert ((plain.mean(0) - double.mean(0)).abs() < 4 * noise + 1e-12).all()
    assert double.var(0).sum() < 0.2 * plain.var(0).sum()
    assert double.mean(0).norm() > 10 * double.var(0).div(40).sum().sqrt(), "the test needs a gradient"


def test_at_the_exact_posterior_the_encoder_feels_nothing(generator) -> None:
    model = linear_gaussian(generator)
    found = gradients(model, Batch(images(10, generator)), "dreg", generator)
    assert of_encoder(found).abs().max() < 1e-12
    assert of_encoder(gradients(model, Batch(images(10, generator)), "plain", generator)).abs().max() > 1e-3


def test_several_models_get_it_as_one_program(generator) -> None:
    preset = ConditionalVAE(latent_dim=LATENT, backbone=FullyConnected(hidden=7))
    members = [preset.build(SHAPE, generator, classes=2) for _ in range(3)]
    batch = Batch(torch.rand(B, *SHAPE, generator=generator).round(), torch.tensor([0, 1, 1, 0, 1]))
    loss = IWAE(k=K, estimator="dreg").losses()["model"]

    def total(model) -> torch.Tensor:
        return loss(model, batch, torch.Generator().manual_seed(3), 0.0).total

    found, _ = fused_gradients(members, total, list(members[0].parameters()), randomness="same")
    for index, member in enumerate(members):
        for name, alone in gradients(member, batch, "dreg", torch.Generator().manual_seed(3)).items():
            torch.testing.assert_close(found[name][index], alone, rtol=1e-4, atol=1e-5)


def test_other_posteriors_are_refused(generator) -> None:
    model = SemiSupervisedVAE().build(SHAPE, generator, classes=2)
    IWAE().check(model)
    with pytest.raises(ValueError, match="estimator dreg is for models with one layer of Gaussian latent variables"):
        IWAE(estimator="dreg").check(model)
