"""Presets: the models that a sweep file may name."""

from models.presets.base import Model
from models.presets.vae import VAE

__all__ = ["VAE", "Model"]
