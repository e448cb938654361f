"""A latent-variable model with a critic of what it draws: VAE/GAN (Larsen et al. 2016) and its like.

The generator of the adversarial game is the model's own: the critic sees E[x|z], with z drawn from the prior (a sample)
or from q(z|x) (a reconstruction). Density, latent vectors and pictures are those of the model inside.

Shapes: batches of B images [B, C, H, W]; latent vectors of L values; context vectors [B, size].
"""

import torch
from torch import Tensor, nn

from models.adversarial import CRITIC
from models.critic import Critic
from models.decoded import DecodedModel
from models.generative import GenerativeModel
from models.spaces import ImageSpace


class CriticizedAutoencoder(GenerativeModel):
    """A latent-variable model and a critic, which is told what the model is told."""

    def __init__(self, autoencoder: DecodedModel, critic: Critic) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.critic = critic
        self.conditioning = autoencoder.conditioning
        self.latent_dim = autoencoder.latent_dim
        self.fusible = autoencoder.fusible

    @property
    def space(self) -> ImageSpace:
        """The images that the model inside is about."""
        return self.autoencoder.space

    @property
    def density(self) -> DecodedModel:
        """The model inside."""
        return self.autoencoder

    @property
    def classifies(self) -> bool:
        """Whether the model inside learns to classify."""
        return self.autoencoder.classifies

    def classify(self, x: Tensor) -> Tensor | None:
        """Return the logits [B, classes] that the model inside gives, if any."""
        return self.autoencoder.classify(x)

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of the encoder and the generator, which are the model inside, and of the critic."""
        return self.autoencoder.parts() | {CRITIC: list(self.critic.parameters())}

    def prior(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        """Draw n latent vectors [n, L] from p(z), or p(z|c) for context vectors [n, size]."""
        return self.autoencoder.prior(n, generator, context)

    def mean(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return E[x|z] [..., C, H, W] for latent vectors [..., L], without gradient."""
        return self.autoencoder.mean(z, context)

    def sample(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        """Draw n images [n, C, H, W] from p(x), or p(x|c) for context vectors [n, size]."""
        return self.autoencoder.sample(n, generator, context)
