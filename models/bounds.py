"""Estimates of log p(x), by which models are compared."""

import math

import torch
from torch import Tensor, nn

from models.batch import Batch
from models.latent import LatentVariableModel

ON_CPU = 2**20
"""Pixels decoded at once, at most: on one core about the fastest for decoders without maps."""
OF_MAPS = 2**23
"""Pixels by channels in the widest map of features: with more, a convolutional or autoregressive model is slower, by up
to twice for `pixel_vae` and images of 28x28."""
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
    the device and, on a CPU, the width of the model's maps).

    Memory, beside that of images and parameters, grows with ``pixels_at_once`` and neither with k nor with B. For a
    Bernoulli likelihood it is 12 bytes for each of them, at most 12 MiB by default on a CPU, and what the decoder needs
    for that many: in a fully connected one its hidden units, in a convolutional or autoregressive one some times the
    channels of its maps. A model that sums over classes needs as much again for each of them.
    """
    pixels_at_once = pixels_at_once or (_on_cpu(model) if batch.x.is_cpu else ON_ACCELERATOR)
    decoded_at_once = max(1, pixels_at_once // batch.x[0].numel())
    parts = batch.split(max(1, decoded_at_once // k))
    return torch.cat([_bound(model, part, k, generator, decoded_at_once) for part in parts])


def _on_cpu(model: nn.Module) -> int:
    """Return how many pixels to decode at once, the fewer the wider the model's maps are."""
    convolutions = (layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d))
    widest = max((layer.out_channels for layer in convolutions), default=1)
    return min(ON_CPU, OF_MAPS // widest)


def _bound(model: LatentVariableModel, batch: Batch, k: int, generator: torch.Generator, at_once: int) -> Tensor:
    weigh = model.weigher(batch)
    log_sum = torch.full((len(batch),), -math.inf, device=batch.x.device)
    for drawn in range(0, k, at_once):
        log_weights = weigh(min(at_once, k - drawn), generator).log_weights
        log_sum = torch.logaddexp(log_sum, log_weights.logsumexp(0))
    return log_sum - math.log(k)
