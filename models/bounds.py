"""Estimates of log p(x), by which models are compared."""

import math

import torch
from torch import Tensor

from models.latent import LatentVariableModel

ON_CPU = 2**18
"""Pixels decoded at once: on one core about the fastest for fc and conv decoders, for images of 8x8 and 28x28."""
ON_ACCELERATOR = 2**22
"""Enough to keep one busy, for a few gigabytes at most."""


@torch.inference_mode()
def importance_weighted_bound(
    model: LatentVariableModel,
    x: Tensor,
    k: int,
    generator: torch.Generator,
    pixels_at_once: int | None = None,
) -> Tensor:
    """Return one estimate of L_k = E[log 1/k Σ w_i] ≤ log p(x) for each image, [B] in nats (Burda et al. 2016, eq. 8).

    L_k rises with k towards log p(x). Images x are [B, C, H, W]; the model's mode (eval) is the caller's business. Each
    image is encoded once, and no more than ``pixels_at_once`` are decoded at once (by default as suits the device), so
    that memory does not grow with k and B.
    """
    pixels_at_once = pixels_at_once or (ON_CPU if x.is_cpu else ON_ACCELERATOR)
    decoded_at_once = max(1, pixels_at_once // x[0].numel())
    images_at_once = max(1, decoded_at_once // k)
    return torch.cat([_bound(model, part, k, generator, decoded_at_once) for part in torch.split(x, images_at_once)])


def _bound(model: LatentVariableModel, x: Tensor, k: int, generator: torch.Generator, at_once: int) -> Tensor:
    posterior = model.encode(x)
    log_sum = torch.full((len(x),), -math.inf, device=x.device)
    for drawn in range(0, k, at_once):
        log_weights = model.weigh(x, posterior, min(at_once, k - drawn), generator).log_weights
        log_sum = torch.logaddexp(log_sum, log_weights.logsumexp(0))
    return log_sum - math.log(k)
