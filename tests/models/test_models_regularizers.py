"""Protects the regularizers of critics: the penalty and its gradient, the bound, and what they refuse or warn of."""

import math

import pytest
import torch
from torch import nn

from models import ImageShape, Regularizer, find, names
from models.backbones import Convolutional, FullyConnected, Network
from models.backbones import linear as linear_module
from models.critic import Critic
from models.initialization import materialize
from models.regularizers import Clip, GradientPenalty, Unregularized

SHAPE = ImageShape(1, 8, 8)
CLASSES, BATCH = 3, 5
SMOOTH = FullyConnected(hidden=6, layers=2, activation="tanh")


def critic(backbone, generator, context: int = 0) -> Critic:
    return materialize(lambda: Critic(backbone.encoder(SHAPE, 1, context)), generator)


@pytest.fixture
def images(generator):
    return torch.rand(2, BATCH, *SHAPE, generator=generator)


@pytest.mark.parametrize("weight", [1.0, 10.0])
def test_the_penalty_of_a_linear_critic_is_known(weight: float, images, generator) -> None:
    """Its slope in grey values from 0 to 1 is 2 |w|, because it is given images from -1 to 1."""
    real, fake = images
    linear = Critic(Network(nn.Flatten(), nn.Linear(SHAPE.pixels, 1)))
    penalty = GradientPenalty(weight=weight).penalty(linear, real, fake, generator)
    norm = 2 * linear.network[1].weight.detach().norm()
    torch.testing.assert_close(penalty.detach(), weight * (norm - 1) ** 2)


def test_the_penalty_is_taken_between_the_two_images_of_a_pair(images, generator) -> None:
    """A critic Σ x² has the gradient 2 x: its norm tells where it was taken."""
    seen = []

    def square(x, generator, context):
        seen.append(x.detach())
        return x.square().sum((1, 2, 3))

    real, fake = images
    penalty = GradientPenalty(weight=3).penalty(square, real, fake, generator)
    (between,) = seen
    share = (between - fake) / (real - fake)
    first = share[:, :, :1, :1]
    torch.testing.assert_close(share, first.expand_as(share), atol=1e-3, rtol=0)
    assert ((first > 0) & (first < 1)).all()
    assert first.unique().numel() == BATCH
    expected = 3 * (2 * between.flatten(1).norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(penalty.detach(), expected)


@pytest.mark.parametrize("context", [None, torch.eye(CLASSES)[torch.arange(BATCH) % CLASSES].double()])
def test_the_gradient_of_the_penalty_is_that_of_finite_differences(context, images, generator) -> None:
    real, fake = images.double()
    smooth = critic(SMOOTH, generator, 0 if context is None else CLASSES).double()
    named = dict(smooth.named_parameters())

    def penalty(*parameters):
        own = dict(zip(named, parameters, strict=True))

        def called(*arguments):
            return torch.func.functional_call(smooth, own, arguments)

        return GradientPenalty().penalty(called, real, fake, torch.Generator().manual_seed(1), context)

    assert torch.autograd.gradcheck(penalty, tuple(named.values()))


@pytest.mark.parametrize("backbone", [SMOOTH, Convolutional(channels=4, activation="leaky_relu", dropout=0.3)])
def test_the_penalty_teaches_every_weight_of_the_critic_and_no_image(backbone, images, generator) -> None:
    real, fake = images[0], images[1].requires_grad_()
    own = critic(backbone, generator)
    GradientPenalty().penalty(own, real, fake, generator).backward()
    weights = [parameter for name, parameter in own.named_parameters() if name.endswith("weight")]
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in weights)
    assert fake.grad is None


def test_fast_products_have_the_same_penalty_and_gradient(images, generator, monkeypatch) -> None:
    real, fake = images
    own = critic(FullyConnected(hidden=7, layers=2, activation="tanh"), generator)

    def penalty_and_gradients():
        penalty = GradientPenalty().penalty(own, real, fake, torch.Generator().manual_seed(1))
        weights = [parameter for parameter in own.parameters() if parameter.dim() == 2]
        return penalty.detach(), *torch.autograd.grad(penalty, weights)

    plain = penalty_and_gradients()
    monkeypatch.setattr(linear_module, "WORTHWHILE", 0)
    torch.testing.assert_close(penalty_and_gradients(), plain)


@pytest.mark.parametrize("bound", [0.01, 0.2])
def test_clipping_keeps_every_parameter_within_the_bound(bound: float, generator) -> None:
    own = critic(Convolutional(channels=4, norm="batch"), generator)
    before = {name: parameter.detach().clone() for name, parameter in own.named_parameters()}
    Clip(bound=bound).constrain(own)
    for name, parameter in own.named_parameters():
        torch.testing.assert_close(parameter.detach(), before[name].clamp(-bound, bound), rtol=0, atol=0)
        assert parameter.requires_grad


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("backbone", [FullyConnected, Convolutional])
def test_batch_norm_is_refused_with_a_gradient_penalty_and_warned_of_with_clipping(backbone, norm, generator) -> None:
    own = critic(backbone(norm=norm, layers=2), generator)
    clip, penalty = Clip(), GradientPenalty()
    clip.check(own)
    assert penalty.warnings(own) == []
    if norm == "batch":
        with pytest.raises(ValueError, match="gradient_penalty, but the critic has batch norm: the penalty is on the"):
            penalty.check(own)
        (warning,) = clip.warnings(own)
        assert "batch norm" in warning
        assert "\n" not in warning
    else:
        penalty.check(own)
        assert clip.warnings(own) == []


def test_no_regularizer_does_nothing(images, generator) -> None:
    own = critic(FullyConnected(norm="batch"), generator)
    none = Unregularized()
    before = [parameter.detach().clone() for parameter in own.parameters()]
    none.check(own)
    none.constrain(own)
    assert none.penalty(own, *images, generator) is None
    assert none.warnings(own) == []
    torch.testing.assert_close([parameter.detach() for parameter in own.parameters()], before, rtol=0, atol=0)


@pytest.mark.parametrize("name", names(Regularizer))
def test_every_regularizer_has_a_finite_penalty_for_images_that_are_alike(name: str, images, generator) -> None:
    own = critic(SMOOTH, generator)
    same = images[0]
    penalty = find(Regularizer, name)().penalty(own, same, same, generator)
    assert penalty is None or math.isfinite(penalty.item())
