"""Latent vectors as coordinates: paths between images, mixtures of them, and what each dimension is used for.

Shapes: latent vectors, called codes, of L values.
"""

from typing import Literal

import torch
from torch import Tensor

from models.batch import Batch
from models.conditions import LabelConditioning
from models.latent import LatentVariableModel

Path = Literal["linear", "spherical"]

_PARALLEL = 1e-3
"""Sine of the angle below which two codes have no arc of their own between them."""


def interpolate(z0: Tensor, z1: Tensor, steps: int, how: Path = "linear") -> Tensor:
    """Return the codes [steps + 1, ..., L] from z0 to z1 [..., L], both included, in equal steps.

    "linear" goes straight, (1 - t) z0 + t z1. "spherical" follows the arc, sin((1 - t) a) / sin a z0 + sin(t a) / sin a
    z1 with the angle a between the codes (White 2016, arXiv 1609.04468, section 2.1), and so keeps to the shell that
    draws from N(0, I) lie on in many dimensions; codes that are parallel or opposite have no one arc and go straight.
    """
    t = torch.linspace(0, 1, steps + 1, dtype=z0.dtype, device=z0.device).view(-1, *[1] * z0.dim())
    straight = torch.lerp(z0, z1, t)
    return straight if how == "linear" else _arc(z0, z1, t, straight)


def _arc(z0: Tensor, z1: Tensor, t: Tensor, straight: Tensor) -> Tensor:
    norms = z0.norm(dim=-1, keepdim=True) * z1.norm(dim=-1, keepdim=True)
    cosine = (z0 * z1).sum(-1, keepdim=True) / norms
    angle = cosine.clamp(-1, 1).acos()
    sine = angle.sin()
    arc = (((1 - t) * angle).sin() * z0 + (t * angle).sin() * z1) / sine
    return torch.where(sine > _PARALLEL, arc, straight)  # False for the NaN of a code that is zero as well.


def blend(z_first: Tensor, z_second: Tensor, weight: float, flip: Tensor | None = None) -> Tensor:
    """Return weight * z_first + (1 - weight) * z_second for codes [B, L], of which each of the second may be negated.

    Where ``flip`` [B], boolean, is true, the second code is multiplied by -1. That turned dark wings white in seed 002,
    whose flying horses are 0.6 of a horse and 0.4 of a bird.
    """
    signed = z_second if flip is None else torch.where(flip[:, None], -z_second, z_second)
    return torch.lerp(signed, z_first, weight)


@torch.no_grad()
def restyle(model: LatentVariableModel, batch: Batch, labels: Tensor) -> Tensor:
    """Return the images as they would look in other classes [B]: E[x|z, label] [B, C, H, W] at the mean of q(z|x, y).

    z keeps the style, since the class is told beside it (Kingma et al. 2014, arXiv 1406.5298, figure 1). Raises
    ValueError for a model that is not told the class.
    """
    if not isinstance(model.conditioning, LabelConditioning):
        raise ValueError("the class can be changed where it is told; this model has no condition label")
    return model.mean(model.infer(batch), model.conditioning.context(Batch(batch.x, labels)))


def variance_per_dimension(codes: Tensor) -> Tensor:
    """Return the variance [L] of codes [N, L] over the images, each dimension by itself.

    Of posterior means it says which dimensions a model uses: one that is ignored has the same mean for every image
    (Burda et al. 2016, arXiv 1509.00519, section 5.2).
    """
    return codes.var(0, correction=0)


def principal_components(codes: Tensor, count: int) -> Tensor:
    """Return the coordinates [N, count] of codes [N, L] along the directions in which they vary most, the first most.

    Each direction points to where its largest loading is positive, so that a figure can be made again.
    """
    centred = codes - codes.mean(0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    directions = directions[:count]
    largest = directions.abs().argmax(-1, keepdim=True)
    coordinates: Tensor = centred @ (directions * directions.gather(-1, largest).sign()).t()
    return coordinates
