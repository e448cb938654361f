"""Whether samples lie among real images and real images among samples, by the distances to nearest neighbours.

Around each vector of a set lies a ball that reaches to its K-th nearest neighbour in the set; together the balls are
the set's manifold. T. Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models",
NeurIPS 2019: precision is the share of samples on the manifold of real images, recall the share of real images on the
manifold of samples. M. F. Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", ICML 2020:
density is the number of real balls that a sample lies in, over K, and coverage the share of real balls with a sample
in them. These two bear outliers better, whose balls are large. Density may be above 1, where samples are found where
real images are dense.

K is 5, as in the second paper; the first has 3 for fifty thousand images. One of N real images is not covered by M
samples if its K nearest neighbours among all are real. So where both are of one distribution, coverage is on average
1 - Π_{i=1}^{K} (N - i)/(N + M - i).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

NEIGHBOURS = 5
"""K."""
AT_ONCE = 1000
"""Vectors whose distances to all others are in memory together."""


@dataclass(frozen=True, eq=False)
class Manifold:
    """The balls around the vectors of a set."""

    centres: Tensor
    """[N, F]."""
    radii: Tensor
    """[N]; NaN, so that nothing lies in the ball, around a vector that is not finite."""

    @classmethod
    def of(cls, vectors: Tensor) -> Self:
        """Return the balls around vectors [N, F]; with K or fewer of them, each reaches to the farthest one."""
        neighbours = min(NEIGHBOURS + 1, len(vectors))  # The first is the vector itself.
        nearest = [part.topk(neighbours, largest=False).values[:, -1] for part in _distances(vectors, vectors)]
        radii = torch.cat(nearest)
        return cls(vectors, radii.where(radii.isfinite(), torch.nan))


def compare(real: Manifold, samples: Manifold) -> dict[str, float]:
    """Return "precision", "recall", "density" and "coverage" of samples."""
    around_real = torch.zeros(len(samples.centres), dtype=torch.int64, device=samples.centres.device)
    covered, recalled = [], []
    parts = zip(_distances(real.centres, samples.centres), torch.split(real.radii, AT_ONCE), strict=True)
    for distances, radii in parts:
        inside = distances <= radii[:, None]
        around_real += inside.sum(0)
        covered.append(inside.any(-1))
        recalled.append((distances <= samples.radii).any(-1))
    return {
        "precision": _mean(around_real > 0),
        "recall": _mean(torch.cat(recalled)),
        "density": _mean(around_real) / NEIGHBOURS,
        "coverage": _mean(torch.cat(covered)),
    }


def _distances(rows: Tensor, columns: Tensor) -> Iterator[Tensor]:
    """Yield the distances [n, M] from some vectors after others of [N, F] to those of [M, F].

    They are computed from differences: products of vectors would not make them 0 where two are the same.
    """
    for part in torch.split(rows, AT_ONCE):
        yield torch.cdist(part, columns, compute_mode="donot_use_mm_for_euclid_dist")


def _mean(values: Tensor) -> float:
    return values.double().mean().item()
