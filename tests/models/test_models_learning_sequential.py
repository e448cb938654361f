"""Protects that sequential and hierarchical models learn, each what it is for, in a few seconds.

The limits leave 0.7 nats or more to the worst of five seeds.
"""

import math

import pytest
import torch
from torch import Tensor

from models import Batch, ImageShape, LatentVariableModel, Model, importance_weighted_bound
from models.backbones import FullyConnected
from models.presets import DRAW, VAE, DRAWWithAttention, PixelVAE, TwoLayerIWAE
from sweeper.training.data.digits import Digits

SEED, BATCH_SIZE, LEARNING_RATE, K = 0, 32, 1e-2, 100
FLIPPED = 0.1  # how often two neighbours of a texture differ


def trained(preset: Model, images: Tensor, epochs: int, seed: int = SEED) -> LatentVariableModel:
    """Return a model that has seen all of some uint8 images so many times."""
    generator = torch.Generator().manual_seed(seed)
    model = preset.build(ImageShape(*images.shape[1:]), generator)
    loss = preset.objective().losses()["model"]
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for epoch in range(epochs):
        for index in torch.randperm(len(images), generator=generator).split(BATCH_SIZE):
            batch = Batch(model.space.preprocess(images[index], generator))
            optimizer.zero_grad()
            loss(model, batch, generator, epoch).total.backward()
            optimizer.step()
    return model.eval()


def nll(model: LatentVariableModel, images: Tensor) -> float:
    generator = torch.Generator().manual_seed(1)
    x = model.space.preprocess(images, generator)
    return -importance_weighted_bound(model, Batch(x), K, generator).mean().item()


def nll_by_pixel(seen: Tensor, images: Tensor) -> float:
    """Return what independent pixels reach, on images that may be grey: what is left is for latent variables."""
    frequencies = (seen.float().mean(0) / 255).clamp(0.001, 0.999)
    grey = images.float() / 255
    return -(grey * frequencies.log() + (1 - grey) * (1 - frequencies).log()).sum((1, 2, 3)).mean().item()


def squares(n: int, generator: torch.Generator) -> Tensor:
    """Return images of one white square of 3x3 anywhere on black 8x8: log 36 = 3.6 nats."""
    images = torch.zeros(n, 1, 8, 8, dtype=torch.uint8)
    for image, (row, column) in zip(images, torch.randint(0, 6, (n, 2), generator=generator).tolist(), strict=True):
        image[:, row : row + 3, column : column + 3] = 255
    return images


def textures(n: int, generator: torch.Generator) -> Tensor:
    """Return images whose rows are Markov chains: each pixel is its left neighbour, or with FLIPPED the other value."""
    flips = torch.rand(n, 1, 8, 8, generator=generator) < FLIPPED
    flips[..., 0] = torch.rand(n, 1, 8, generator=generator) < 0.5
    return (255 * (flips.cumsum(-1) % 2)).to(torch.uint8)


@pytest.mark.parametrize(
    "preset",
    [
        DRAW(steps=4, latent_dim=8, hidden=64),
        TwoLayerIWAE(latent_dim=20, top_dim=10, top_hidden=20, backbone=FullyConnected(activation="tanh")),
    ],
    ids=["draw", "iwae2"],
)
def test_digits_are_more_than_their_pixels(preset: Model) -> None:
    digits = Digits().load()
    model = trained(preset, digits.train.images, epochs=8)
    held_out = digits.validation.images
    assert nll(model, held_out) < nll_by_pixel(digits.train.images, held_out) - 1


@pytest.mark.parametrize("read_size", [0, 3], ids=["whole", "attention"])
def test_squares_are_drawn_where_they_are(read_size: int) -> None:
    generator = torch.Generator().manual_seed(3)
    train, held_out = squares(1280, generator), squares(200, generator)
    preset = DRAWWithAttention(steps=4, latent_dim=4, hidden=64, read_size=read_size, write_size=3)
    assert nll(trained(preset, train, epochs=8), held_out) < nll_by_pixel(train, held_out) - 14


def test_textures_are_learned_by_pixel_vae_and_not_by_vae() -> None:
    generator = torch.Generator().manual_seed(3)
    train, held_out = textures(800, generator), textures(200, generator)
    entropy = 8 * (math.log(2) - 7 * (FLIPPED * math.log(FLIPPED) + (1 - FLIPPED) * math.log(1 - FLIPPED)))
    backbone = FullyConnected(hidden=64)
    pixel_vae = trained(PixelVAE(backbone=backbone, channels=8, kernel=3), train, epochs=8)
    assert nll(pixel_vae, held_out) < entropy + 1
    assert nll(trained(VAE(backbone=backbone), train, epochs=8), held_out) > entropy + 8
