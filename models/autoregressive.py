"""PixelVAE (Gulrajani et al. 2017, arXiv 1611.05013): a VAE with an autoregressive decoder.

Each pixel is given those before it and z: p(x|z) = Π_i p(x_i|x_1 … x_{i-1}, z). A decoder maps z to features, on which
a small PixelCNN is conditional. So z is for what is global; how near pixels hang together, for which a VAE has no means
but blur, is left to the PixelCNN.

Shapes: k draws for each of B images [B, C, H, W]; latent vectors of L values; features [N, F, H, W].
"""

import torch
from torch import Tensor, nn

from models.autoencoder import VariationalAutoencoder
from models.batch import Batch
from models.conditions import Conditioning
from models.likelihoods.base import Likelihood
from models.pixelcnn import PixelCNN

MEAN_SEED = 0
"""Of the noise in `AutoregressiveAutoencoder.mean`."""


class AutoregressiveAutoencoder(VariationalAutoencoder):
    """A variational autoencoder whose decoder gives features [N, F, H, W] to a PixelCNN.

    Any likelihood will do whose pixels are independent given the raw input.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        pixelcnn: PixelCNN,
        likelihood: Likelihood,
        latent_dim: int,
        conditioning: Conditioning | None = None,
        prior_network: nn.Module | None = None,
    ) -> None:
        """Compose the model as a `VariationalAutoencoder`, but with a decoder to features."""
        super().__init__(encoder, decoder, likelihood, latent_dim, conditioning, prior_network)
        self.pixelcnn = pixelcnn

    def log_likelihood(self, batch: Batch, z: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return log p(x|z) [..., B] of the pixels that are not told, all at once: each is given the true ones before.

        Pixels that are told are among those before.
        """
        features = self.decode(z, self.conditioning.context(batch), generator)
        images = batch.x.expand(*z.shape[:-1], *batch.x.shape[1:])
        raw = self.pixelcnn(images.flatten(0, -4), features.flatten(0, -4))
        return self.score(batch, raw.view(*z.shape[:-1], *raw.shape[1:]))

    @torch.no_grad()
    def mean(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return E[x_i|x_<i, z] for every pixel i [..., C, H, W], x being drawn with the same noise at every call.

        For latent vectors [..., L]; it is an unbiased estimate of E[x|z], and nearly as sharp as a sample.
        """
        features = self.decode(z, context).flatten(0, -4)
        told = None if context is None else context.expand(*z.shape[:-1], -1).flatten(0, -2)
        images = self._draw(features, told, torch.Generator(z.device).manual_seed(MEAN_SEED))
        mean = self.conditioning.complete(self.likelihood.mean(self.pixelcnn(images, features)), told)
        return mean.view(*z.shape[:-1], *mean.shape[1:])

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        """Draw n images [n, C, H, W] from p(x), or p(x|c) for context vectors [n, size], pixel by pixel."""
        return self._draw(self.decode(self.prior(n, generator, context), context), context, generator)

    def _draw(self, features: Tensor, context: Tensor | None, generator: torch.Generator) -> Tensor:
        """Draw images [N, C, H, W] given features [N, F, H, W] and context vectors [N, size].

        The rows above are looked at once for each row, and no more of them than matter.
        """
        n, _, height, width = features.shape
        images = self.conditioning.complete(features.new_zeros(n, self.pixelcnn.inputs, height, width), context)
        for row in range(height):
            rows = slice(max(0, row - self.pixelcnn.rows_above), row + 1)
            messages = self.pixelcnn.from_above(images[:, :, rows], features[:, :, rows])
            messages = [message[:, :, -1:] for message in messages]
            for column in range(width):
                raw = self.pixelcnn.along_rows(images[:, :, row : row + 1], messages)[..., column, None]
                images[:, :, row, column] = self.likelihood.sample(raw, generator).flatten(1)
                images = self.conditioning.complete(images, context)
        return images
