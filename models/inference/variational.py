"""Pixels inferred from others: stochastic variational inference in one image (Hoffman et al. 2013, arXiv 1206.7055).

An encoder has learned q(z|x) of whole images. Of an image whose pixels o are seen and the rest h is not, the posterior
p(z|o) ∝ p(z) p(o|z) is approximated by a Gaussian q with free parameters, fitted to this image alone by maximizing

    E_q[log p(o|z)] - KL(q ‖ p(z)) ≤ log p(o)

where p(o|z) is known because pixels are independent given z. Then p(h|o) = ∫ p(h|z) p(z|o) dz.

Shapes: images [B, C, H, W]; mask [H, W]; latent vectors of L values.
"""

import torch
from torch import Tensor

from models.autoencoder import VariationalAutoencoder
from models.batch import Batch
from models.conditions import PixelConditioning
from models.decoded import DecodedModel
from models.gaussian import Gaussian
from models.generative import GenerativeModel
from models.latent import normal_noise


def check(model: GenerativeModel) -> DecodedModel:
    """Return the model; raise ValueError, with the reason, if no Gaussian can be fitted to a part of its pixels."""
    name = type(model).__name__
    if isinstance(model.conditioning, PixelConditioning):
        raise ValueError("a model with condition pixels is told pixels, always the same, and infers from no others")
    if not isinstance(model, DecodedModel) or type(model).log_likelihood is not DecodedModel.log_likelihood:
        raise ValueError(f"a {name} has no pixels that are independent given z, of which some could be scored alone")
    if not isinstance(model, VariationalAutoencoder) and type(model).prior is not GenerativeModel.prior:
        raise ValueError(f"the prior of a {name} is no Gaussian, and so its posterior is not fitted by one")
    return model


def infer(
    model: GenerativeModel,
    batch: Batch,
    mask: Tensor,
    generator: torch.Generator,
    *,
    steps: int = 500,
    draws: int = 10,
    rate: float = 0.05,
) -> Gaussian:
    """Return q(z|o), with mean and log-variance [B, L], for the pixels o of each image where ``mask`` is true.

    Adam climbs the bound in so many steps, by a rate that falls to 0 linearly, each with so many draws of z; it starts
    at the prior. What the batch has in other pixels is not looked at; its labels are, if the model is conditional. The
    model's mode (eval) is the caller's business, and its parameters are left as they are.

    Raises ValueError where `check` does, and for a mask that is not [H, W].
    """
    decoded = check(model)
    if mask.shape != batch.x.shape[-2:]:
        raise ValueError(f"mask is {list(mask.shape)}; must be {list(batch.x.shape[-2:])}, as the images")
    observed = PixelConditioning(batch.x.shape[1], ~mask).unknown  # To one who is told the others, these are unknown.
    x, context = observed(batch.x), decoded.conditioning.context(batch)
    prior = _prior(decoded, batch, context)
    with torch.enable_grad():
        posterior = Gaussian(*(start.clone().requires_grad_() for start in prior))
        optimizer = torch.optim.Adam(posterior, rate)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
            z = posterior.at(normal_noise(draws, *prior.mean.shape, like=x, generator=generator))
            log_likelihood = decoded.likelihood.log_prob(observed(decoded.decode(z, context)), x).mean(0)
            bound = log_likelihood - posterior.kl_parts_to(prior).sum(-1)
            for parameter, gradient in zip(posterior, torch.autograd.grad(-bound.sum(), posterior), strict=True):
                parameter.grad = gradient
            optimizer.step()
    return posterior.detach()


def complete(
    model: DecodedModel,
    batch: Batch,
    mask: Tensor,
    posterior: Gaussian,
    generator: torch.Generator,
    draws: int = 1,
) -> Tensor:
    """Return pictures [draws, B, C, H, W] that keep the pixels of each image where ``mask`` is true.

    The others are E[x|z] at draws of z from the Gaussian that `infer` returned for the batch.
    """
    noise = normal_noise(draws, *posterior.mean.shape, like=posterior.mean, generator=generator)
    whole = model.mean(posterior.at(noise), model.conditioning.context(batch))
    told = PixelConditioning(batch.x.shape[1], mask)
    return told.complete(whole, told.context(batch))


@torch.no_grad()
def _prior(model: DecodedModel, batch: Batch, context: Tensor | None) -> Gaussian:
    """Return p(z|c) with mean and log-variance [B, L]."""
    learned = model.prior_given(context) if isinstance(model, VariationalAutoencoder) else None
    zeros = batch.x.new_zeros(len(batch), model.latent_dim)
    return learned or Gaussian(zeros, zeros)
