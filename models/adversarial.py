"""Generative adversarial networks (Goodfellow et al. 2014): images x = G(z) of z ~ N(0, I), judged by a critic D(x).

With a condition c both networks are given it, G(z, c) and D(x, c): Mirza & Osindero 2014. Where c is a part of the
pixels, they are put into their places in G(z, c) before the critic sees it.

Shapes: images [B, C, H, W] with values in [0, 1]; latent vectors of L values; context vectors [B, size].
"""

import torch
from torch import Tensor, nn

from models.conditions import Conditioning, Unconditioned
from models.critic import Critic
from models.decoding import decode
from models.generative import GenerativeModel
from models.latent import GENERATOR
from models.spaces import UnitInterval

CRITIC = "critic"
"""The player that tells real images from drawn ones."""


class GAN(GenerativeModel):
    """A generator and a critic. There is no p(x|z) to speak of, and no way from images to latent vectors."""

    def __init__(
        self, generator: nn.Module, critic: Critic, latent_dim: int, conditioning: Conditioning | None = None
    ) -> None:
        """Compose the model of a backbone's decoder and a critic.

        The generator gives raw images [N, C, H, W] for latent and context vectors side by side [N, L + size].
        """
        super().__init__()
        self.generator = generator
        self.critic = critic
        self.latent_dim = latent_dim
        self.conditioning = conditioning or Unconditioned()

    @property
    def space(self) -> UnitInterval:
        """Grey values, of which nothing is drawn."""
        return UnitInterval()

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of the generator and of the critic."""
        return {GENERATOR: list(self.generator.parameters()), CRITIC: list(self.critic.parameters())}

    def generate(self, z: Tensor, context: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Return images [..., B, C, H, W] for latent vectors [..., B, L], with their gradient.

        The raw output ends in the tanh of DCGAN (Radford et al. 2016), moved to values from 0 to 1.
        """
        raw = decode(self.generator, z, context, generator)
        return self.conditioning.complete((1 + raw.tanh()) / 2, context)

    @torch.no_grad()
    def mean(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the images [..., C, H, W] of latent vectors [..., L]: each vector has just one."""
        return self.generate(z, context)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        """Draw n images [n, C, H, W], given context vectors [n, size] where the model has a condition."""
        return self.generate(self.prior(n, generator, context), context, generator)
