"""Hamiltonian Monte Carlo: draws from a density by its gradient.

By R. M. Neal, "MCMC using Hamiltonian dynamics", Handbook of Markov Chain Monte Carlo, 2011, arXiv 1206.1901.

The density is that of standard normal noise ε, weighted by a likelihood to the power of an inverse temperature β:
log π(ε) = log N(ε; 0, I) + β log p(x|z(ε)) + constant. A proposal follows the dynamics of H = -log π(ε) + ½|m|², with a
fresh momentum m ~ N(0, I), for `LEAPS` leapfrog steps; it is accepted with probability min(1, exp(-ΔH)), which leaves π
as it is whatever the step size. That is varied at random from one proposal to the next, lest paths close.

Shapes: k chains for each of B images; noise of N values.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from models.latent import normal_noise

LEAPS = 10
"""Leapfrog steps of one proposal."""
VARIATION = 0.2
"""The part of the step size by which it is varied, up and down."""

LogLikelihood = Callable[[Tensor], Tensor]
"""log p(x|z(ε)) [k, B] of noise [k, B, N], each of its own noise alone."""


class State(NamedTuple):
    """Where chains are, and what the likelihood is there."""

    noise: Tensor
    """[k, B, N]."""
    log_likelihood: Tensor
    """[k, B]."""
    gradient: Tensor
    """Of the log-likelihood in the noise [k, B, N]."""


def state_at(noise: Tensor, log_likelihood: LogLikelihood) -> State:
    """Return the state of chains that are at a place [k, B, N]."""
    with torch.enable_grad():
        noise = noise.detach().requires_grad_()
        values = log_likelihood(noise)
        (gradient,) = torch.autograd.grad(values.sum(), noise)
    return State(noise.detach(), values.detach(), gradient)


def transition(
    state: State, beta: float, step_size: Tensor, log_likelihood: LogLikelihood, generator: torch.Generator
) -> tuple[State, Tensor]:
    """Return the state after one proposal to each chain, and the probabilities of acceptance [k, B].

    Step sizes are those of each image [B]. What is not finite is never accepted.
    """
    momentum = normal_noise(*state.noise.shape, like=state.noise, generator=generator)
    drawn = torch.rand((2, *state.log_likelihood.shape), generator=generator, device=generator.device).to(momentum)
    step = (step_size * (1 + VARIATION * (2 * drawn[0] - 1)))[..., None]
    proposed, final = _leapfrog(state, momentum, beta, step, log_likelihood)
    change = _energy(state, momentum, beta) - _energy(proposed, final, beta)
    acceptance = change.clamp(max=0).exp().nan_to_num(nan=0)
    return _chosen(drawn[1] < acceptance, proposed, state), acceptance


def _leapfrog(
    state: State, momentum: Tensor, beta: float, step: Tensor, log_likelihood: LogLikelihood
) -> tuple[State, Tensor]:
    """Return state and momentum at the end of the path."""
    for _ in range(LEAPS):
        momentum = momentum + 0.5 * step * _force(state, beta)
        state = state_at(state.noise + step * momentum, log_likelihood)
        momentum = momentum + 0.5 * step * _force(state, beta)
    return state, momentum


def _force(state: State, beta: float) -> Tensor:
    """Return the gradient of log π [k, B, N]."""
    return beta * state.gradient - state.noise


def _energy(state: State, momentum: Tensor, beta: float) -> Tensor:
    """Return H [k, B]."""
    return 0.5 * (state.noise.square() + momentum.square()).sum(-1) - beta * state.log_likelihood


def _chosen(accepted: Tensor, proposed: State, present: State) -> State:
    return State(
        torch.where(accepted[..., None], proposed.noise, present.noise),
        torch.where(accepted, proposed.log_likelihood, present.log_likelihood),
        torch.where(accepted[..., None], proposed.gradient, present.gradient),
    )
