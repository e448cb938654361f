"""Protects adversarial models: who is trained by which loss, on which images, and what a condition does."""

import pytest
import torch
from fusing import fused

from models import Batch, GenerativeModel, ImageShape, Model, Objective, Schedule, find
from models.adversarial import GAN
from models.adversarial_losses import critic_losses, generator_loss
from models.backbones import Convolutional, FullyConnected
from models.conditions import Label, Pixels, Unconditional
from models.objectives import Adversarial
from models.presets import DCGAN, VAE, PenalizedWassersteinGAN, VanillaGAN, WassersteinGAN
from models.regularizers import Clip, GradientPenalty
from models.schedules import Alternating

SHAPE, CLASSES, BATCH, LATENT = ImageShape(1, 8, 8), 3, 6, 4
PRESETS = ("gan", "cgan", "dcgan", "cdcgan", "lsgan", "wgan", "wgan_gp")
SMALL = FullyConnected(hidden=8, layers=2, activation="leaky_relu")


def small(generator, /, **changed) -> GAN:
    preset = VanillaGAN(**{"latent_dim": LATENT, "generator": SMALL, "critic": SMALL} | changed)
    return preset.build(SHAPE, generator, classes=CLASSES)


@pytest.fixture
def batch(generator) -> Batch:
    return Batch(torch.rand(BATCH, *SHAPE, generator=generator), torch.arange(BATCH) % CLASSES)


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize(
    "condition", [Unconditional(), Label(), Pixels()], ids=lambda condition: type(condition).__name__
)
@pytest.mark.parametrize("backbone", [SMALL, Convolutional(channels=4)], ids=["fc", "conv"])
def test_images_are_grey_values_with_a_gradient(condition, backbone, batch, generator) -> None:
    model = small(generator, condition=condition, generator=backbone, critic=backbone)
    context = model.conditioning.context(batch)
    z = torch.randn(2, BATCH, LATENT, generator=generator)
    images = model.generate(z, context)
    assert images.shape == (2, BATCH, *SHAPE)
    assert images.requires_grad
    assert ((images >= 0) & (images <= 1)).all()
    torch.testing.assert_close(model.mean(z, context), images.detach())
    torch.testing.assert_close(model.mean(z[0], context), images[0].detach())
    drawn = model.sample(BATCH, noise(), context)
    assert not drawn.requires_grad
    torch.testing.assert_close(drawn, model.generate(model.prior(BATCH, noise()), context).detach())
    assert model.critic(images[0], None, context).shape == (BATCH,)


def test_the_raw_output_becomes_a_grey_value_by_tanh(generator) -> None:
    model = small(generator)
    z = torch.randn(BATCH, LATENT, generator=generator)
    raw = model.generator(z)
    torch.testing.assert_close(model.generate(z), (1 + raw.tanh()) / 2)


def test_both_networks_are_told_the_condition(batch, generator) -> None:
    model = small(generator, condition=Label())
    z = torch.randn(BATCH, LATENT, generator=generator)
    first, second = (model.conditioning.one_hot(torch.full((BATCH,), y)) for y in (0, 1))
    assert (model.generate(z, first) != model.generate(z, second)).any()
    assert (model.critic(batch.x, None, first) != model.critic(batch.x, None, second)).all()


def test_told_pixels_are_in_their_places_before_the_critic_sees_an_image(batch, generator) -> None:
    model = small(generator, condition=Pixels(observed="top"))
    images = model.generate(torch.randn(BATCH, LATENT, generator=generator), model.conditioning.context(batch))
    torch.testing.assert_close(images[..., :4, :], batch.x[..., :4, :])
    assert (images[..., 4:, :] != batch.x[..., 4:, :]).all()


@pytest.mark.parametrize("name", PRESETS)
def test_every_parameter_belongs_to_one_player(name: str, generator) -> None:
    model = find(Model, name)().build(SHAPE, generator, classes=CLASSES)
    generators, critics = model.players()["generator"], model.players()["critic"]
    assert sum(parameter.numel() for parameter in (*generators, *critics)) == sum(
        parameter.numel() for parameter in model.parameters()
    )
    assert not {id(parameter) for parameter in generators} & {id(parameter) for parameter in critics}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_trained_by_what_they_come_with(name: str, batch, generator) -> None:
    preset = find(Model, name)()
    model = preset.build(SHAPE, generator, classes=CLASSES)
    preset.objective().check(model)
    assert preset.objective().warnings(model) == []
    preset.schedule().check(model.players())
    assert preset.objective() == preset.objective()
    for loss in preset.objective().losses().values():
        terms = loss(model, batch, generator, 0.0).terms
        assert all(value.isfinite() and not value.requires_grad and value.dim() == 0 for value in terms.values())


def test_the_famous_ones_are_what_their_papers_say() -> None:
    wgan, penalized = WassersteinGAN(), PenalizedWassersteinGAN()
    assert wgan.objective() == Adversarial(loss="wasserstein", regularizer=Clip(bound=0.01))
    assert wgan.schedule() == Alternating(critic_steps=5, warmup_steps=100, warmup_rounds=25, warmup_every=500)
    assert penalized.objective() == Adversarial(loss="wasserstein", regularizer=GradientPenalty(weight=10))
    assert penalized.schedule() == Alternating(critic_steps=5)
    assert find(Model, "lsgan")().objective() == Adversarial(loss="least_squares")
    assert find(Model, "gan")().objective() == Adversarial(loss="non_saturating")


def test_the_vanilla_gan_has_the_layers_of_seed_004() -> None:
    model = VanillaGAN().compose(ImageShape(1, 28, 28))
    for network, widths in (
        (model.generator, [100, 256, 512, 1024, 784]),
        (model.critic.network, [784, 1024, 512, 256, 1]),
    ):
        linear = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
        assert [linear[0].in_features, *(layer.out_features for layer in linear)] == widths


def test_dcgan_has_batch_norm_but_next_to_images_and_small_normal_weights(generator) -> None:
    model = DCGAN().build(ImageShape(1, 28, 28), generator)
    norms = {
        name: [isinstance(layer, torch.nn.BatchNorm2d) for layer in network].count(True)
        for name, network in (("generator", model.generator), ("critic", model.critic.network))
    }
    assert norms == {"generator": 2, "critic": 1}
    first, second = list(model.critic.network)[:2]
    assert isinstance(first, torch.nn.Conv2d)
    assert isinstance(second, torch.nn.LeakyReLU)
    weights = torch.cat([weight.flatten() for weight in model.parameters() if weight.dim() > 1])
    assert abs(weights.std().item() - 0.02) < 1e-3


@pytest.mark.parametrize("loss", ["minimax", "non_saturating", "least_squares", "wasserstein"])
def test_losses_are_those_of_the_scores_of_real_and_drawn_images(loss: str, batch, generator) -> None:
    model = small(generator, condition=Label())
    losses = Adversarial(loss=loss).losses()
    context = model.conditioning.context(batch)
    real = model.critic(batch.x, None, context)
    fake = model.critic(model.generate(model.prior(BATCH, noise()), context), None, context)

    critic = losses["critic"](model, batch, noise(), 0.0)
    parts = critic_losses(loss, real, fake)
    torch.testing.assert_close(critic.total, sum(parts))
    expected = {
        "critic_loss": sum(parts),
        "critic_real": real.mean(),
        "critic_fake": fake.mean(),
        "critic_real_loss": parts[0],
        "critic_fake_loss": parts[1],
        "critic_accuracy": (real > fake).float().mean(),
    }
    torch.testing.assert_close(critic.terms, {name: value.detach() for name, value in expected.items()})

    drawn = losses["generator"](model, batch, noise(), 0.0)
    torch.testing.assert_close(drawn.total, generator_loss(loss, fake))
    torch.testing.assert_close(drawn.terms, {"generator_loss": drawn.total.detach()})


def test_the_penalty_is_part_of_the_critics_loss_and_logged(batch, generator) -> None:
    model = small(generator)
    plain = Adversarial(loss="wasserstein").losses()["critic"](model, batch, noise(), 0.0)
    penalized = Adversarial(loss="wasserstein", regularizer=GradientPenalty())
    loss = penalized.losses()["critic"](model, batch, noise(), 0.0)
    assert loss.terms["penalty"] > 0
    torch.testing.assert_close(loss.total, plain.total + loss.terms["penalty"])
    torch.testing.assert_close(loss.terms["critic_loss"], loss.total.detach())


@pytest.mark.parametrize("regularizer", [Clip(), GradientPenalty()])
def test_the_critics_loss_has_no_gradient_in_the_generator(regularizer, batch, generator) -> None:
    model = small(generator)
    Adversarial(regularizer=regularizer).losses()["critic"](model, batch, generator, 0.0).total.backward()
    assert all(parameter.grad is None for parameter in model.generator.parameters())
    assert all(parameter.grad is not None for parameter in model.critic.parameters())


@pytest.mark.parametrize("feature_matching", [0.0, 1.0])
def test_the_generators_loss_teaches_it_through_the_critic(feature_matching: float, batch, generator) -> None:
    model = small(generator)
    loss = Adversarial(feature_matching=feature_matching).losses()["generator"](model, batch, generator, 0.0)
    loss.total.backward(inputs=model.players()["generator"])
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.generator.parameters())
    assert all(parameter.grad is None for parameter in model.critic.parameters())


@pytest.mark.parametrize("layer", [1, -1])
def test_feature_matching_adds_the_distance_of_mean_features(layer: int, batch, generator) -> None:
    model = small(generator, condition=Label())
    context = model.conditioning.context(batch)
    fake = model.generate(model.prior(BATCH, noise()), context)
    features = [model.critic.features(x, layer, None, context).mean(0) for x in (batch.x, fake)]
    distance = (features[0] - features[1]).square().sum()
    loss = Adversarial(feature_matching=2.5, layer=layer).losses()["generator"](model, batch, noise(), 0.0)
    plain = generator_loss("non_saturating", model.critic(fake, None, context))
    torch.testing.assert_close(loss.total, plain + 2.5 * distance)
    torch.testing.assert_close(loss.terms["feature_distance"], distance.detach())


def test_the_critic_alone_is_clipped_and_after_its_own_steps_alone(generator) -> None:
    objective = Adversarial(regularizer=Clip(bound=1e-3))
    model = small(generator)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    objective.constrain("generator", model)
    torch.testing.assert_close([parameter.detach() for parameter in model.parameters()], before, rtol=0, atol=0)
    objective.constrain("critic", model)
    assert max(parameter.abs().max().item() for parameter in model.critic.parameters()) == pytest.approx(1e-3)
    assert min(parameter.abs().max().item() for parameter in model.generator.parameters()) > 1e-3


def test_a_model_that_does_not_fit_is_refused(generator) -> None:
    with pytest.raises(ValueError, match="is an objective of a GAN; this model is a VariationalAutoencoder"):
        Adversarial().check(VAE().build(SHAPE, generator))
    normed = small(generator, critic=FullyConnected(norm="batch"))
    with pytest.raises(ValueError, match="has the regularizer gradient_penalty, but the critic has batch norm"):
        Adversarial(regularizer=GradientPenalty()).check(normed)
    assert len(Adversarial(regularizer=Clip()).warnings(normed)) == 1
    with pytest.raises(ValueError, match="layer is 3; the critic has 2 hidden layers"):
        Adversarial(feature_matching=1, layer=3).check(small(generator))
    Adversarial(layer=3).check(small(generator))


def test_an_adversarial_model_has_no_density(generator) -> None:
    model: GenerativeModel = small(generator)
    assert model.density is None
    assert model.classify(torch.zeros(1, *SHAPE)) is None
    assert not model.space.redraws


def test_the_parts_are_found_by_name() -> None:
    assert find(Objective, "adversarial") is Adversarial
    assert find(Schedule, "alternating") is Alternating


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_several_models_run_as_one_program(name: str, training: bool, batch, generator) -> None:
    """Under `torch.func.vmap` over stacked parameters; in training mode, without what is drawn for dropout."""
    preset = find(Model, name)()
    members = [preset.build(SHAPE, generator, classes=CLASSES) for _ in range(3)]
    for member in members:
        member.train(training and "Dropout" not in repr(member))
    context = members[0].conditioning.context(batch)
    z = torch.randn(BATCH, preset.latent_dim, generator=generator)
    together = fused(members, lambda model: (model.generate(z, context), model.critic(batch.x, None, context)))
    for index, member in enumerate(members):
        alone = member.generate(z, context), member.critic(batch.x, None, context)
        torch.testing.assert_close(tuple(part[index] for part in together), alone, rtol=1e-5, atol=1e-5)
