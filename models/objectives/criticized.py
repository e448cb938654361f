"""What the objectives of an autoencoder with a critic share: the adversarial game.

The critic tells images from drawn ones: reconstructions of the first half of a batch and, under the conditions of the
second half, samples. That is eq. 9 of Larsen et al. 2016, real and drawn images having equal weights, as in the public
implementation of the authors (github.com/andersbll).

Shapes: batches of B images [B, C, H, W]; latent vectors [B, L]; context vectors [B, size].
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from models.adversarial import CRITIC
from models.adversarial_losses import AdversarialLoss, critic_losses, generator_loss
from models.batch import Batch
from models.hybrid import CriticizedAutoencoder
from models.latent import ENCODER, GENERATOR
from models.objectives.adversarial import judge
from models.objectives.base import Loss, LossFunction, Objective
from models.regularizers import Regularizer, Unregularized


@dataclass(frozen=True, kw_only=True)
class CriticizedObjective(Objective):
    """A game of encoder and generator with a critic."""

    fits = CriticizedAutoencoder

    loss: AdversarialLoss = "non_saturating"
    """What critic and generator minimize, as a function of the critic's scores."""
    regularizer: Regularizer = field(default_factory=Unregularized)
    """How the critic is kept from changing too fast from one image to the next."""

    def losses(self) -> Mapping[str, LossFunction]:
        """Return the losses of the three players."""
        return {ENCODER: self.encoder_loss, GENERATOR: self.generator_loss, CRITIC: self.critic_loss}

    @abstractmethod
    def encoder_loss(
        self, model: CriticizedAutoencoder, batch: Batch, generator: torch.Generator, epoch: float
    ) -> Loss:
        """Return the encoder's loss, of which the critic's scores are no part."""

    @abstractmethod
    def generator_loss(
        self, model: CriticizedAutoencoder, batch: Batch, generator: torch.Generator, epoch: float
    ) -> Loss:
        """Return the generator's loss; among its terms are those of `adversarial`."""

    def critic_loss(
        self, model: CriticizedAutoencoder, batch: Batch, generator: torch.Generator, _epoch: float
    ) -> Loss:
        """Return the critic's loss on the images and as many drawn ones; the terms are those of `judge`."""
        context = model.conditioning.context(batch)
        with torch.no_grad():
            fake = draw(model, batch, context, generator)
        return judge(self.loss, self.regularizer, model.critic, batch.x, fake, generator, context)

    def adversarial(
        self,
        model: CriticizedAutoencoder,
        batch: Batch,
        fake: Tensor,
        context: Tensor | None,
        generator: torch.Generator,
    ) -> Loss:
        """Return the generator's part in the game, given drawn images [B, C, H, W].

        Its terms are "adversarial", and the two parts of the critic's loss, "critic_real_loss" and "critic_fake_loss".
        """
        scores = model.critic(fake, generator, context)
        total = generator_loss(self.loss, scores)
        with torch.no_grad():
            real, drawn = critic_losses(self.loss, model.critic(batch.x, generator, context), scores)
        return Loss(total, {"adversarial": total.detach(), "critic_real_loss": real, "critic_fake_loss": drawn})

    def check(self, model: Any) -> None:
        """Refuse models without the three players, and critics that the regularizer does not fit."""
        super().check(model)
        self.regularizer.check(model.critic)

    def warnings(self, model: Any) -> list[str]:
        """Return those of the regularizer."""
        return self.regularizer.warnings(model.critic)

    def constrain(self, player: str, model: Any) -> None:
        """Have the regularizer restore its bound after a step of the critic."""
        if player == CRITIC:
            self.regularizer.constrain(model.critic)


def draw(model: CriticizedAutoencoder, batch: Batch, context: Tensor | None, generator: torch.Generator) -> Tensor:
    """Return reconstructions of the first half of a batch and samples for the second, [B, C, H, W].

    They have no gradient in the encoder.
    """
    with torch.no_grad():
        inferred = model.autoencoder.infer(batch.split(half(batch))[0], generator)
    z = torch.cat([inferred, latent_samples(model, batch, context, generator)])
    return model.autoencoder.expected(z, context, generator)


def latent_samples(
    model: CriticizedAutoencoder, batch: Batch, context: Tensor | None, generator: torch.Generator
) -> Tensor:
    """Draw latent vectors from the prior for the second half of a batch."""
    told = None if context is None else context[half(batch) :]
    return model.prior(len(batch) - half(batch), generator, told)


def half(batch: Batch) -> int:
    """Return how many images there are in the first half of a batch, rounded up."""
    return -(-len(batch) // 2)
