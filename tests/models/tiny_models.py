"""Latent-variable models of every kind, of images so few and latent variables so few that p(x) can be computed.

All binary images of 2x2 pixels can be added up, and noise of one or two values can be integrated over on a grid.
"""

import math
from functools import cache

import torch
from binary_images import all_images
from torch import Tensor

from models import Batch, ImageShape, LatentVariableModel, Model
from models.backbones import FullyConnected
from models.conditions import Label, Pixels
from models.decoded import DecodedModel
from models.presets import DRAW, VAE, PixelVAE, SemiSupervisedVAE, TwoLayerIWAE

SHAPE, CLASSES = ImageShape(1, 2, 2), 3
FC = FullyConnected(hidden=5, activation="tanh")

PRESETS: dict[str, Model] = {
    "vae": VAE(latent_dim=2, backbone=FC),
    "label": VAE(latent_dim=2, backbone=FC, condition=Label()),
    "learned prior": VAE(latent_dim=2, backbone=FC, condition=Label(), prior="learned"),
    "pixels": VAE(latent_dim=2, backbone=FC, condition=Pixels(observed="top")),
    "two layers": TwoLayerIWAE(latent_dim=1, top_dim=1, backbone=FC, top_hidden=4),
    "draw": DRAW(steps=2, latent_dim=1, hidden=4),
    "pixel_vae": PixelVAE(latent_dim=2, backbone=FC, channels=3, kernel=3),
    "m2": SemiSupervisedVAE(latent_dim=2, backbone=FC),
}
ENDS, POINTS = 8.0, 65
"""The grid in one direction."""


def tiny(name: str) -> DecodedModel:
    """Return the model of a preset, with large weights in what draws, so that p(x|z) depends on z.

    Those of what gives distributions of z are small, so that q(z|x) is nearly p(z), and importance weights vary little.
    """
    generator = torch.Generator().manual_seed(5)
    model = PRESETS[name].build(SHAPE, generator, classes=CLASSES).double().eval()
    assert isinstance(model, DecodedModel)
    with torch.no_grad():
        for part, parameter in model.named_parameters():
            of_z = any(word in part for word in ("encoder", "posterior", "prior"))
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter *= 0.4 if of_z else 2
    return model


def everything(name: str) -> Batch:
    """Return all images of which p(x|c) adds up to 1, given one condition where there is one."""
    x = all_images(SHAPE)
    if name == "pixels":
        x = x[(x[:, 0, 0] == torch.tensor([1.0, 0.0])).all(-1)]
    return Batch(x, torch.full((len(x),), 1))


@cache
@torch.no_grad()
def exact(name: str) -> Tensor:
    """Return log ∫ N(ε; 0, I) p(x|z(ε)) dε [B] of each of `everything`, by a sum over a grid of ε."""
    model, batch = tiny(name), everything(name)
    line = torch.linspace(-ENDS, ENDS, POINTS, dtype=torch.float64)
    noise = torch.cartesian_prod(line, line)
    log_density = -0.5 * noise.square().sum(-1) - math.log(2 * math.pi)
    log_likelihood = model.log_likelihood_at(batch, noise[:, None].expand(-1, len(batch), -1))
    return (log_density[:, None] + log_likelihood).logsumexp(0) + 2 * math.log(line[1] - line[0])


def within_its_interval(estimate: Tensor, error: Tensor, truth: Tensor) -> bool:
    """Say whether estimates are nowhere more than four standard errors off."""
    return bool(((estimate - truth).abs() < 4 * error).all())


def by_importance(model: LatentVariableModel, batch: Batch, k: int, generator: torch.Generator) -> Tensor:
    """Return w [k, B]."""
    return model.log_weights(batch, k, generator).detach().exp()
