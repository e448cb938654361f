"""The objective of the semi-supervised model M2 (Kingma et al. 2014, arXiv 1406.5298, eqs. 6-9).

An image of class y counts with the bound -L(x, y) = E_q[log p(x|y, z)] + log p(y) - KL(q(z|x, y) ‖ p(z)) ≤ log p(x, y),
one without a label with U(x) = Σ_y q(y|x) (-L(x, y)) + H(q(y|x)) ≤ log p(x); the classifier q(y|x) learns from the
latter, and from its own log-loss on the images with labels, with the weight alpha.

Shapes: Y classes, B images.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from models.batch import UNKNOWN, Batch
from models.generative import MODEL
from models.objectives.base import Loss, LossFunction, Objective
from models.objectives.warmup import warmed_up
from models.registry import register
from models.semi_supervised import SemiSupervisedModel


@register("m2")
@dataclass(frozen=True, kw_only=True)
class M2(Objective):
    """The negative bounds and the classifier's loss, as the loss of the one player."""

    fits = SemiSupervisedModel

    alpha: Annotated[float, Ge(0)] = 1.0
    """Weight of the classifier's loss, averaged over the images with labels, beside the bounds, averaged over all.

    The paper's 0.1 N, where the bounds are summed over N images, is 0.1 here. With so little, the bounds pull the
    classifier down to the decoder's first guesses, for more epochs than a small machine has. With 1,000 labels of MNIST
    and a convolutional classifier, which alone errs in 5.5 %, four epochs came to 8.2 % with 1, and to 5.0 % with 20.
    """
    labelled: Annotated[int, Ge(0)] = 64
    """Images with labels that are added to each batch where not all images have theirs."""
    warmup: Annotated[float, Ge(0)] = 0.0
    """Epochs in which the weight of the KL of z rises linearly from 0 to 1; with 0 it is 1 from the start."""

    def losses(self) -> Mapping[str, LossFunction]:
        """Return the one player's loss."""
        return {MODEL: self.negative_bound}

    def negative_bound(
        self, model: SemiSupervisedModel, batch: Batch, generator: torch.Generator, epoch: float
    ) -> Loss:
        """Return the loss and its terms: "loss", the negated bounds "labelled" and "unlabelled", and the classifier's.

        Those are its "classification" loss and its "error" on images with labels, and its "entropy" on those without.
        Each is a mean over the images that it is about, and 0 in a batch without any.
        """
        y = torch.full_like(batch.x[:, 0, 0, 0], UNKNOWN).long() if batch.y is None else batch.y
        known, y = y != UNKNOWN, y.clamp(min=0)
        log_q = model.classify(batch.x, generator).log_softmax(-1)
        bounds = self._bounds(model, batch, generator, epoch)
        entropy = -(log_q.exp() * log_q).sum(-1)
        unlabelled = (log_q.exp() * bounds).sum(-1) + entropy
        labelled, log_loss = _at(bounds, y), -_at(log_q, y)
        classification = _mean(log_loss, known)
        total = self.alpha * classification - torch.where(known, labelled, unlabelled).mean()
        terms = {
            "loss": total,
            "labelled": -_mean(labelled, known),
            "unlabelled": -_mean(unlabelled, ~known),
            "classification": classification,
            "entropy": _mean(entropy, ~known),
            "error": _mean((log_q.argmax(-1) != y).to(log_q.dtype), known),
        }
        return Loss(total, {name: value.detach() for name, value in terms.items()})

    def _bounds(self, model: SemiSupervisedModel, batch: Batch, generator: torch.Generator, epoch: float) -> Tensor:
        """Return -L(x, y) [B, Y] of each image as every class."""
        drawn = model.terms_by_class(batch, 1, generator)
        weight = warmed_up(1.0, self.warmup, epoch)
        return (drawn.log_likelihood.squeeze(0) - weight * drawn.kl).t() - math.log(model.classes)


def _at(values: Tensor, y: Tensor) -> Tensor:
    """Return the values [B] of the classes y [B], of values [B, Y]."""
    return values.gather(-1, y[:, None]).squeeze(-1)


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the values [B] where the mask [B] is true, 0 where it nowhere is."""
    return (values * mask).sum() / mask.sum().clamp(min=1)
