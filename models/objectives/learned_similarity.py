"""Learned similarity, VAE/GAN (Larsen et al. 2016, arXiv 1512.09300): images are compared as a critic sees them.

With D_l(x) the activations of the critic's layer l, the decoder's pixels are not scored; in their place is (eq. 7)

    L_llike = -E_q[log N(D_l(x) | D_l(x̃), I)] = ½ E_q ‖D_l(x) - D_l(x̃)‖² + constant,    x̃ = E[x|z], z ~ q(z|x).

The players minimize (algorithm 1, where g is gamma and β is 1; the constant is left out)

    encoder      β KL(q(z|x) ‖ p(z)) + L_llike
    generator    g L_llike + the adversarial loss of its reconstructions and samples
    critic       the adversarial loss

The encoder has no gradient of the adversarial loss, the critic none of L_llike. Where the KL has a gradient in the
generator too, because the prior is learned or the encoder sees what was drawn so far, as in DRAW, the generator
minimizes it as well. In the paper all three step at once; here each has its turn, on the same batch.

Shapes: batches of B images [B, C, H, W]; latent vectors [B, L]; activations [B, F].
"""

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from models.batch import Batch
from models.hybrid import CriticizedAutoencoder
from models.objectives.base import Loss
from models.objectives.criticized import CriticizedObjective, half, latent_samples
from models.objectives.warmup import warmed_up
from models.registry import register


@register("learned_similarity")
@dataclass(frozen=True, kw_only=True)
class LearnedSimilarity(CriticizedObjective):
    """Reconstructions are to be like images in a hidden layer of the critic."""

    layer: int = -1
    """The critic's hidden layer: 1 is the first, -1 the last."""
    similarity: Annotated[float, Gt(0)] = 0.01
    """Weight of L_llike in the generator's loss, the paper's gamma."""
    beta: Annotated[float, Ge(0)] = 1.0
    """Weight of the KL."""
    warmup: Annotated[float, Ge(0)] = 0.0
    """Epochs in which the weight of the KL rises linearly from 0 to beta; with 0 it is beta from the start."""

    def encoder_loss(
        self, model: CriticizedAutoencoder, batch: Batch, generator: torch.Generator, epoch: float
    ) -> Loss:
        """Return the encoder's loss; its terms are "encoder_loss", "kl" and both reconstructions, in nats per image.

        "pixel_reconstruction" is what a VAE would minimize in place of "feature_reconstruction"; nobody does here.
        """
        context = model.conditioning.context(batch)
        drawn = model.autoencoder.terms(batch, 1, generator)
        pictures = model.autoencoder.expected(drawn.z.squeeze(0), context, generator)
        features = self._feature_reconstruction(model, batch, pictures, context, generator)
        kl = drawn.kl.mean()
        total = features + warmed_up(self.beta, self.warmup, epoch) * kl
        terms = {
            "encoder_loss": total,
            "kl": kl,
            "feature_reconstruction": features,
            "pixel_reconstruction": -drawn.log_likelihood.mean(),
        }
        return Loss(total, {name: value.detach() for name, value in terms.items()})

    def generator_loss(
        self, model: CriticizedAutoencoder, batch: Batch, generator: torch.Generator, epoch: float
    ) -> Loss:
        """Return the generator's loss; its terms are "generator_loss" and those of its part in the game."""
        context = model.conditioning.context(batch)
        drawn = model.autoencoder.terms(batch, 1, generator)
        z = torch.cat([drawn.z.squeeze(0), latent_samples(model, batch, context, generator)])
        told = None if context is None else torch.cat([context, context[half(batch) :]])
        pictures, samples = model.autoencoder.expected(z, told, generator).tensor_split([len(batch)])
        game = self.adversarial(model, batch, torch.cat([pictures[: half(batch)], samples]), context, generator)
        features = self._feature_reconstruction(model, batch, pictures, context, generator)
        kl = warmed_up(self.beta, self.warmup, epoch) * drawn.kl.mean()
        total = self.similarity * features + game.total + kl
        return Loss(total, {"generator_loss": (total - kl).detach(), **game.terms})

    def check(self, model: Any) -> None:
        """Refuse critics without the layer too."""
        super().check(model)
        model.critic.check_layer(self.layer)

    def _feature_reconstruction(
        self,
        model: CriticizedAutoencoder,
        batch: Batch,
        pictures: Tensor,
        context: Tensor | None,
        generator: torch.Generator,
    ) -> Tensor:
        """Return L_llike without its constant, 0-dimensional, of the pictures [B, C, H, W] of the images in a batch.

        Both go through the critic as one batch, as in the authors' implementation: batch norm would else make up for
        what all pictures have in common, such as too little contrast.
        """
        both = torch.cat([pictures, batch.x])
        told = None if context is None else torch.cat([context, context])
        seen, wanted = model.critic.features(both, self.layer, generator, told).chunk(2)
        return 0.5 * (seen - wanted).square().sum(-1).mean()
