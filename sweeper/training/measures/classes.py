"""How samples spread over the classes of a data set, by what its classifier takes them for.

"modes" counts the classes that samples cover. T. Che et al., "Mode Regularized Generative Adversarial Networks", ICLR
2017, and L. Metz et al., "Unrolled Generative Adversarial Networks", ICLR 2017, count a class from its first sample on;
that one sample in a thousand may be the classifier's mistake, so here it takes a tenth of a class's fair share: 1 % of
all samples where there are ten classes. Noise is put into some class as well: modes tell something where the distance
is small.

"class_kl" is the Kullback-Leibler divergence, in nats, of the classes of samples from those of the data: 0 where their
shares are the same, log(10/5) where samples have five of ten equal classes, and about (classes - 1) / 2N for N samples
without a fault. "confidence" is the mean probability that the classifier gives to the class it decides for: low where
samples look like no class.
"""

import math

from torch import Tensor
from torch.special import xlogy

COVERED = 0.1
"""The part of its fair share of samples from which on a class is covered."""


def class_statistics(logits: Tensor, real: Tensor) -> dict[str, float]:
    """Return "modes", "class_kl" and "confidence" of samples.

    Samples whose logits are not finite are in no class; where that is so of all, only the modes are a number.

    Args:
        logits: [N, C], what the classifier says of each sample.
        real: [C], how many images of the data set are in each class.

    """
    finite = logits[logits.isfinite().all(-1)]
    decided = finite.argmax(-1).bincount(minlength=len(real))
    least = math.ceil(COVERED * len(logits) / len(real))
    return {
        "modes": float((decided >= least).sum().item()),
        "class_kl": divergence(decided, real),
        "confidence": finite.softmax(-1).amax(-1).mean().item(),
    }


def divergence(first: Tensor, second: Tensor) -> float:
    """Return KL(p|q) in nats, where p and q are the shares that two histograms [C] count; NaN where one is empty."""
    p, q = (counts.double() / counts.sum() for counts in (first, second))
    nats: float = (xlogy(p, p) - xlogy(p, q)).sum().item()
    return nats
