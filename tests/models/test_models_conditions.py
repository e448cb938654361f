"""The contract of every condition: what is told and what is left to explain make up the image, and errors are clear."""

import pytest
import torch

from models import UNKNOWN, Batch, Condition, ImageShape, find, names
from models.conditions import Label, PixelConditioning, Pixels, Unconditional

SHAPES = [ImageShape(1, 4, 4), ImageShape(3, 5, 7), ImageShape(1, 28, 28), ImageShape(2, 3, 2)]
PARTS = ["top", "bottom", "left", "right", "1_quadrant", "2_quadrants", "3_quadrants"]
CLASSES, BATCH = 10, 6
EVERY = [find(Condition, name)() for name in names(Condition) if name != "pixels"]
EVERY += [Pixels(observed=part) for part in PARTS]


def batch_of(shape: ImageShape, generator: torch.Generator) -> Batch:
    return Batch(torch.rand(BATCH, *shape, generator=generator), torch.arange(BATCH))


def rows(mask: torch.Tensor) -> list[str]:
    return ["".join("#" if value else "." for value in row) for row in mask.tolist()]


@pytest.mark.parametrize(
    ("observed", "even", "odd"),
    [
        ("top", ["####", "####", "....", "...."], ["###", "...", "..."]),
        ("bottom", ["....", "....", "####", "####"], ["...", "###", "###"]),
        ("left", ["##..", "##..", "##..", "##.."], ["#..", "#..", "#.."]),
        ("right", ["..##", "..##", "..##", "..##"], [".##", ".##", ".##"]),
        ("1_quadrant", ["....", "....", "##..", "##.."], ["...", "#..", "#.."]),
        ("2_quadrants", ["##..", "##..", "##..", "##.."], ["#..", "#..", "#.."]),
        ("3_quadrants", ["####", "####", "##..", "##.."], ["###", "#..", "#.."]),
    ],
)
def test_the_parts_are_where_they_are_said_to_be(observed: str, even: list[str], odd: list[str]) -> None:
    """The quadrants come in the order of Sohn et al. 2015: lower left, upper left, upper right."""
    condition = Pixels(observed=observed)
    assert rows(condition.mask(4, 4)) == even
    assert rows(condition.mask(3, 3)) == odd


def test_no_part_is_forgotten() -> None:
    annotation = Pixels.__dataclass_fields__["observed"].type
    assert set(PARTS) == set(annotation.__args__)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("condition", EVERY, ids=str)
def test_a_context_has_the_stated_size(condition: Condition, shape: ImageShape, generator) -> None:
    conditioning = condition.bind(shape, CLASSES)
    context = conditioning.context(batch_of(shape, generator))
    if isinstance(condition, Unconditional):
        assert context is None
        assert conditioning.size == 0
    else:
        assert context.shape == (BATCH, conditioning.size)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("condition", EVERY, ids=str)
def test_observed_and_unknown_pixels_make_up_the_image(condition: Condition, shape: ImageShape, generator) -> None:
    conditioning = condition.bind(shape, CLASSES)
    batch = batch_of(shape, generator)
    unknown = conditioning.unknown(batch.x)
    told = conditioning.size if isinstance(conditioning, PixelConditioning) else 0
    assert unknown[0].numel() + told == shape.pixels
    assert unknown[0].numel() > 0
    torch.testing.assert_close(conditioning.complete(batch.x, conditioning.context(batch)), batch.x, rtol=0, atol=0)


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("condition", EVERY, ids=str)
def test_completing_sets_the_observed_pixels_and_leaves_the_others(condition, leading, generator) -> None:
    shape = SHAPES[1]
    conditioning = condition.bind(shape, CLASSES)
    batch = batch_of(shape, generator)
    images = torch.full((*leading, BATCH, *shape), -7.0)
    whole = conditioning.complete(images, conditioning.context(batch))
    mask = (
        conditioning.mask if isinstance(conditioning, PixelConditioning) else torch.zeros(shape[1:], dtype=torch.bool)
    )
    assert torch.equal(whole, torch.where(mask, batch.x, -7.0).expand(images.shape))
    assert (conditioning.unknown(whole) == -7).all()
    assert (images == -7).all()


@pytest.mark.parametrize("condition", EVERY, ids=str)
def test_raw_output_is_cut_as_images_are(condition: Condition, generator) -> None:
    """Raw output may have more channels and leading dimensions: each is cut like the image, the gradient is a mask."""
    shape = SHAPES[1]
    conditioning = condition.bind(shape, CLASSES)
    raw = torch.randn(2, BATCH, 4, *shape[1:], generator=generator, requires_grad=True)
    unknown = conditioning.unknown(raw)
    for channel in range(4):
        alone = conditioning.unknown(raw[0, :, channel : channel + 1])
        assert torch.equal(unknown[0, :, channel : channel + 1], alone)
    gradient = torch.autograd.grad(unknown.sum(), raw)[0]
    assert torch.equal(conditioning.unknown(gradient), torch.ones_like(unknown))
    assert gradient.sum() == unknown.numel()


def test_the_context_holds_the_observed_pixels_channel_by_channel(generator) -> None:
    batch = batch_of(SHAPES[1], generator)
    context = Pixels(observed="top").bind(SHAPES[1], 0).context(batch)
    assert torch.equal(context, batch.x[:, :, :2].flatten(1))


def test_classes_are_one_hot_and_unknown_ones_zero() -> None:
    conditioning = Label().bind(SHAPES[0], CLASSES)
    labels = torch.tensor([0, 9, UNKNOWN, 4])
    expected = torch.zeros(4, CLASSES)
    expected[0, 0] = expected[1, 9] = expected[3, 4] = 1
    assert torch.equal(conditioning.one_hot(labels), expected)
    assert torch.equal(conditioning.context(Batch(torch.zeros(4, *SHAPES[0]), labels)), expected)
    assert conditioning.one_hot(labels.view(2, 2)).shape == (2, 2, CLASSES)
    doubles = conditioning.context(Batch(torch.zeros(4, *SHAPES[0]).double(), labels))
    assert doubles.dtype == torch.float64


@pytest.mark.parametrize("condition", EVERY, ids=str)
def test_it_runs_under_vmap(condition: Condition, generator) -> None:
    conditioning = condition.bind(SHAPES[1], CLASSES)
    images = torch.randn(3, BATCH, *SHAPES[1], generator=generator)
    context = conditioning.context(batch_of(SHAPES[1], generator))

    def both(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return conditioning.unknown(images), conditioning.complete(images, context)

    unknown, whole = torch.func.vmap(both)(images)
    assert torch.equal(unknown, conditioning.unknown(images))
    assert torch.equal(whole, conditioning.complete(images, context))


@pytest.mark.parametrize("condition", EVERY, ids=str)
def test_a_condition_can_be_bound_where_no_memory_is_to_be_used(condition: Condition, generator) -> None:
    with torch.device("meta"):
        conditioning = condition.bind(SHAPES[1], CLASSES)
    batch = batch_of(SHAPES[1], generator)
    assert conditioning.complete(batch.x, conditioning.context(batch)).device.type == "cpu"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Label().bind(SHAPES[0], 0), "condition label needs a data set with labels"),
        (lambda: Label().bind(SHAPES[0], CLASSES).context(Batch(torch.zeros(1, 1, 4, 4))), "needs images with labels"),
        (lambda: Pixels().bind(ImageShape(1, 1, 9), 0), "condition pixels needs images of at least 2x2, not 1x9"),
        (lambda: Pixels().bind(SHAPES[0], 0).complete(torch.zeros(1, 1, 4, 4), None), "needs observed pixels"),
    ],
    ids=["no classes", "no labels", "too small", "no context"],
)
def test_what_cannot_be_is_refused_in_one_line(wrong, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refusal:
        wrong()
    assert "\n" not in str(refusal.value)


def test_what_is_given_has_a_name_of_its_own() -> None:
    given = [condition.bind(ImageShape(1, 4, 4), 3).given for condition in EVERY]
    assert len(set(given)) == len(given)
    assert Unconditional().bind(ImageShape(1, 4, 4), 3).given == ""
