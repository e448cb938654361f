"""The comparability key of every metric by which a sweep may rank: which other values a value may be ranked against."""

from dataclasses import fields
from typing import Any

from models import GenerativeModel
from sweeper.comparability import Key
from sweeper.training.curves import TEST
from sweeper.training.data import Dataset, Images, name_of
from sweeper.training.evaluation import VALIDATION
from sweeper.training.job import Evaluation, Precision
from sweeper.training.measures import measurable, scale

UNSEEN = "labels"
"""The field of a data set that training alone sees: held-out images keep their labels."""


def key_of(name: str, split: str, dataset: Dataset, model: GenerativeModel, precision: Precision) -> Key:
    """Return the key of one metric, "nll" of ``val/nll``, of a model, which may have its parameters on no device."""
    parts = scale(name, model, precision)
    return Key.from_json({"data": described(dataset), "images": _images(split, precision), **parts})


def keys_of(dataset: Dataset, images: Images, model: GenerativeModel, evaluation: Evaluation) -> dict[str, Key]:
    """Return the keys of all metrics that a model is measured by, on validation and, if it is, on test."""
    splits = {VALIDATION: (evaluation.validation, images.validation), TEST: (evaluation.test, images.test)}
    return {
        split + name: key_of(name, split, dataset, model, precision.within(len(held_out)))
        for split, (precision, held_out) in splits.items()
        for name in measurable(model, images.classes)
        if precision is not None
    }


def described(dataset: Dataset) -> str:
    """Return a data set in words, with those of its fields that are not as usual and matter to what is measured."""
    declared: Any = fields(dataset)  # type: ignore[arg-type]  # every data set is a dataclass
    unusual = (field for field in declared if field.name != UNSEEN and getattr(dataset, field.name) != field.default)
    return " ".join([name_of(dataset), *(f"{field.name}={getattr(dataset, field.name)}" for field in unusual)])


def _images(split: str, precision: Precision) -> str:
    return f"{split.rstrip('/')}, {'all' if precision.images is None else f'the first {precision.images}'}"
