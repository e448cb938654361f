"""Backbones: the networks between images and vectors, of which a model is composed."""

from models.backbones.base import Backbone
from models.backbones.convolutional import Convolutional
from models.backbones.fully_connected import FullyConnected
from models.backbones.network import Dropout, Network
from models.backbones.plain_convolutional import PlainConvolutional
from models.backbones.residual import Residual

__all__ = ["Backbone", "Convolutional", "Dropout", "FullyConnected", "Network", "PlainConvolutional", "Residual"]
