"""Protects what is special about single backbones: growing channels, hidden layers, blocks, joined contexts."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models import Backbone, ImageShape, find, names
from models.backbones import Convolutional, Network, PlainConvolutional, Residual
from models.backbones.network import apply
from models.backbones.residual import ResidualBlock
from models.critic import Critic
from models.initialization import materialize

DIGIT, PHOTO = ImageShape(1, 28, 28), ImageShape(3, 64, 64)
BATCH, INPUTS, OUTPUTS, CONTEXT = 4, 5, 6, 3


def affine(network: nn.Module) -> list[tuple[int, ...]]:
    """Return the shapes of all weights of linear layers and convolutions."""
    layers = (layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d))
    return [tuple(layer.weight.shape) for layer in layers]


def built(make, generator: torch.Generator) -> Network:
    return materialize(make, generator)


def test_channels_grow_away_from_the_image() -> None:
    backbone = Convolutional(channels=8, layers=3, growth=2)
    assert affine(backbone.encoder(DIGIT, OUTPUTS)) == [
        (8, 1, 3, 3),
        (16, 8, 3, 3),
        (32, 16, 3, 3),
        (OUTPUTS, 32 * 4 * 4),
    ]
    assert affine(backbone.decoder(INPUTS, DIGIT)) == [
        (32 * 4 * 4, INPUTS),
        (32, 16, 3, 3),
        (16, 8, 3, 3),
        (8, 1, 3, 3),
    ]


def test_channels_that_grow_by_a_fraction_are_rounded() -> None:
    assert [weight[0] for weight in affine(Convolutional(channels=10, layers=3, growth=1.25).encoder(PHOTO, 1))] == [
        10,
        12,
        16,
        1,
    ]


def test_a_convolutional_hidden_layer_stands_between_maps_and_vectors() -> None:
    backbone = Convolutional(channels=8, layers=2, hidden=20, norm="batch")
    encoder, decoder = backbone.encoder(DIGIT, OUTPUTS), backbone.decoder(INPUTS, DIGIT)
    assert affine(encoder)[-2:] == [(20, 8 * 7 * 7), (OUTPUTS, 20)]
    assert [type(layer).__name__ for layer in encoder[-4:]] == ["Linear", "BatchNorm1d", "ReLU", "Linear"]
    assert affine(decoder)[:2] == [(20, INPUTS), (8 * 7 * 7, 20)]
    assert [type(layer).__name__ for layer in decoder[:4]] == ["Linear", "BatchNorm1d", "ReLU", "Linear"]


def test_by_default_there_is_neither_growth_nor_a_hidden_layer() -> None:
    backbone = Convolutional()
    assert affine(backbone.encoder(DIGIT, OUTPUTS)) == [(32, 1, 3, 3), (32, 32, 3, 3), (OUTPUTS, 32 * 7 * 7)]
    assert affine(backbone.decoder(INPUTS, DIGIT)) == [(32 * 7 * 7, INPUTS), (32, 32, 3, 3), (32, 1, 3, 3)]


def test_plain_convolutions_keep_the_size_and_the_decoder_is_a_perceptron(generator) -> None:
    backbone = PlainConvolutional(channels=4, layers=2, hidden=30)
    encoder = built(lambda: backbone.encoder(DIGIT, OUTPUTS), generator)
    assert affine(encoder) == [(4, 1, 3, 3), (4, 4, 3, 3), (OUTPUTS, 4 * 28 * 28)]
    assert encoder[:4](torch.zeros(2, *DIGIT)).shape == (2, 4, 28, 28)
    assert affine(backbone.decoder(INPUTS, DIGIT)) == [(30, INPUTS), (DIGIT.pixels, 30)]


@pytest.mark.parametrize("blocks", [1, 4, 6])
def test_residual_blocks_double_the_channels_at_each_halving(blocks: int, generator) -> None:
    backbone = Residual(channels=4, blocks=blocks)
    encoder = built(lambda: backbone.encoder(PHOTO, OUTPUTS), generator)
    x = torch.rand(2, *PHOTO, generator=generator)
    for level in range(1, blocks + 1):
        x = encoder[level - 1](x)
        assert x.shape == (2, 4 * 2 ** (level - 1), 64 // 2**level, 64 // 2**level)
    decoder = built(lambda: backbone.decoder(INPUTS, PHOTO), generator)
    assert decoder(torch.zeros(2, INPUTS)).shape == (2, *PHOTO)
    assert sum(isinstance(layer, ResidualBlock) for layer in decoder) == blocks


def test_a_shortcut_spans_one_convolution_two_norms_and_one_nonlinearity() -> None:
    backbone = Residual(blocks=2)
    for network in (backbone.encoder(PHOTO, OUTPUTS), backbone.decoder(INPUTS, PHOTO)):
        for body, shortcut in (layer for layer in network if isinstance(layer, ResidualBlock)):
            spanned = [type(layer).__name__ for layer in body if not isinstance(layer, nn.Upsample)]
            assert spanned == ["Conv2d", "BatchNorm2d", "ReLU", "BatchNorm2d"]
            assert [type(layer).__name__ for layer in shortcut if not isinstance(layer, nn.Upsample)] == ["Conv2d"]


def test_a_residual_block_halves_by_its_formula(generator) -> None:
    block = built(lambda: Residual(norm="none", channels=4, blocks=1).encoder(ImageShape(2, 7, 5), 1), generator)[0]
    x = torch.randn(3, 2, 7, 5, generator=generator)
    (convolution, *_), (projection,) = block
    body = F.conv2d(x, convolution.weight, convolution.bias, stride=2, padding=1).relu()
    shortcut = torch.einsum("oi,nihw->nohw", projection.weight[..., 0, 0], x[..., ::2, ::2])
    torch.testing.assert_close(block(x), body + shortcut + projection.bias[:, None, None])


def test_a_residual_block_doubles_by_its_formula(generator) -> None:
    backbone = Residual(norm="none", channels=4, blocks=1)
    block = built(lambda: backbone.decoder(INPUTS, ImageShape(2, 8, 6)), generator)[-2]
    x = torch.randn(3, 4, 4, 3, generator=generator)
    (_, convolution, *_), (projection, _) = block
    repeated = x.repeat_interleave(2, -1).repeat_interleave(2, -2)
    body = F.conv2d(repeated, convolution.weight, convolution.bias, padding=1).relu()
    shortcut = torch.einsum("oi,nihw->nohw", projection.weight[..., 0, 0], repeated)
    torch.testing.assert_close(block(x), body + shortcut + projection.bias[:, None, None])


@pytest.mark.parametrize(("side", "most"), [(8, 3), (28, 5), (7, 3)])
def test_residual_blocks_that_do_not_fit_are_refused(side: int, most: int) -> None:
    shape = ImageShape(1, side, side)
    for make in (
        lambda: Residual(blocks=most + 1).encoder(shape, OUTPUTS),
        lambda: Residual(blocks=most + 1).decoder(INPUTS, shape),
    ):
        with pytest.raises(ValueError, match=f"blocks is {most + 1}.*{side}x{side}.*at most {most} times"):
            make()


def test_residual_networks_are_normalized_unless_told_otherwise() -> None:
    def norms(backbone: Residual) -> int:
        network = backbone.encoder(PHOTO, OUTPUTS)
        return sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())

    assert norms(Residual()) == 4
    assert norms(Residual(norm="none")) == 0


def test_a_block_is_one_hidden_layer_of_a_critic(generator) -> None:
    critic = Critic(built(lambda: Residual(channels=4, blocks=3, dropout=0.5).encoder(DIGIT, 1), generator))
    x = torch.rand(2, *DIGIT, generator=generator)
    assert critic.depth == 3
    assert [critic.features(x, layer, generator).shape[1] for layer in (1, 2, 3, -1)] == [
        4 * 14 * 14,
        8 * 7 * 7,
        16 * 4 * 4,
        16 * 4 * 4,
    ]
    assert critic.normalizes_over_the_batch()


def test_dropout_within_a_block_draws_from_the_generator(generator) -> None:
    network = built(lambda: Residual(dropout=0.5, norm="none").encoder(DIGIT, OUTPUTS), generator)
    x = torch.rand(BATCH, *DIGIT, generator=generator)
    first, second, other = (network(x, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("name", names(Backbone))
def test_every_encoder_takes_a_context_and_depends_on_it(name: str, norm: str, generator) -> None:
    network = built(lambda: find(Backbone, name)(norm=norm).encoder(DIGIT, OUTPUTS, CONTEXT), generator).eval()
    x = torch.rand(BATCH, *DIGIT, generator=generator)
    contexts = torch.randn(2, BATCH, CONTEXT, generator=generator)
    first, second = (network(x, None, context) for context in contexts)
    assert first.shape == (BATCH, OUTPUTS)
    assert (first - second).abs().amax(1).min() > 1e-4
    with pytest.raises(ValueError, match="must be given context"):
        network(x)


@pytest.mark.parametrize("name", names(Backbone))
def test_layer_norm_leaves_the_images_of_a_batch_alone(name: str, generator) -> None:
    """As a gradient penalty needs it: the gradient of one score in the other images is 0."""
    critic = Critic(built(lambda: find(Backbone, name)(norm="layer").encoder(DIGIT, 1), generator))
    x = torch.rand(BATCH, *DIGIT, generator=generator, requires_grad=True)
    gradient = torch.autograd.grad(critic(x)[0], x, create_graph=True)[0]
    assert gradient[0].any()
    assert not gradient[1:].any()
    gradient.square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in critic.parameters())
    assert not critic.normalizes_over_the_batch()


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("name", names(Backbone))
def test_stacked_networks_are_each_alone(name: str, norm: str, generator) -> None:
    backbone, shape = find(Backbone, name)(norm=norm, dropout=0.2), ImageShape(2, 7, 8)
    for make, x in (
        (lambda: backbone.encoder(shape, OUTPUTS), torch.rand(BATCH, *shape, generator=generator)),
        (lambda: backbone.decoder(INPUTS, shape), torch.randn(BATCH, INPUTS, generator=generator)),
    ):
        members = [built(make, generator).eval() for _ in range(2)]
        parameters, buffers = torch.func.stack_module_state(members)
        stacked = torch.func.vmap(
            lambda own, held, member=members[0], x=x: torch.func.functional_call(member, (own, held), (x,))
        )(parameters, buffers)
        for member, output in zip(members, stacked, strict=True):
            torch.testing.assert_close(output, member(x), rtol=1e-5, atol=1e-5)


def test_a_network_within_a_network_is_given_generator_and_context(generator) -> None:
    seen = []

    class Witness(Network):
        def forward(self, x, generator=None, context=None):
            seen.append((generator, context))
            return x

    x, context = torch.zeros(1, 1), torch.ones(1, 2)
    ResidualBlock(Network(Witness()), Witness())(x, generator, context)
    apply(Witness(), x, generator, context)
    assert seen == [(generator, context)] * 3
