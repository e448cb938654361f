"""`sample`, `reconstruct`, `interpolate`, `complete`, `blend` and `restyle`: what a trained model draws, as a PNG."""

from typing import Literal, get_args

import torch
from rich.console import Console
from torch import Tensor

from models import Batch
from models.conditions import LabelConditioning, PixelConditioning, Pixels
from models.conditions.pixels import Part
from models.inference import blend, check, complete, infer, interpolate, restyle
from sweeper.cli.opening import COLUMNS, Opened, open_model
from sweeper.cli.source import Output, Source
from sweeper.errors import UsageError
from sweeper.spec.values import not_allowed
from sweeper.training.grids import row_by_row, save_grid

COMPLETIONS = 4
"""Completions of each image."""
GREY = 0.5
"""What is shown where there is nothing to show."""
SIDES = ("--first", "--second")
FLIPS = ("all", "dark")

Told = tuple[Tensor, Tensor | None]
"""Latent vectors, and the context vectors that go with them."""


def sample_file(source: Source, output: Output, count: int, labels: list[int]) -> None:
    """Show new images; a conditional model's are in rows of one class each column, or complete validation images."""
    opened = open_model(source)
    context, columns = opened.labelled(count, labels)
    z = opened.model.prior(count, opened.generator, context)
    _save(output, opened.model.mean(z, context), columns)


def reconstruct_file(source: Source, output: Output, count: int) -> None:
    """Show validation images, and below each row what the model makes of their mean latent vectors."""
    opened = open_model(source)
    model, batch = opened.autoencoder, opened.examples(count)
    columns = min(count, COLUMNS)
    originals, rebuilt = (_filled(images, columns) for images in (batch.x, model.reconstruct(batch)))
    _save(output, row_by_row(originals, rebuilt, columns), columns)


def interpolate_file(
    source: Source, output: Output, pairs: int, step: float, how: Literal["linear", "spherical"], from_images: bool
) -> None:
    """Show a pair of latent vectors in each column: from the first, above, to the second in equal steps.

    Between two images what the model is told of them changes as their latent vectors do; latent vectors drawn from the
    prior are decoded with one context each pair.
    """
    steps = _whole_steps(step)
    opened = open_model(source)
    first, second = _pairs(opened, pairs, from_images)
    z, context = interpolate(first[0], second[0], steps, how), None
    if first[1] is not None and second[1] is not None:
        context = interpolate(first[1], second[1], steps).flatten(0, 1)
    _save(output, opened.model.mean(z.flatten(0, 1), context), pairs)


def complete_file(source: Source, output: Output, count: int, observed: str | None) -> None:
    """Show, from above: validation images, what is observed of them, and completions.

    A model with condition pixels has learned to complete; for others a posterior is fitted to the observed pixels.
    """
    if observed is not None and observed not in get_args(Part):
        raise UsageError(f"--observed: {not_allowed(observed, get_args(Part))}")
    opened = open_model(source)
    model, batch = opened.model, opened.examples(count)
    if isinstance(model.conditioning, PixelConditioning):
        if observed is not None:
            opened.refuse("found --observed; must be left out where the model has condition pixels, which says it")
        mask, context = model.conditioning.mask, model.conditioning.context(batch).repeat(COMPLETIONS, 1)
        completed = model.mean(model.prior(len(context), opened.generator, context), context)
    else:
        mask = _mask(observed or "top", batch.x)
        completed = _inferred(opened, batch, mask)
    seen = torch.where(mask, batch.x, batch.x.new_tensor(GREY))
    _save(output, torch.cat([batch.x, seen, completed]), count)


def blend_file(
    source: Source, output: Output, classes: tuple[int, int], weight: float, flip: str | None, count: int
) -> None:
    """Show, from above: test images of one class, of another, and the images between their latent vectors.

    What the model is told of the two is mixed by the same weight.
    """
    if flip is not None and flip not in FLIPS:
        raise UsageError(f"--flip: {not_allowed(flip, FLIPS)}")
    opened = open_model(source)
    model, told = opened.autoencoder, opened.autoencoder.conditioning.context
    first, second = (opened.of_class(option, label, count) for option, label in zip(SIDES, classes, strict=True))
    z = blend(model.infer(first), model.infer(second), weight, _flipped(flip, second.x))
    contexts = told(first), told(second)
    context = None if contexts[0] is None or contexts[1] is None else blend(contexts[0], contexts[1], weight)
    _save(output, torch.cat([first.x, second.x, model.mean(z, context)]), count)


def restyle_file(source: Source, output: Output, count: int) -> None:
    """Show a validation image in each row, and beside it what it would look like in every class."""
    opened = open_model(source)
    model = opened.autoencoder
    if not isinstance(model.conditioning, LabelConditioning):
        opened.refuse("has no condition label; must be a model that is told the class, for the class to be changed")
    batch, classes = opened.examples(count), model.conditioning.size
    styled = [restyle(model, batch, torch.full((count,), label)) for label in range(classes)]
    _save(output, torch.stack([batch.x, *styled], 1).flatten(0, 1), classes + 1)


@torch.no_grad()
def _pairs(opened: Opened, count: int, from_images: bool) -> tuple[Told, Told]:
    """Return the latent vectors at both ends of so many paths."""
    if from_images:
        model, batch = opened.autoencoder, opened.examples(2 * count)
        first, second = batch.split(count)
        told = model.conditioning.context
        return (model.infer(first), told(first)), (model.infer(second), told(second))
    context, _ = opened.labelled(count, [])
    first_z, second_z = (opened.model.prior(count, opened.generator, context) for _ in SIDES)
    return (first_z, context), (second_z, context)


def _whole_steps(step: float) -> int:
    """Return how many steps lead from 0 to 1."""
    steps = round(1 / step)
    if abs(steps * step - 1) > 1e-6:
        raise UsageError(f"found --step {step}; must be 1 divided by a whole number, such as 0.2 or 0.25")
    return steps


def _mask(observed: str, x: Tensor) -> Tensor:
    part: Part = observed  # type: ignore[assignment]  # It is one, as was checked.
    return Pixels(observed=part).mask(*x.shape[-2:])


def _inferred(opened: Opened, batch: Batch, mask: Tensor) -> Tensor:
    """Return completions [COMPLETIONS * B, C, H, W] by a posterior fitted to the observed pixels."""
    try:
        model = check(opened.autoencoder)
    except ValueError as error:
        opened.refuse(str(error))
    posterior = infer(model, batch, mask, opened.generator)
    return complete(model, batch, mask, posterior, opened.generator, COMPLETIONS).flatten(0, 1)


def _flipped(flip: str | None, x: Tensor) -> Tensor | None:
    """Return which latent vectors of images [B, C, H, W] are to be negated: those darker than the average, or all."""
    brightness = x.mean((1, 2, 3))
    return {None: None, "dark": brightness < brightness.mean(), "all": torch.ones_like(brightness).bool()}[flip]


def _filled(images: Tensor, columns: int) -> Tensor:
    """Return images [N, C, H, W] with as many grey ones behind them as the last row lacks."""
    missing = images.new_full((-len(images) % columns, *images.shape[1:]), GREY)
    return torch.cat([images, missing])


def _save(output: Output, images: Tensor, columns: int) -> None:
    save_grid(output.path, images, columns)
    Console().print(str(output.path), highlight=False, markup=False, soft_wrap=True)
