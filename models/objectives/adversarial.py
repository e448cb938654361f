"""The two losses of an adversarial game, of any loss function and any regularizer of the critic.

`models.adversarial_losses` has the loss functions, `models.regularizers` the regularizers: a WGAN is "wasserstein" with
"clip" (Arjovsky et al. 2017), a WGAN-GP "wasserstein" with "gradient_penalty" (Gulrajani et al. 2017).

Feature matching (Salimans et al. 2016, section 3.1) adds ‖E f(x) - E f(G(z))‖² to what the generator minimizes, where f
is a hidden layer of the critic, and the means are those of a batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor

from models.adversarial import CRITIC, GAN
from models.adversarial_losses import AdversarialLoss, critic_losses, generator_loss
from models.batch import Batch
from models.critic import Critic
from models.latent import GENERATOR
from models.objectives.base import Loss, LossFunction, Objective
from models.registry import register
from models.regularizers import Regularizer, Unregularized


@register("adversarial")
@dataclass(frozen=True, kw_only=True)
class Adversarial(Objective):
    """The critic tells real images from drawn ones; the generator draws such as it takes for real."""

    fits = GAN

    loss: AdversarialLoss = "non_saturating"
    """What both minimize, as a function of the critic's scores."""
    regularizer: Regularizer = field(default_factory=Unregularized)
    """How the critic is kept from changing too fast from one image to the next."""
    feature_matching: Annotated[float, Ge(0)] = 0.0
    """Weight of feature matching in the generator's loss."""
    layer: int = -1
    """The critic's hidden layer for feature matching: 1 is the first, -1 the last."""

    def losses(self) -> Mapping[str, LossFunction]:
        """Return the losses of critic and generator."""
        return {CRITIC: self.critic_loss, GENERATOR: self.generator_loss}

    def critic_loss(self, model: GAN, batch: Batch, generator: torch.Generator, _epoch: float) -> Loss:
        """Return the critic's loss on the images and as many drawn ones; the terms are those of `judge`."""
        context = model.conditioning.context(batch)
        with torch.no_grad():
            fake = model.generate(model.prior(len(batch), generator, context), context, generator)
        return judge(self.loss, self.regularizer, model.critic, batch.x, fake, generator, context)

    def generator_loss(self, model: GAN, batch: Batch, generator: torch.Generator, _epoch: float) -> Loss:
        """Return the generator's loss on newly drawn images, with its terms "generator_loss" and "feature_distance"."""
        context = model.conditioning.context(batch)
        fake = model.generate(model.prior(len(batch), generator, context), context, generator)
        total = generator_loss(self.loss, model.critic(fake, generator, context))
        if not self.feature_matching:
            return Loss(total, {"generator_loss": total.detach()})
        distance = feature_distance(model.critic, self.layer, batch.x, fake, generator, context)
        total = total + self.feature_matching * distance
        return Loss(total, {"generator_loss": total.detach(), "feature_distance": distance.detach()})

    def check(self, model: Any) -> None:
        """Refuse models that are no GAN, and critics that the regularizer or feature matching does not fit."""
        super().check(model)
        self.regularizer.check(model.critic)
        if self.feature_matching:
            model.critic.check_layer(self.layer)

    def warnings(self, model: Any) -> list[str]:
        """Return those of the regularizer."""
        return self.regularizer.warnings(model.critic)

    def constrain(self, player: str, model: Any) -> None:
        """Have the regularizer restore its bound after a step of the critic."""
        if player == CRITIC:
            self.regularizer.constrain(model.critic)


def judge(
    loss: AdversarialLoss,
    regularizer: Regularizer,
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    generator: torch.Generator,
    context: Tensor | None = None,
) -> Loss:
    """Return a critic's loss on real and drawn images, [B, C, H, W] each, for the same context vectors [B, size].

    Its terms are "critic_loss", the total; "critic_real" and "critic_fake", the mean scores; "critic_real_loss" and
    "critic_fake_loss", the parts of the loss; "critic_accuracy", the share of pairs in which the real image has the
    higher score (½ for a critic that cannot tell); and "penalty", if the regularizer has one. Real and drawn images go
    through the critic apart, as two batches.
    """
    real_scores, fake_scores = critic(real, generator, context), critic(fake, generator, context)
    real_loss, fake_loss = critic_losses(loss, real_scores, fake_scores)
    total = real_loss + fake_loss
    terms = {
        "critic_real": real_scores.detach().mean(),
        "critic_fake": fake_scores.detach().mean(),
        "critic_real_loss": real_loss.detach(),
        "critic_fake_loss": fake_loss.detach(),
        "critic_accuracy": (real_scores > fake_scores).float().mean(),
    }
    penalty = regularizer.penalty(critic, real, fake, generator, context)
    if penalty is not None:
        total = total + penalty
        terms["penalty"] = penalty.detach()
    return Loss(total, {"critic_loss": total.detach(), **terms})


def feature_distance(
    critic: Critic,
    layer: int,
    real: Tensor,
    fake: Tensor,
    generator: torch.Generator,
    context: Tensor | None = None,
) -> Tensor:
    """Return ‖E f(x) - E f(G(z))‖², 0-dimensional, of real and drawn images [B, C, H, W] at a hidden layer f."""
    with torch.no_grad():
        wanted = critic.features(real, layer, generator, context).mean(0)
    return (wanted - critic.features(fake, layer, generator, context).mean(0)).square().sum()
