"""Estimates of log p(x), by which models are compared."""

import math

import torch
from torch import Tensor

from models.batch import Batch
from models.latent import LatentVariableModel

ON_CPU = 2**18
"""Pixels decoded at once: on one core about the fastest for fc and conv decoders, for images of 8x8 and 28x28."""
ON_ACCELERATOR = 2**22
"""Enough to keep one busy, for a few gigabytes at most."""


@torch.inference_mode()
def importance_weighted_bound(
    model: LatentVariableModel,
    batch: Batch,
    k: int,
    generator: torch.Generator,
    pixels_at_once: int | None = None,
) -> Tensor:
    """Return one estimate of L_k = E[log 1/k Σ w_i] ≤ log p(x) for each image, [B] in nats (Burda et al. 2016, eq. 8).

    L_k rises with k towards log p(x), or log p(x|c) with a condition c. The model's mode (eval) is the caller's
    business. Each image is encoded once, and no more than ``pixels_at_once`` are decoded at once (by default as suits
    the device), so that memory does not grow with k and B.
    """
    pixels_at_once = pixels_at_once or (ON_CPU if batch.x.is_cpu else ON_ACCELERATOR)
    decoded_at_once = max(1, pixels_at_once // batch.x[0].numel())
    parts = batch.split(max(1, decoded_at_once // k))
    return torch.cat([_bound(model, part, k, generator, decoded_at_once) for part in parts])


def _bound(model: LatentVariableModel, batch: Batch, k: int, generator: torch.Generator, at_once: int) -> Tensor:
    weigh = model.weigher(batch)
    log_sum = torch.full((len(batch),), -math.inf, device=batch.x.device)
    for drawn in range(0, k, at_once):
        log_weights = weigh(min(at_once, k - drawn), generator).log_weights
        log_sum = torch.logaddexp(log_sum, log_weights.logsumexp(0))
    return log_sum - math.log(k)
