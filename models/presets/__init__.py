"""Presets: the models that a sweep file may name."""

from models.presets.autoencoders import (
    BatchNormVAE,
    BetaVAE,
    ConvolutionalVAE,
    FullyConnectedVAE,
    ImportanceWeightedAutoencoder,
    ResidualVAE,
)
from models.presets.base import Model
from models.presets.conditional import CompletionCVAE, ConditionalVAE
from models.presets.dcgan import DCGAN, ConditionalDCGAN
from models.presets.draw import DRAW, DRAWWithAttention
from models.presets.gan import ConditionalGAN, LeastSquaresGAN, PenalizedWassersteinGAN, VanillaGAN, WassersteinGAN
from models.presets.hybrids import DRAWGAN, VAEGAN, ConditionalVAEGAN, SemiSupervisedGAN
from models.presets.iwae2 import TwoLayerIWAE
from models.presets.pixel_vae import PixelVAE
from models.presets.semi_supervised import ConvolutionalSemiSupervisedVAE, SemiSupervisedVAE
from models.presets.vae import VAE

__all__ = [
    "DCGAN",
    "DRAW",
    "DRAWGAN",
    "VAE",
    "VAEGAN",
    "BatchNormVAE",
    "BetaVAE",
    "CompletionCVAE",
    "ConditionalDCGAN",
    "ConditionalGAN",
    "ConditionalVAE",
    "ConditionalVAEGAN",
    "ConvolutionalSemiSupervisedVAE",
    "ConvolutionalVAE",
    "DRAWWithAttention",
    "FullyConnectedVAE",
    "ImportanceWeightedAutoencoder",
    "LeastSquaresGAN",
    "Model",
    "PenalizedWassersteinGAN",
    "PixelVAE",
    "ResidualVAE",
    "SemiSupervisedGAN",
    "SemiSupervisedVAE",
    "TwoLayerIWAE",
    "VanillaGAN",
    "WassersteinGAN",
]
