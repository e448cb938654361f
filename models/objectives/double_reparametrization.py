"""The doubly reparametrized gradient of the importance-weighted bound (Tucker et al. 2018, arXiv 1810.04152, eq. 8).

In the parameters φ of q(z|x) it is E[Σ w̃_i² ∂log w_i/∂z_i ∂z_i/∂φ], with w̃_i = w_i / Σ w_j and log w_i differentiated
in z_i alone. Its expectation is the plain gradient's, but its noise does not drown it as k grows, and at the exact
posterior it is zero. The parameters of p(x, z) keep the plain gradient E[Σ w̃_i ∂log w_i/∂θ].

A loss with the gradient of -log Σ w_i sends -w̃_i ∂log w_i/∂z_i back to the i-th draw. What is wanted is that times w̃_i,
so each draw gets a copy of the posterior's parameters, whose gradient is weighted on its way back to q. The weights
are known only after the draws: they are sent back too, as the gradient of zeros that stand beside the copies.

Shapes: k draws for each of B images; latent vectors of L values.
"""

from typing import Any

import torch
from torch import Tensor

from models.gaussian import Gaussian


def copy_for_each_draw(posterior: Gaussian, k: int) -> tuple[Gaussian, Tensor]:
    """Return k copies [k, B, L] of the posteriors [B, L] of some images, and zeros [k, B] for their weights.

    Whatever gradient reaches the zeros, divided by its sum over k, weights the gradient of each copy.
    """
    mean, log_variance, zeros = _WeightedCopies.apply(posterior.mean, posterior.log_variance, k)
    return Gaussian(mean, log_variance), zeros


class _WeightedCopies(torch.autograd.Function):
    """Copies whose gradients are summed with weights, for which PyTorch's `expand` has ones."""

    generate_vmap_rule = True

    @staticmethod
    def forward(mean: Tensor, log_variance: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the copies [k, B, L] and the zeros [k, B]."""
        means, log_variances = (torch.stack([parameter] * k) for parameter in (mean, log_variance))
        return means, log_variances, torch.zeros_like(means[..., 0])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep nothing: the gradients tell all."""

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ARG004 (torch names it)
        """Return the weighted sums of the copies' gradients."""
        grad_mean, grad_log_variance, weights = grads
        weights = (weights / weights.sum(0)).unsqueeze(-1)
        return (weights * grad_mean).sum(0), (weights * grad_log_variance).sum(0), None
