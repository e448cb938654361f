"""Annealed importance sampling, a slow but tight estimate of log p(x) (Neal 2001, arXiv physics/9803008).

Applied to decoders by Y. Wu, Y. Burda, R. Salakhutdinov, R. Grosse, "On the Quantitative Analysis of Decoder-Based
Generative Models", ICLR 2017, arXiv 1611.04273. An importance-weighted bound is as loose as q(z|x) is wrong; this does
not look at q(z|x), and so tells how loose that is.

Chains go from the prior to the posterior through T + 1 distributions π_t(ε) ∝ N(ε; 0, I) p(x|z(ε))^β_t, with β_0 = 0
and β_T = 1, over the standard normal noise ε that the model makes latent vectors of. A chain at ε_t gains the weight
Π p(x|z(ε_t))^(β_{t+1} - β_t), and moves by Hamiltonian Monte Carlo at every temperature. The mean of the weights of
all chains is an unbiased estimate of p(x), and so its logarithm, in expectation, a lower bound of log p(x).

The estimate is unbiased only if the moves at a temperature do not depend on where the chain has been. Step sizes that
follow what a chain has accepted so far would; so some chains that are not counted go first and find the step sizes of
each temperature and image, which are then fixed.

Shapes: k chains for each of B images; noise of N values.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.batch import Batch
from models.bounds import ON_ACCELERATOR, ON_CPU
from models.decoded import DecodedModel
from models.hamiltonian import LogLikelihood, State, state_at, transition
from models.latent import normal_noise

STEEPNESS = 4.0
"""δ of the schedule."""
TARGET = 0.65
"""The rate of acceptance at which Hamiltonian Monte Carlo is about the most efficient (Neal 2011)."""
PILOTS = 4
"""Chains, at most, that find the step sizes."""
FIRST_STEP, LEARNING_RATE = 0.5, 0.2
"""Where the step size begins, and by how much its logarithm follows the excess of acceptance over `TARGET`."""


@dataclass(frozen=True, eq=False)
class Annealed:
    """What chains came to."""

    log_weights: Tensor
    """Logarithms of the weights [k, B] in nats, the mean of the weights being p(x)."""
    acceptance: Tensor
    """The mean probability with which proposals for an image were accepted [B]: near 0, nothing has moved."""

    @property
    def log_evidence(self) -> Tensor:
        """The estimate of log p(x), or log p(x|c) [B] in nats."""
        return self.log_weights.logsumexp(0) - math.log(len(self.log_weights))

    @property
    def standard_error(self) -> Tensor:
        """That of `log_evidence` [B], by the spread of the weights; too small where few chains have all the weight."""
        relative = (self.log_weights - self.log_evidence).exp()
        return relative.std(0) / math.sqrt(len(relative))


def annealed_importance_sampling(
    model: DecodedModel,
    batch: Batch,
    steps: int,
    chains: int,
    generator: torch.Generator,
    pixels_at_once: int | None = None,
) -> Annealed:
    """Return the weights of so many chains for each image, each through so many steps of temperature, from 1 on.

    The model's mode (eval) is the caller's business. About ``pixels_at_once`` are decoded at once (by default as suits
    the device), so that memory does not grow with chains and images. Raises ValueError where `prior_at` does.
    """
    betas = schedule(steps)
    pixels_at_once = pixels_at_once or (ON_CPU if batch.x.is_cpu else ON_ACCELERATOR)
    at_once = max(1, pixels_at_once // batch.x[0].numel())
    parts = [
        _annealed(model, part, betas, chains, at_once, generator) for part in batch.split(max(1, at_once // chains))
    ]
    return Annealed(*(torch.cat(columns, -1) for columns in zip(*parts, strict=True)))


def schedule(steps: int) -> list[float]:
    """Return the inverse temperatures from 0 to 1, evenly spaced on a sigmoid: slow at both ends (Wu et al.)."""
    raw = [1 / (1 + math.exp(-STEEPNESS * (2 * step / steps - 1))) for step in range(steps + 1)]
    return [(value - raw[0]) / (raw[-1] - raw[0]) for value in raw]


def _annealed(
    model: DecodedModel, batch: Batch, betas: list[float], chains: int, at_once: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return log-weights [k, B] and acceptance [B] of images few enough for one chain of each to run together."""

    def log_likelihood(noise: Tensor) -> Tensor:
        return model.log_likelihood_at(batch, noise)

    def start(count: int) -> State:
        noise = normal_noise(count, len(batch), model.noise_dim, like=batch.x, generator=generator)
        return state_at(noise, log_likelihood)

    together = max(1, at_once // len(batch))
    step_sizes = _tuned(start(min(chains, together, PILOTS)), betas, log_likelihood, generator)
    counts = [min(together, chains - begun) for begun in range(0, chains, together)]
    runs = [_run(start(count), betas, step_sizes, log_likelihood, generator) for count in counts]
    log_weights, acceptance = (torch.cat(columns) for columns in zip(*runs, strict=True))
    return log_weights, acceptance.mean(0)


def _tuned(state: State, betas: list[float], log_likelihood: LogLikelihood, generator: torch.Generator) -> list[Tensor]:
    """Return the step sizes [B] of every temperature between the first and the last."""
    log_step = torch.full_like(state.log_likelihood[0], math.log(FIRST_STEP))
    step_sizes = []
    for beta in betas[1:-1]:
        step_sizes.append(log_step.exp())
        state, acceptance = transition(state, beta, step_sizes[-1], log_likelihood, generator)
        log_step = log_step + LEARNING_RATE * (acceptance.mean(0) - TARGET)
    return step_sizes


def _run(
    state: State,
    betas: list[float],
    step_sizes: list[Tensor],
    log_likelihood: LogLikelihood,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Return log-weights and mean acceptance of chains, both [k, B]."""
    log_weights = (betas[1] - betas[0]) * state.log_likelihood
    accepted = torch.zeros_like(log_weights)
    for step_size, beta, colder in zip(step_sizes, betas[1:], betas[2:], strict=False):
        state, acceptance = transition(state, beta, step_size, log_likelihood, generator)
        log_weights = log_weights + (colder - beta) * state.log_likelihood
        accepted += acceptance
    return log_weights, accepted / max(1, len(step_sizes))
