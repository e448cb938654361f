"""Protects the architectures that the autoencoders' presets promise, and the objectives that they bring."""

import pytest
import torch
from torch import nn

from models import ImageShape, Model, find
from models.backbones import Convolutional, FullyConnected
from models.conditions import LabelConditioning, PixelConditioning
from models.likelihoods import Bernoulli
from models.objectives import ELBO, IWAE, M2
from models.presets import SemiSupervisedVAE

MNIST = ImageShape(1, 28, 28)


def composed(name: str, shape: ImageShape = MNIST, **settings):
    with torch.device("meta"):
        return find(Model, name)(**settings).compose(shape, classes=10)


def layers(network: nn.Module) -> list[tuple[str, int]]:
    """Return the kinds of the layers that are not mere reshaping, with the outputs of the affine ones."""
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.Tanh)
    found = [layer for layer in network.modules() if isinstance(layer, kinds)]
    return [(type(layer).__name__, getattr(layer, "out_features", 0)) for layer in found]


@pytest.mark.parametrize(
    ("name", "objective"),
    [
        ("fc_vae", ELBO()),
        ("conv_vae", ELBO()),
        ("bn_vae", ELBO()),
        ("cvae", ELBO()),
        ("completion_cvae", ELBO()),
        ("beta_vae", ELBO(beta=4)),
        ("residual_vae", ELBO(beta=0.01)),
        ("iwae", IWAE(k=5)),
        ("m2", M2()),
        ("m2_conv", M2()),
    ],
)
def test_each_brings_the_objective_of_its_paper(name: str, objective) -> None:
    preset = find(Model, name)()
    assert preset.objective() == objective
    preset.objective().check(composed(name))
    preset.schedule().check(composed(name).players())


def test_the_perceptrons() -> None:
    assert layers(composed("fc_vae").encoder) == [("Linear", 500), ("ReLU", 0), ("Linear", 40)]
    assert layers(composed("bn_vae").encoder) == [("Linear", 100), ("BatchNorm1d", 0), ("ReLU", 0), ("Linear", 4)]
    hidden = [("Linear", 200), ("Tanh", 0)] * 2
    assert layers(composed("iwae").encoder) == [*hidden, ("Linear", 100)]
    assert layers(composed("iwae").decoder) == [*hidden, ("Linear", 784)]


def test_the_convolutional_one_of_seed_000_ends_in_logits() -> None:
    model = composed("conv_vae")
    convolution, hidden = [("Conv2d", 0), ("BatchNorm2d", 0), ("ReLU", 0)], [("BatchNorm1d", 0), ("ReLU", 0)]
    assert layers(model.encoder) == [*convolution, *convolution, ("Linear", 256), *hidden, ("Linear", 40)]
    assert isinstance(model.decoder[-1], nn.ConvTranspose2d)


def test_the_residual_one_takes_photographs() -> None:
    model = composed("residual_vae", ImageShape(3, 64, 64))
    assert model.likelihood == Bernoulli(binarization="none")
    assert model.latent_dim == 128


def test_the_conditional_ones_are_told_something() -> None:
    label, pixels = composed("cvae"), composed("completion_cvae")
    assert isinstance(label.conditioning, LabelConditioning)
    assert isinstance(pixels.conditioning, PixelConditioning)
    assert label.prior_network is None
    assert layers(pixels.prior_network) == [("Linear", 100)]
    assert composed("cvae", prior="learned").prior_network is not None


def test_the_semi_supervised_ones_have_one_backbone_or_another_for_the_classifier() -> None:
    fc, conv = FullyConnected(hidden=9), Convolutional(channels=3)
    with torch.device("meta"):
        same = SemiSupervisedVAE(backbone=fc).compose(MNIST, classes=10)
        other = SemiSupervisedVAE(backbone=fc, classifier=conv).compose(MNIST, classes=10)
    assert layers(same.classifier) == [("Linear", 9), ("ReLU", 0), ("Linear", 10)]
    assert [kind for kind, _ in layers(other.classifier)] == ["Conv2d", "ReLU", "Conv2d", "ReLU", "Linear"]
    assert layers(other.autoencoder.encoder) == [("Linear", 9), ("ReLU", 0), ("Linear", 100)]
    assert ("BatchNorm2d", 0) in layers(composed("m2_conv").classifier)
