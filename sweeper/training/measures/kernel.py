"""How far apart two sets of feature vectors are, by all their moments up to the third: the kernel distance, KID.

It is the squared maximum mean discrepancy E k(x, x') + E k(y, y') - 2 E k(x, y) of the kernel k(x, y) = (xᵀy/F + 1)³ in
F dimensions, by M. Bińkowski, D. J. Sutherland, M. Arbel, A. Gretton, "Demystifying MMD GANs", ICLR 2018, estimated by
a U-statistic (A. Gretton et al., "A Kernel Two-Sample Test", JMLR 13, 2012, eq. 3). Unlike the Fréchet distance it has
no bias: between two sets from one distribution it is 0 on average, and often less, whatever their sizes.

Its interval is the jackknife's of a U-statistic of two samples: J. N. Arvesen, "Jackknifing U-statistics", Annals of
Mathematical Statistics 40, 1969. Without one of its vectors the statistic is known from sums over pairs, so none is
computed twice. Where both distributions are the same the interval is wider than it had to be.

The kernel is a polynomial, (s + 1)³ = 1 + 3s + 3s² + s³, and the mean over y of each power of s = xᵀy/F follows from a
moment of y. So the costs grow with the number of vectors, not of pairs.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

NORMAL_QUANTILE = 1.959964
"""Standard errors from the middle of a 95 % interval to its ends."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class MeanEmbedding:
    """The kernel mean embedding of a set of vectors: x ↦ the mean of k(x, y) over its y; in double precision."""

    vectors: Tensor
    """[N, F]."""
    first: Tensor
    """The mean of y [F]."""
    second: Tensor
    """The mean of y yᵀ [F, F]."""
    third: Tensor
    """The mean of y ⊗ y ⊗ y [F F, F]."""

    @classmethod
    def of(cls, vectors: Tensor) -> Self:
        """Return the embedding of vectors [N, F]."""
        y, size = vectors.double(), len(vectors)
        return cls(y, y.mean(0), y.T @ y / size, _squares(y).T @ y / size)

    def at(self, x: Tensor) -> Tensor:
        """Return the mean of k(x, y) [M] for vectors x [M, F]."""
        dimensions = x.shape[-1]
        linear = x @ self.first / dimensions
        square = ((x @ self.second) * x).sum(-1) / dimensions**2
        cube = ((_squares(x) @ self.third) * x).sum(-1) / dimensions**3
        return 1 + 3 * linear + 3 * square + cube

    @cached_property
    def among_others(self) -> Tensor:
        """The mean of k(y, y') [N] for each vector y over the others y' of the set."""
        size, itself = len(self.vectors), (self.vectors.square().mean(-1) + 1) ** 3
        return (size * self.at(self.vectors) - itself) / (size - 1)


def kernel_distance(first: MeanEmbedding, second: MeanEmbedding) -> Estimate:
    """Return the kernel distance of two sets, of at least 3 vectors each; NaN where one is not finite."""
    between = second.at(first.vectors), first.at(second.vectors)
    value = first.among_others.mean() + second.among_others.mean() - 2 * between[0].mean()
    variance = _variance(first.among_others, between[0]) + _variance(second.among_others, between[1])
    margin = NORMAL_QUANTILE * variance.sqrt()
    middle, low, high = torch.stack([value, value - margin, value + margin]).tolist()
    return Estimate(middle, low, high)


def _variance(within: Tensor, between: Tensor) -> Tensor:
    """Return the jackknife's variance from the vectors of one set, by the means of k for each [N], in and between sets.

    Without one vector of the set both its row and its column of pairs within are missing.
    """
    size = len(within)
    left_out = (within.sum() - 2 * within) / (size - 2) - 2 * (between.sum() - between) / (size - 1)
    return (size - 1) / size * (left_out - left_out.mean()).square().sum()


def _squares(x: Tensor) -> Tensor:
    """Return x ⊗ x [N, F F] for each vector of [N, F]."""
    return (x[:, :, None] * x[:, None, :]).flatten(1)
