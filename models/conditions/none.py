"""No condition: p(x)."""

from dataclasses import dataclass

from models.batch import Batch
from models.conditions.base import Condition, Conditioning
from models.registry import register
from models.shapes import ImageShape


class Unconditioned(Conditioning):
    """Networks get no context."""

    size = 0
    given = ""

    def context(self, batch: Batch) -> None:
        """Return nothing."""


@register("none")
@dataclass(frozen=True, kw_only=True)
class Unconditional(Condition):
    """The model is told nothing."""

    def bind(self, shape: ImageShape, classes: int) -> Unconditioned:  # noqa: ARG002 (the contract names them)
        """Return the same for every shape."""
        return Unconditioned()
