"""A bound on log p(x) in pixels, with a critic of what is drawn: DRAW+GAN, M2+GAN, CVAE+GAN (seed 001).

Encoder and generator minimize the negated bound, whatever it is; the generator, in addition, an adversarial loss of
E[x|z] with z from q(z|x) and from the prior. So the critic sharpens pictures, of DRAW those on its last canvas, without
a part in what the latent variables mean: the encoder has no gradient of the adversarial loss.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any

import torch
from annotated_types import Ge

from models.adversarial import CRITIC
from models.batch import Batch
from models.generative import MODEL
from models.hybrid import CriticizedAutoencoder
from models.objectives.base import Loss, Objective
from models.objectives.criticized import CriticizedObjective, draw
from models.objectives.elbo import ELBO
from models.registry import register


@register("adversarial_bound")
@dataclass(frozen=True, kw_only=True)
class AdversarialBound(CriticizedObjective):
    """The bound of the autoencoder, and the game."""

    bound: Objective = field(default_factory=ELBO)
    """An objective of the autoencoder alone: elbo, iwae, jensen_shannon or, of a semi-supervised one, m2."""
    weight: Annotated[float, Ge(0)] = 1.0
    """Weight of the adversarial loss in the generator's, against a bound in nats per image."""

    @property
    def labelled(self) -> int:
        """The images with labels that the bound wants added to each batch."""
        return self.bound.labelled

    def encoder_loss(
        self, model: CriticizedAutoencoder, batch: Batch, generator: torch.Generator, epoch: float
    ) -> Loss:
        """Return the bound's loss and its terms, the total under the name "bound_loss"."""
        loss = self._of_the_autoencoder(model, batch, generator, epoch)
        return Loss(loss.total, {"bound_loss" if name == "loss" else name: term for name, term in loss.terms.items()})

    def generator_loss(
        self, model: CriticizedAutoencoder, batch: Batch, generator: torch.Generator, epoch: float
    ) -> Loss:
        """Return the generator's loss; its terms are "generator_loss" and those of its part in the game."""
        context = model.conditioning.context(batch)
        fake = draw(model, batch, context, generator)
        game = self.adversarial(model, batch, fake, context, generator)
        total = self._of_the_autoencoder(model, batch, generator, epoch).total + self.weight * game.total
        return Loss(total, {"generator_loss": total.detach(), **game.terms})

    def check(self, model: Any) -> None:
        """Refuse models whose autoencoder the bound does not fit too."""
        super().check(model)
        try:
            self.bound.check(model.autoencoder)
        except ValueError as error:
            raise ValueError(f"has a bound that {error}") from error

    def constrain(self, player: str, model: Any) -> None:
        """Restore what must hold of the critic or, for the bound, of the autoencoder."""
        super().constrain(player, model)
        if player != CRITIC:
            self.bound.constrain(MODEL, model.autoencoder)

    def _of_the_autoencoder(
        self, model: CriticizedAutoencoder, batch: Batch, generator: torch.Generator, epoch: float
    ) -> Loss:
        return self.bound.losses()[MODEL](model.autoencoder, batch, generator, epoch)
