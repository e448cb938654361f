"""What a critic and a generator minimize, by the scores [B] that the critic gives to real and to drawn images.

With critic D, generator G and S the sigmoid, averaged over the images x and the draws z:

================  ======================================  =======================
name              the critic minimizes                    the generator minimizes
================  ======================================  =======================
`minimax`         -log S(D(x)) - log(1 - S(D(G(z))))      log(1 - S(D(G(z))))
`non_saturating`  -log S(D(x)) - log(1 - S(D(G(z))))      -log S(D(G(z)))
`least_squares`   ½ (D(x) - 1)² + ½ D(G(z))²              ½ (D(G(z)) - 1)²
`wasserstein`     D(G(z)) - D(x)                          -D(G(z))
================  ======================================  =======================

The first is eq. 1 of Goodfellow et al. 2014, and the second what its section 3 trains the generator by instead: where
the critic is sure, the gradient of the first is almost 0. The third is eq. 9 of Mao et al. 2017, with targets 1 for
real, 0 for drawn, and 1 for what the generator wants. The fourth is eq. 2 of Arjovsky et al. 2017, whose critic must
be kept Lipschitz: see `models.regularizers`.
"""

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

AdversarialLoss = Literal["minimax", "non_saturating", "least_squares", "wasserstein"]


def critic_losses(kind: AdversarialLoss, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the two parts of what the critic minimizes: that of real and that of drawn images, 0-dimensional."""
    match kind:
        case "minimax" | "non_saturating":
            return F.softplus(-real).mean(), F.softplus(fake).mean()
        case "least_squares":
            return 0.5 * (real - 1).square().mean(), 0.5 * fake.square().mean()
        case "wasserstein":
            return -real.mean(), fake.mean()


def generator_loss(kind: AdversarialLoss, fake: Tensor) -> Tensor:
    """Return what the generator minimizes, 0-dimensional, of the scores [B] of drawn images."""
    match kind:
        case "minimax":
            return -F.softplus(fake).mean()
        case "non_saturating":
            return F.softplus(-fake).mean()
        case "least_squares":
            return 0.5 * (fake - 1).square().mean()
        case "wasserstein":
            return -fake.mean()
