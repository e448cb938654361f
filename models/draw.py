"""DRAW (Gregor et al. 2015, arXiv 1502.04623): a recurrent VAE that draws an image on a canvas, in T steps.

At step t, with outputs e and d of its two LSTMs, and the mean image m(c) given the canvas c (eq. 3 to 8):

    r_t = read(x, x - m(c_{t-1}), d_{t-1})        e_t = LSTM([r_t, d_{t-1}])        z_t ~ q(z_t|e_t)
    d_t = LSTM(z_t)        c_t = c_{t-1} + write(d_t)

The likelihood is that of the last canvas, the prior of every z_t is N(0, I), so that log p(z), log q(z|x) and the KL
are sums over the steps (eq. 9 to 12). Seen from outside, z is one vector: that of all steps, side by side.

Shapes: k draws for each of B images [B, C, H, W]; latent vectors of L = T · (values of a step); the canvas is the
likelihood's raw input [B, raw channels, H, W].
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.batch import Batch
from models.conditions import Conditioning, Unconditioned
from models.decoded import DecodedModel
from models.gaussian import Gaussian, standard_log_prob
from models.holding import held
from models.latent import Terms, normal_noise
from models.likelihoods.base import Likelihood
from models.recurrent import LSTM, AttentiveReader, AttentiveWriter, State, WholeReader, WholeWriter
from models.start import Start

Choice = Callable[[int, Gaussian], Tensor]
"""Gives z_t [N, values of a step] for the step and for q(z_t|x, z_1 … z_{t-1})."""


class Path(NamedTuple):
    """N images, each drawn along one path of latent vectors."""

    z: Tensor
    """Latent vectors of all steps [N, L]."""
    posterior: Gaussian
    """q(z_t|x, z_1 … z_{t-1}) of all steps, side by side [N, L]."""
    canvas: Tensor
    """The last canvas [N, raw channels, H, W]."""


class Draw(DecodedModel):
    """An encoder and a decoder LSTM, with a reader of images and a writer on the canvas."""

    def __init__(
        self,
        reader: WholeReader | AttentiveReader,
        encoder: LSTM,
        posterior: nn.Linear,
        decoder: LSTM,
        writer: WholeWriter | AttentiveWriter,
        likelihood: Likelihood,
        steps: int,
        conditioning: Conditioning | None = None,
    ) -> None:
        """Compose the model.

        The encoder takes what is read, the decoder's last output and the context, side by side; ``posterior`` maps its
        output to mean and log-variance of z_t; the decoder takes z_t and the context.
        """
        super().__init__()
        self.reader = reader
        self.encoder = encoder
        self.posterior = posterior
        self.decoder = decoder
        self.writer = writer
        self.canvas = Start(*writer.shape)
        self.likelihood = likelihood
        self.latent_dim = steps * posterior.out_features // 2
        self.steps = steps
        self.conditioning = conditioning or Unconditioned()

    def inference_networks(self) -> tuple[nn.Module, ...]:
        """Return the reader, the encoder and the posterior; what they are given is the decoder's."""
        return (self.reader, self.encoder, self.posterior)

    def terms(self, batch: Batch, k: int, generator: torch.Generator, hold_posterior: bool = False) -> Terms:
        """Return the parts of the importance weights at k draws from q(z|x) for each image, each draw a path.

        The KL is in closed form at every step, given the steps before.
        """
        noise = normal_noise(k * len(batch), self.latent_dim, like=batch.x, generator=generator)
        x, context = _repeated(batch.x, k), self.conditioning.context(batch)
        context = None if context is None else _repeated(context, k)
        path: Path = self(x, context, self._drawn(noise))
        per_draw = (k, len(batch))
        log_posterior = self._held(x, context, path.z) if hold_posterior else path.posterior.log_prob_at(noise)
        return Terms(
            log_likelihood=self.score(batch, path.canvas.view(*per_draw, *path.canvas.shape[1:])),
            log_prior=standard_log_prob(path.z).view(per_draw),
            log_posterior=log_posterior.view(per_draw),
            kl_parts=path.posterior.kl_parts_to_standard().view(*per_draw, -1),
            z=path.z.view(*per_draw, -1),
        )

    def infer(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Return a path [B, L] for each image: of draws from q(z_t|…), or without a generator of its means."""
        choice: Choice = _the_mean
        if generator is not None:
            choice = self._drawn(normal_noise(len(batch), self.latent_dim, like=batch.x, generator=generator))
        path: Path = self(batch.x, self.conditioning.context(batch), choice)
        return path.z

    def decode(
        self,
        z: Tensor,
        context: Tensor | None = None,
        generator: torch.Generator | None = None,  # noqa: ARG002 (nothing is drawn)
    ) -> Tensor:
        """Return the last canvas [..., B, raw channels, H, W] for latent vectors [..., B, L].

        Context vectors are [B, size].
        """
        if context is not None:
            context = context.expand(*z.shape[:-1], -1).flatten(0, -2)
        steps = self._by_step(z.flatten(0, -2))
        state: State = self.decoder.start(len(steps[0]))
        canvas: Tensor = self.canvas(len(steps[0]))
        for z_t in steps:
            state, canvas = self._draw(z_t, context, state, canvas)
        return canvas.view(*z.shape[:-1], *canvas.shape[1:])

    def forward(self, x: Tensor, context: Tensor | None, choose: Choice) -> Path:
        """Draw images [N, C, H, W], given context vectors [N, size], along the path of the z_t that are chosen."""
        encoder, decoder, canvas = self.encoder.start(len(x)), self.decoder.start(len(x)), self.canvas(len(x))
        chosen, posteriors = [], []
        for step in range(self.steps):
            glimpse = self.reader(x, x - self.likelihood.mean(canvas), decoder.output)
            encoder = self.encoder(_joined(glimpse, decoder.output, context), encoder)
            posteriors.append(Gaussian.of(self.posterior(encoder.output)))
            chosen.append(choose(step, posteriors[-1]))
            decoder, canvas = self._draw(chosen[-1], context, decoder, canvas)
        means, log_variances = zip(*posteriors, strict=True)
        return Path(torch.cat(chosen, -1), Gaussian(torch.cat(means, -1), torch.cat(log_variances, -1)), canvas)

    def _draw(self, z_t: Tensor, context: Tensor | None, state: State, canvas: Tensor) -> tuple[State, Tensor]:
        """Return the decoder's next state and the canvas after it."""
        state = self.decoder(_joined(z_t, context), state)
        return state, canvas + self.writer(state.output)

    def _held(self, x: Tensor, context: Tensor | None, z: Tensor) -> Tensor:
        """Return log q(z|x) [N] of given paths [N, L], with a gradient in z alone.

        Here q depends on every parameter, since the encoder sees what the decoder has drawn so far.
        """
        steps = self._by_step(z)
        path: Path = held(self)(x, context, lambda step, _: steps[step])
        return path.posterior.log_prob(z)

    def _drawn(self, noise: Tensor) -> Choice:
        """Return the choice of draws, to which noise [N, L] leads."""
        steps = self._by_step(noise)
        return lambda step, posterior: posterior.at(steps[step])

    def _by_step(self, vectors: Tensor) -> tuple[Tensor, ...]:
        return vectors.chunk(self.steps, -1)


def _the_mean(_step: int, posterior: Gaussian) -> Tensor:
    return posterior.mean


def _joined(*vectors: Tensor | None) -> Tensor:
    """Return those vectors [N, …] that there are, side by side."""
    return torch.cat([vector for vector in vectors if vector is not None], -1)


def _repeated(per_image: Tensor, k: int) -> Tensor:
    """Return k copies of [B, …], as [k · B, …]."""
    return per_image.expand(k, *per_image.shape).flatten(0, 1)
