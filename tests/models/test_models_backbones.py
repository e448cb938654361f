"""The contract of every backbone: shapes restored, norm and dropout where they belong, outputs left raw."""

from itertools import product

import pytest
import torch
from torch import nn

from models import Backbone, ImageShape, find, names
from models.backbones import Convolutional, Dropout, FullyConnected, Network
from models.backbones.deconvolution import Deconvolution, NarrowDeconvolution
from models.backbones.linear import WORTHWHILE, Linear
from models.initialization import materialize

SHAPES = [ImageShape(1, 8, 8), ImageShape(1, 28, 28), ImageShape(3, 32, 32), ImageShape(2, 7, 12)]
DEPTH = {"residual": "blocks"}
"""What a backbone calls its depth, if not layers."""
CASES = [
    pytest.param(
        find(Backbone, name)(norm=norm, activation=activation, **{DEPTH.get(name, "layers"): layers}),
        shape,
        id=f"{name}-{norm}-{shape}",
    )
    for name, (norm, activation, layers), shape in product(
        names(Backbone),
        [
            ("none", "relu", 1),
            ("batch", "leaky_relu", 2),
            ("none", "tanh", 3),
            ("batch", "elu", 3),
            ("layer", "relu", 2),
        ],
        SHAPES,
    )
]
NORMS = {"batch": nn.BatchNorm1d | nn.BatchNorm2d, "layer": nn.LayerNorm | nn.GroupNorm}
INPUTS, OUTPUTS, BATCH = 5, 6, 4


def encoder(backbone: Backbone, shape: ImageShape, generator: torch.Generator) -> Network:
    return materialize(lambda: backbone.encoder(shape, OUTPUTS), generator)


def decoder(backbone: Backbone, shape: ImageShape, generator: torch.Generator) -> Network:
    return materialize(lambda: backbone.decoder(INPUTS, shape), generator)


@pytest.mark.parametrize(("backbone", "shape"), CASES)
def test_shapes_are_restored_and_every_parameter_learns(backbone: Backbone, shape: ImageShape, generator) -> None:
    for network, start, end in (
        (encoder(backbone, shape, generator), torch.rand(BATCH, *shape, generator=generator), (BATCH, OUTPUTS)),
        (decoder(backbone, shape, generator), torch.randn(BATCH, INPUTS, generator=generator), (BATCH, *shape)),
    ):
        output = network(start, generator)
        assert output.shape == end
        output.square().sum().backward()
        assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize(("backbone", "shape"), CASES)
def test_every_hidden_layer_is_normalized_or_none_is(backbone: Backbone, shape: ImageShape, generator) -> None:
    for network in (encoder(backbone, shape, generator), decoder(backbone, shape, generator)):
        affine = sum(isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d) for layer in network)
        for norm, kinds in NORMS.items():
            norms = sum(isinstance(layer, kinds) for layer in network)
            assert norms == (affine - 1 if backbone.norm == norm else 0)


@pytest.mark.parametrize(("backbone", "shape"), CASES)
def test_nothing_follows_the_output_layer(backbone: Backbone, shape: ImageShape, generator) -> None:
    assert isinstance(encoder(backbone, shape, generator)[-1], nn.Linear)
    last = [layer for layer in decoder(backbone, shape, generator) if not isinstance(layer, nn.Unflatten)][-1]
    assert isinstance(last, nn.Linear | NarrowDeconvolution | nn.Conv2d)


@pytest.mark.parametrize("backbone", [FullyConnected(dropout=0.5), Convolutional(dropout=0.5)], ids=["fc", "conv"])
def test_dropout_draws_from_its_generator_while_training_only(backbone: Backbone, generator) -> None:
    network = encoder(backbone, SHAPES[0], generator)
    x = torch.rand(BATCH, *SHAPES[0], generator=generator)
    before = torch.get_rng_state()
    first, second, other = (network(x, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(ValueError, match="must be given a generator"):
        network(x)
    network.eval()
    assert torch.equal(network(x), network(x, generator))


def test_dropout_keeps_the_mean(generator) -> None:
    dropped = Dropout(0.25)(torch.ones(100_000), generator)
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("shape", "most"),
    [(SHAPES[0], 3), (SHAPES[1], 5), (SHAPES[2], 5), (ImageShape(1, 3, 64), 2), (ImageShape(1, 1, 5), 0)],
)
def test_an_image_can_be_halved_so_often_and_no_more(shape: ImageShape, most: int, generator) -> None:
    if most:
        assert decoder(Convolutional(layers=most), shape, generator)(torch.zeros(1, INPUTS)).shape == (1, *shape)
    with pytest.raises(ValueError, match=rf"layers is {most + 1}.*{shape.height}x{shape.width}.*at most {most} times"):
        Convolutional(layers=most + 1).encoder(shape, OUTPUTS)
    with pytest.raises(ValueError, match=rf"layers is {most + 1}.*at most {most} times"):
        Convolutional(layers=most + 1).decoder(INPUTS, shape)


@pytest.mark.parametrize("sizes", [((4, 4), (8, 8)), ((4, 7), (7, 14)), ((1, 1), (1, 2))], ids=str)
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_narrow_deconvolution_is_a_deconvolution(sizes, outputs: int, generator) -> None:
    narrow = materialize(lambda: NarrowDeconvolution(6, outputs, *sizes), generator).double()
    wide = Deconvolution(6, outputs, *sizes).double()
    wide.load_state_dict(narrow.state_dict())
    x = torch.randn(BATCH, 6, *sizes[0], generator=generator, dtype=torch.float64)
    with torch.inference_mode():
        torch.testing.assert_close(narrow(x), wide(x))
    assert torch.equal(narrow(x), wide(x))
    assert narrow(x).requires_grad


@pytest.fixture
def large(generator) -> tuple[Linear, torch.Tensor]:
    rows, width = 64, 257
    assert rows * width * width > WORTHWHILE
    layer = materialize(lambda: Linear(width, width), generator)
    return layer, torch.randn(rows, width, generator=generator, requires_grad=True)


def test_a_large_linear_layer_is_a_linear_layer(large) -> None:
    layer, x = large
    outputs = layer(x), nn.functional.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
    gradients = [torch.autograd.grad(output.sin().sum(), (x, layer.weight, layer.bias)) for output in outputs]
    for left, right in zip(*gradients, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-5, atol=1e-4)


def test_a_large_linear_layer_of_data_has_no_gradient_in_the_data(large) -> None:
    layer, x = large
    layer(x.detach()).sum().backward()
    torch.testing.assert_close(layer.weight.grad, x.detach().sum(0).expand_as(layer.weight), rtol=1e-5, atol=1e-4)
    assert x.grad is None


def test_a_large_linear_layer_can_be_differentiated_twice(large) -> None:
    """As gradient penalties do."""
    layer, x = large
    results = []
    for output in (layer(x), nn.functional.linear(x, layer.weight, layer.bias)):
        first = torch.autograd.grad(output.sin().sum(), (x, layer.weight, layer.bias), create_graph=True)
        second = torch.autograd.grad(first[0].square().sum(), layer.weight)
        results.append([*first, *second])
    for left, right in zip(*results, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-3)


def test_large_linear_layers_can_be_stacked(large) -> None:
    layer, x = large
    weights = torch.stack([layer.weight, -2 * layer.weight]).detach()

    def loss(weight: torch.Tensor, function) -> torch.Tensor:
        return function(x.detach(), weight, layer.bias.detach()).sin().sum()

    def through_layer(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    stacked = torch.func.vmap(torch.func.grad(loss), (0, None))(weights, through_layer)
    alone = torch.stack([torch.func.grad(loss)(weight, nn.functional.linear) for weight in weights])
    torch.testing.assert_close(stacked, alone, rtol=1e-4, atol=1e-3)
