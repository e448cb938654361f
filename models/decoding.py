"""Latent vectors through a decoder, with whatever dimensions before the batch, and a context beside them."""

from collections.abc import Callable

import torch
from torch import Tensor


def decode(
    decoder: Callable[..., Tensor], z: Tensor, context: Tensor | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """Return the raw output [..., B, raw channels, H, W] of a network for latent vectors [..., B, L].

    Context vectors [B, size] are put behind the latent ones.
    """
    inputs = z if context is None else torch.cat([z, context.expand(*z.shape[:-1], -1)], -1)
    raw = decoder(inputs.flatten(0, -2), generator)
    return raw.view(*z.shape[:-1], *raw.shape[1:])
