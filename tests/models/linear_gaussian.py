"""A latent-variable model whose evidence and posterior are known.

It is p(x|z) = N(W z + b, s² I), with orthogonal columns of W. Then p(x) = N(b, W Wᵀ + s² I), and p(z|x) is a diagonal
Gaussian that a linear encoder can express exactly.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from models import Batch, Likelihood, VariationalAutoencoder
from models.backbones import Network

SIZE = 5  # pixels of one image
LATENT = 2
SCALE = 0.7  # s


@dataclass(frozen=True, kw_only=True)
class FixedScaleGaussian(Likelihood):
    """Pixels N(raw, s²), images taken as they are."""

    scale: float = SCALE

    @property
    def family(self) -> str:
        return "gaussian"

    @property
    def redraws(self) -> bool:
        return False

    def raw_channels(self, channels: int) -> int:
        return channels

    def fix(self, images: Tensor, generator: torch.Generator) -> Tensor:
        return images

    def preprocess(self, images: Tensor, generator: torch.Generator) -> Tensor:
        return images.double()

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        return Normal(raw, self.scale, validate_args=False).log_prob(x).sum((-3, -2, -1))

    def mean(self, raw: Tensor) -> Tensor:
        return raw

    def sample(self, raw: Tensor, generator: torch.Generator) -> Tensor:
        return raw + self.scale * torch.randn(raw.shape, generator=generator, dtype=raw.dtype)


def linear_gaussian(generator: torch.Generator, *, off_by: float = 0.0) -> VariationalAutoencoder:
    """Return the model in double precision; its encoder gives the exact posterior, with mean and log-variance off."""
    columns = torch.linalg.qr(torch.randn(SIZE, LATENT, generator=generator, dtype=torch.float64)).Q
    weights = columns * torch.tensor([1.5, 0.6])
    bias = torch.randn(SIZE, generator=generator, dtype=torch.float64)
    variance = 1 / (1 + weights.square().sum(0) / SCALE**2)
    to_mean = variance[:, None] * weights.t() / SCALE**2

    encoder, decoder = nn.Linear(SIZE, 2 * LATENT).double(), nn.Linear(LATENT, SIZE).double()
    with torch.no_grad():
        encoder.weight.copy_(torch.cat([to_mean, torch.zeros_like(to_mean)]))
        encoder.bias.copy_(torch.cat([-to_mean @ bias, variance.log()]) + off_by)
        decoder.weight.copy_(weights)
        decoder.bias.copy_(bias)
    return VariationalAutoencoder(
        encoder=Network(nn.Flatten(), encoder),
        decoder=Network(decoder, nn.Unflatten(1, (1, 1, SIZE))),
        likelihood=FixedScaleGaussian(),
        latent_dim=LATENT,
    )


def images(n: int, generator: torch.Generator) -> Tensor:
    """Return some images [n, 1, 1, SIZE]; the identities hold for any, likely or not."""
    return 1.5 * torch.randn(n, 1, 1, SIZE, generator=generator, dtype=torch.float64)


def evidence(model: VariationalAutoencoder, x: Tensor) -> Tensor:
    """Return log p(x) [B]."""
    weights, bias = _decoder(model)
    covariance = weights @ weights.t() + SCALE**2 * torch.eye(SIZE, dtype=torch.float64)
    return MultivariateNormal(bias, covariance).log_prob(x.flatten(1))


def gap(model: VariationalAutoencoder, x: Tensor) -> Tensor:
    """Return KL(q(z|x) ‖ p(z|x)) [B], by which the ELBO misses log p(x)."""
    weights, bias = _decoder(model)
    variance = 1 / (1 + weights.square().sum(0) / SCALE**2)
    mean = (x.flatten(1) - bias) @ weights / SCALE**2 * variance
    posterior = model.encode(Batch(x))
    q = Normal(posterior.mean, (0.5 * posterior.log_variance).exp())
    return kl_divergence(q, Normal(mean, variance.sqrt())).sum(-1)


def _decoder(model: VariationalAutoencoder) -> tuple[Tensor, Tensor]:
    layer = model.decoder[0]
    return layer.weight.detach(), layer.bias.detach()
