"""The linear layer, its larger products by oneDNN.

On a CPU PyTorch's convolutions use oneDNN anyway, but its matrix products use MKL, which is slow on AMD's processors:
109 against 233 GFLOP/s on one core of an EPYC with AVX-512 (x of 1024x512, W of 512x512, forward).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WORTHWHILE = 2**22
"""Multiplications in a product, rows by inputs by outputs, that pay for the call and, backward, oneDNN's layout."""

ONEDNN: bool = torch.backends.mkldnn.is_available() and hasattr(  # type: ignore[no-untyped-call]
    torch.ops.mkldnn, "_linear_pointwise"
)
"""Whether PyTorch has the library, and the operator, which is not among those that it promises to keep."""


class Linear(nn.Linear):
    """`nn.Linear` of vectors [N, inputs]: the same parameters and, but for rounding, the same results."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x Wᵀ + b [N, outputs]."""
        large = x.numel() * self.out_features >= WORTHWHILE
        if large and x.is_cpu and x.dtype is torch.float32 and ONEDNN:
            product: Tensor = _Product.apply(x, self.weight, self.bias)
            return product
        return super().forward(x)


class _Product(torch.autograd.Function):
    """x Wᵀ + b by oneDNN; where it is vectorized or differentiated twice, by PyTorch's own products."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return x Wᵀ + b, by the operator of PyTorch's compiler, which takes and gives tensors in the usual layout."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return product

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG004 (torch names it)
        """Keep what the gradient needs."""
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients in x, W and b, where they are wanted."""
        x, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        if torch.is_grad_enabled():  # of the gradient itself a gradient is wanted, or a transform is at work
            grads = (grad_output @ weight, grad_output.t() @ x, grad_output.sum(0))
            return tuple(grad if want else None for grad, want in zip(grads, wanted, strict=True))
        grad_x, grad_weight, grad_bias = torch.ops.aten.mkldnn_linear_backward(
            x.to_mkldnn(), grad_output.to_mkldnn(), weight, list(wanted)
        )
        return grad_x.to_dense() if wanted[0] else None, grad_weight, grad_bias

    @staticmethod
    def vmap(_info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        """Return the products of several models at once, stacked."""
        return torch.func.vmap(F.linear, in_dims)(*inputs), 0
