"""How far apart two sets of feature vectors are, each taken for a normal distribution: the Fréchet distance.

d² = |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁^½ Σ₂ Σ₁^½)^½), by D. C. Dowson, B. V. Landau, "The Fréchet distance between
multivariate normal distributions", Journal of Multivariate Analysis 12, 1982, eq. 16; between features of real and of
generated images it is the FID of M. Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local
Nash Equilibrium", NIPS 2017.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Normal:
    """A normal distribution in F dimensions, in double precision on the CPU."""

    mean: Tensor
    """[F]."""
    covariance: Tensor
    """[F, F]."""

    @classmethod
    def fitted(cls, features: Tensor) -> Self:
        """Return the distribution with the mean and the unbiased covariance of vectors [N, F]; NaN for a single one."""
        features = features.double().cpu()
        centred = features - features.mean(0)
        return cls(features.mean(0), centred.T @ centred / (len(features) - 1))

    def distance(self, other: Self) -> float:
        """Return d², at least 0; NaN where one of the two is not finite."""
        if not all(part.isfinite().all() for part in (self.mean, self.covariance, other.mean, other.covariance)):
            return torch.nan
        shift = (self.mean - other.mean).square().sum()
        spread = self.covariance.trace() + other.covariance.trace()
        # The eigenvalues of (Σ₁^½ Σ₂ Σ₁^½)^½ are the singular values of Σ₁^½ Σ₂^½, of which none has to be rooted.
        common = torch.linalg.svdvals(_root(self.covariance) @ _root(other.covariance)).sum()
        distance: float = (shift + spread - 2 * common).item()
        return max(0.0, distance)


def _root(covariance: Tensor) -> Tensor:
    """Return the symmetric square root of a covariance, whose eigenvalues may be 0 and, by rounding, less."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors * values.clamp(min=0).sqrt() @ vectors.T
    return root
