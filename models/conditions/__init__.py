"""Conditions: what a model is told about an image beside, or instead of, its pixels."""

from models.conditions.base import Condition, Conditioning
from models.conditions.label import Label, LabelConditioning
from models.conditions.none import Unconditional, Unconditioned
from models.conditions.pixels import PixelConditioning, Pixels

__all__ = [
    "Condition",
    "Conditioning",
    "Label",
    "LabelConditioning",
    "PixelConditioning",
    "Pixels",
    "Unconditional",
    "Unconditioned",
]
