"""Exponential families with one natural parameter l for each pixel: log p(x|l) = x l - A(l), summed over the pixels.

The derivative of A is the mean, so that the gradient in l is x - mean(l), and no step of the computation of log p is
differentiated: that is faster, and exact where A is not computed in a form to be differentiated.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

PIXELS = (-3, -2, -1)
"""The dimensions of one image."""

Value = Callable[[Tensor, Tensor], Tensor]
"""Gives log p(x) [..., B] for natural parameters and images."""
Mean = Callable[[Tensor], Tensor]
"""Gives the derivative of A at natural parameters."""


def log_prob(raw: Tensor, x: Tensor, value: Value, mean: Mean) -> Tensor:
    """Return log p(x) [..., B] in nats, given natural parameters [..., B, C, H, W], of images x [B, C, H, W].

    It is what ``value`` returns, with the gradient that follows from ``mean``.
    """
    if not torch.is_grad_enabled():
        return value(raw, x)  # Nothing is kept for a gradient.
    result: Tensor = _LogProb.apply(raw, x, value, mean)
    return result


class _LogProb(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(raw: Tensor, x: Tensor, value: Value, mean: Mean) -> Tensor:  # noqa: ARG004 (for backward)
        """Return log p(x) [..., B]."""
        return value(raw, x)

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
