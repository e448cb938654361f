"""No regularizer: the critic of a GAN (Goodfellow et al. 2014)."""

from dataclasses import dataclass

from models.registry import register
from models.regularizers.base import Regularizer


@register("none")
@dataclass(frozen=True, kw_only=True)
class Unregularized(Regularizer):
    """The critic may be any function."""
