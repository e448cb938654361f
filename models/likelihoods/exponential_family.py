"""Exponential families with one natural parameter l for each pixel: log p(x|l) = x l - A(l), summed over the pixels.

The derivative of A is the mean, so that the gradient in l is x - mean(l), and no step of the computation of A is
differentiated: that is faster, and exact where A is not computed in a form to be differentiated.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]


def log_prob(raw: Tensor, x: Tensor, log_partition: Function, mean: Function) -> Tensor:
    """Return log p(x) [..., B] in nats, given natural parameters [..., B, C, H, W], of images x [B, C, H, W]."""
    result: Tensor = _LogProb.apply(raw, x, log_partition, mean)
    return result


class _LogProb(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(raw: Tensor, x: Tensor, log_partition: Function, mean: Function) -> Tensor:  # noqa: ARG004 (for backward)
        """Return log p(x) [..., B]."""
        return torch.addcmul(log_partition(raw).neg_(), x, raw).sum((-3, -2, -1))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004 (torch names it)
        """Keep what the gradient needs."""
        raw, x, _, ctx.mean = inputs
        ctx.save_for_backward(raw, x)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """Return the gradient in raw and, if it is wanted, in x."""
        raw, x = ctx.saved_tensors
        grad = grad_output[..., None, None, None]
        grad_raw = (x - ctx.mean(raw)).mul_(grad) if ctx.needs_input_grad[0] else None
        grad_x = raw * grad if ctx.needs_input_grad[1] else None  # summed by autograd where x was broadcast
        return grad_raw, grad_x, None, None
