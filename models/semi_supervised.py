"""The semi-supervised model M2 (Kingma et al. 2014, arXiv 1406.5298, section 2.1): images of classes only partly known.

p(x) = Σ_y p(y) ∫ p(x|y, z) p(z) dz, with p(y) uniform, and q(y, z|x) = q(y|x) q(z|x, y): a classifier q(y|x) beside
a label-conditional autoencoder. A class is one of a few, so it is never drawn: whatever depends on it is computed for
every class and summed, which costs as much as so many images.

The latent vector of an image is its class, one-hot, and its style z: [B, classes + L].

Shapes: Y classes; k draws of the style, for each class, for each of B images [B, C, H, W].
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.autoencoder import VariationalAutoencoder
from models.batch import Batch
from models.conditions import LabelConditioning
from models.decoded import DecodedModel
from models.latent import Terms


@dataclass(frozen=True, eq=False)
class SummedTerms(Terms):
    """The terms of a model whose classes are summed: the parts are means over q(y|x), the weights are exact sums.

    So the mean parts make up the bound U(x) of the paper (eq. 7), and the weights one that is at least as tight.
    The latent vectors are those of the most probable class.
    """

    log_sums: Tensor
    """log Σ_y p(y) w_y [k, B], where w_y is the importance weight of p(x|y)."""

    @property
    def log_weights(self) -> Tensor:
        """The logarithms of the importance weights of p(x) [k, B]."""
        return self.log_sums


class SemiSupervisedModel(DecodedModel):
    """A classifier and a label-conditional autoencoder.

    As a conditional model it may be told a label or, where it is told none, finds or draws one by itself.
    """

    conditioning: LabelConditioning
    """The label, one-hot; zeros where it is not told."""

    def __init__(self, classifier: nn.Module, autoencoder: VariationalAutoencoder, classes: int) -> None:
        """Compose the model of a classifier, which gives logits [B, Y], and of an autoencoder conditional on labels."""
        super().__init__()
        self.classifier = classifier
        self.autoencoder = autoencoder
        self.likelihood = autoencoder.likelihood
        self.classes = classes
        self.conditioning = LabelConditioning(classes)
        self.latent_dim = classes + autoencoder.latent_dim

    @property
    def given(self) -> str:
        """Nothing: the class is summed over."""
        return ""

    @property
    def noise_dim(self) -> int:
        """The values of the style, since the class is not Gaussian; they end a latent vector."""
        return self.autoencoder.noise_dim

    def inference_networks(self) -> tuple[nn.Module, ...]:
        """Return the classifier and the autoencoder's encoder."""
        return (self.classifier, *self.autoencoder.inference_networks())

    def classify(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the logits [B, Y] of q(y|x) of images [B, C, H, W]; in training, dropout needs the generator."""
        logits: Tensor = self.classifier(x, generator)
        return logits

    def terms_by_class(self, batch: Batch, k: int, generator: torch.Generator, hold_posterior: bool = False) -> Terms:
        """Return the terms of p(x|y) for every class, whatever the labels are: [k, Y, B], the KL's [Y, B, L]."""
        return self._by_class(self.autoencoder.terms(self._as_every_class(batch), k, generator, hold_posterior))

    def terms(self, batch: Batch, k: int, generator: torch.Generator, hold_posterior: bool = False) -> Terms:
        """Return the parts of the importance weights of p(x), of which no label is told, at k draws for each image."""
        drawn = self.terms_by_class(batch, k, generator, hold_posterior)
        return self._sum(drawn, self.classify(batch.x, generator))

    def weigher(self, batch: Batch) -> Callable[[int, torch.Generator], Terms]:
        """Return `terms` as a function of k and generator; the images are encoded once."""
        weigh, logits = self.autoencoder.weigher(self._as_every_class(batch)), self.classify(batch.x)
        return lambda k, generator: self._sum(self._by_class(weigh(k, generator)), logits)

    def log_likelihood_at(self, batch: Batch, noise: Tensor) -> Tensor:
        """Return log Σ_y p(y) p(x|y, z) [..., B] at the styles to which noise [..., B, noise_dim] leads."""
        repeated = torch.cat([noise] * self.classes, -2)
        by_class = self.autoencoder.log_likelihood_at(self._as_every_class(batch), repeated)
        return by_class.view(*by_class.shape[:-1], self.classes, -1).logsumexp(-2) - math.log(self.classes)

    def infer(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Return a draw from q(y, z|x) [B, Y + L] for each image, or without a generator its mode.

        Labels are not looked at: the class is what the model makes of the image.
        """
        logits = self.classify(batch.x, generator)
        label = (logits if generator is None else logits + _gumbel(logits, generator)).argmax(-1)
        style = self.autoencoder.infer(Batch(batch.x, label), generator)
        return torch.cat([self.conditioning.one_hot(label, style.dtype), style], -1)

    @torch.no_grad()
    def reconstruct(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Return E[x|y, z] [B, C, H, W] at the class and the style that `infer` gives for each image."""
        return self.mean(self.infer(batch, generator))

    def prior(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        """Draw n latent vectors [n, Y + L]; context vectors [n, Y] tell the class, zeros leave it to be drawn."""
        drawn = torch.randint(self.classes, (n,), generator=generator, device=generator.device)
        label = _told(context, self.conditioning.one_hot(drawn))
        return torch.cat([label, self.autoencoder.prior(n, generator, label)], -1)

    def decode(self, z: Tensor, context: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Return the likelihood's raw input [..., B, raw channels, H, W] for latent vectors [..., B, Y + L].

        A context vector [B, Y] of an image, unless it is zeros, comes in the place of the class.
        """
        label, style = z[..., : self.classes], z[..., self.classes :]
        return self.autoencoder.decode(style, _told(context, label), generator)

    def _as_every_class(self, batch: Batch) -> Batch:
        """Return the images once as each class, as one batch of Y B."""
        labels = torch.arange(self.classes, device=batch.x.device).repeat_interleave(len(batch))
        return Batch(batch.x.repeat(self.classes, 1, 1, 1), labels)

    def _by_class(self, terms: Terms) -> Terms:
        """Return the terms [k, Y B] of such a batch as [k, Y, B]."""
        k, latent_dim = terms.z.shape[0], terms.z.shape[-1]
        return Terms(
            log_likelihood=terms.log_likelihood.reshape(k, self.classes, -1),
            log_prior=terms.log_prior.reshape(k, self.classes, -1),
            log_posterior=terms.log_posterior.reshape(k, self.classes, -1),
            kl_parts=terms.kl_parts.reshape(self.classes, -1, latent_dim),
            z=terms.z.reshape(k, self.classes, -1, latent_dim),
        )

    def _sum(self, drawn: Terms, logits: Tensor) -> SummedTerms:
        """Return the terms of p(x), given those of p(x|y) for every class and the logits [B, Y] of q(y|x)."""
        log_q = logits.log_softmax(-1).t()
        q, log_p = log_q.exp(), -math.log(self.classes)
        kl_of_class = (q * (log_q - log_p)).sum(0)
        return SummedTerms(
            log_likelihood=(q * drawn.log_likelihood).sum(1),
            log_prior=(q * (drawn.log_prior + log_p)).sum(1),
            log_posterior=(q * (drawn.log_posterior + log_q)).sum(1),
            kl_parts=torch.cat([kl_of_class[:, None], (q[..., None] * drawn.kl_parts).sum(0)], -1),
            z=self._of_the_most_probable(drawn.z, logits),
            log_sums=(drawn.log_weights + log_p).logsumexp(1),
        )

    def _of_the_most_probable(self, styles: Tensor, logits: Tensor) -> Tensor:
        """Return the latent vectors [k, B, Y + L] of the most probable class, of styles [k, Y, B, L]."""
        label = logits.argmax(-1)
        index = label[None, None, :, None].expand(len(styles), 1, -1, styles.shape[-1])
        one_hot = self.conditioning.one_hot(label, styles.dtype).expand(len(styles), -1, -1)
        return torch.cat([one_hot, styles.gather(1, index).squeeze(1)], -1)


def _gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    """Draw noise [B, Y] that makes the largest of noisy logits a draw from their softmax (Maddison et al. 2014).

    `torch.multinomial` would do so too, but not for several models at once by the same noise.
    """
    uniform = torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device)
    return -(-uniform.log()).log()


def _told(context: Tensor | None, otherwise: Tensor) -> Tensor:
    """Return the classes [..., Y] that context vectors [B, Y] tell, and others where there is none or it is zeros."""
    return otherwise if context is None else torch.where(context.any(-1, keepdim=True), context, otherwise)
