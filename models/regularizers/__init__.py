"""Regularizers: how a critic is kept from changing too fast from one image to the next."""

from models.regularizers.base import Regularizer
from models.regularizers.clip import Clip
from models.regularizers.gradient_penalty import GradientPenalty
from models.regularizers.none import Unregularized

__all__ = ["Clip", "GradientPenalty", "Regularizer", "Unregularized"]
