"""Every registered preset, small enough to be trained in milliseconds, and what can be asked of its model."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from models import UNKNOWN, Batch, Component, GenerativeModel, ImageShape, Model, find, names

CLASSES, BATCH = 10, 6
TINY = ImageShape(1, 8, 8)

SMALL = {
    "latent_dim": 4,
    "top_dim": 3,
    "top_hidden": 6,
    "hidden": 8,
    "layers": 2,
    "channels": 4,
    "steps": 2,
}
"""The most that a key of this name may be, wherever it stands."""


def small_preset(name: str) -> Model:
    """Return the preset of a name with its own defaults, but few and narrow layers."""
    return _small(find(Model, name)())


def described(component: Component) -> dict[str, Any]:
    """Return the mapping that a sweep file has for a component, with all of its keys."""
    (kind,) = [base for base in type(component).__mro__ if Component in base.__bases__]
    (name,) = [name for name in names(kind) if find(kind, name) is type(component)]
    values = {field.name: getattr(component, field.name) for field in fields(component)}
    return {"name": name} | {
        key: described(value) if isinstance(value, Component) else list(value) if isinstance(value, tuple) else value
        for key, value in values.items()
    }


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(name: str, shape: ImageShape = TINY, seed: int = 0) -> GenerativeModel:
    """Return the model of a small preset, in training mode."""
    return small_preset(name).build(shape, seeded(seed), classes=CLASSES)


@cache
def batch_for(name: str, shape: ImageShape = TINY) -> Batch:
    """Return images as the model takes them with their labels, half of them unknown where that is what it is for."""
    generator = seeded(11)
    images = torch.randint(0, 256, (BATCH, *shape), generator=generator, dtype=torch.uint8)
    y = torch.arange(BATCH) % CLASSES
    if find(Model, name)().objective().labelled:
        y[::2] = UNKNOWN
    return Batch(built(name, shape).space.preprocess(images, generator), y)


def outputs_of(model: GenerativeModel, name: str) -> dict[str, Callable[[Any], Tensor]]:
    """Return what can be asked of a model in eval mode, each as a function of it that draws from a fixed seed."""
    batch = batch_for(name)
    context = model.conditioning.context(batch)
    z = built(name).eval().prior(BATCH, seeded(), context)
    functions: dict[str, Callable[[Any], Tensor]] = {
        "prior": lambda model: model.prior(BATCH, seeded(), context),
        "mean": lambda model: model.mean(torch.stack([z, -z]), context),
        "sample": lambda model: model.sample(BATCH, seeded(), context),
    }
    if model.density is not None:
        functions |= {
            "infer": lambda model: model.density.infer(batch),
            "weights": lambda model: model.density.log_weights(batch, 2, seeded()),
            "reconstruct": lambda model: model.density.reconstruct(batch),
        }
    if model.classifies:
        functions["classify"] = lambda model: model.classify(batch.x)
    if hasattr(model, "critic"):
        functions["critic"] = lambda model: model.critic(batch.x, None, context)
    return functions


def _small(component: Any) -> Any:
    changes = {}
    for field in fields(component):
        value = getattr(component, field.name)
        if isinstance(value, Component):
            changes[field.name] = _small(value)
        elif field.name in SMALL:
            changes[field.name] = _least(value, SMALL[field.name])
    return replace(component, **changes)


def _least(value: int | tuple[int, ...], most: int) -> int | tuple[int, ...]:
    return min(value, most) if isinstance(value, int) else tuple(min(width, most) for width in value)
