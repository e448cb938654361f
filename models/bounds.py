"""Estimates of log p(x), by which models are compared."""

import math

import torch
from torch import Tensor

from models.latent import LatentVariableModel

DECODED_AT_ONCE = 1024
"""The fastest number on one CPU core, of fc and conv decoders alike: what they compute still fits in its cache."""


@torch.inference_mode()
def importance_weighted_bound(
    model: LatentVariableModel,
    x: Tensor,
    k: int,
    generator: torch.Generator,
    decoded_at_once: int = DECODED_AT_ONCE,
) -> Tensor:
    """Return one estimate of L_k = E[log 1/k Σ w_i] ≤ log p(x) for each image, [B] in nats (Burda et al. 2016, eq. 8).

    L_k rises with k towards log p(x). Images x are [B, C, H, W]; the model's mode (eval) is the caller's business. Each
    image is encoded once, and at most ``decoded_at_once`` latent vectors are decoded together, whatever k and B are.
    """
    images_at_once = max(1, decoded_at_once // k)
    return torch.cat(
        [_bound(model, images, k, generator, decoded_at_once) for images in torch.split(x, images_at_once)]
    )


def _bound(model: LatentVariableModel, x: Tensor, k: int, generator: torch.Generator, at_once: int) -> Tensor:
    posterior = model.encode(x)
    log_sum = torch.full((len(x),), -math.inf, device=x.device)
    for drawn in range(0, k, at_once):
        log_weights = model.weigh(x, posterior, min(at_once, k - drawn), generator).log_weights
        log_sum = torch.logaddexp(log_sum, log_weights.logsumexp(0))
    return log_sum - math.log(k)
