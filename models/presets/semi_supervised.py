"""The semi-supervised model M2 (Kingma et al. 2014), of any backbone and likelihood."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from models.backbones import Backbone, Convolutional, FullyConnected
from models.conditions import Label
from models.generative import GenerativeModel
from models.likelihoods import Bernoulli, Likelihood
from models.objectives import M2, Objective
from models.presets.base import Model
from models.presets.vae import VAE
from models.registry import register
from models.semi_supervised import SemiSupervisedModel
from models.shapes import ImageShape


@register("m2")
@dataclass(frozen=True, kw_only=True)
class SemiSupervisedVAE(Model):
    """M2 of perceptrons with one hidden layer of 500 (Kingma et al. 2014, section 4.1), here of ReLU; seed 001."""

    latent_dim: Annotated[int, Ge(1)] = 50
    """Number of latent variables beside the class."""
    backbone: Backbone = field(default_factory=lambda: FullyConnected(hidden=500))
    """Architecture of encoder and decoder, which see each image once as every class."""
    classifier: Backbone | None = None
    """Architecture of the classifier, which sees each image once; null for that of encoder and decoder."""
    likelihood: Likelihood = field(default_factory=Bernoulli)
    """Distribution of an image given the decoder's output."""

    def compose(self, shape: ImageShape, classes: int = 0) -> GenerativeModel:
        """Return the semi-supervised autoencoder."""
        return self.autoencoder(shape, classes)

    def autoencoder(self, shape: ImageShape, classes: int = 0) -> SemiSupervisedModel:
        """Return a classifier beside a label-conditional autoencoder."""
        autoencoder = VAE(
            latent_dim=self.latent_dim, backbone=self.backbone, likelihood=self.likelihood, condition=Label()
        ).autoencoder(shape, classes)
        classifier = (self.classifier or self.backbone).encoder(shape, classes)
        return SemiSupervisedModel(classifier, autoencoder, classes)

    def objective(self) -> Objective:
        """Return the objective of the paper."""
        return M2()


@register("m2_conv")
@dataclass(frozen=True, kw_only=True)
class ConvolutionalSemiSupervisedVAE(SemiSupervisedVAE):
    """M2 of two convolutions of 16 channels with batch norm (Kingma et al. 2014); seed 001.

    With 32 channels an epoch takes about four times as long: the decoder draws each image once as every class.
    """

    backbone: Backbone = field(default_factory=lambda: Convolutional(channels=16, norm="batch"))
    """Architecture of encoder and decoder, which see each image once as every class."""
