"""What a trained model is asked: codes of images, paths and mixtures of codes, and pixels that were not seen."""

from models.inference.codes import blend, interpolate, principal_components, restyle, variance_per_dimension
from models.inference.variational import check, complete, infer

__all__ = [
    "blend",
    "check",
    "complete",
    "infer",
    "interpolate",
    "principal_components",
    "restyle",
    "variance_per_dimension",
]
