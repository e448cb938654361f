"""Measures of a model on held-out images, each meaning the same for every trial of a sweep."""

from models import GenerativeModel
from sweeper.training.data import Images
from sweeper.training.job import Precision
from sweeper.training.measures.accuracy_score import AccuracyScore
from sweeper.training.measures.base import Measure, Subject
from sweeper.training.measures.classification import Classification
from sweeper.training.measures.completion import Completion
from sweeper.training.measures.density import Density
from sweeper.training.measures.latents import Latents
from sweeper.training.measures.quality import Quality

MEASURES: tuple[type[Measure], ...] = (Density, Latents, Classification, Completion, Quality, AccuracyScore)
"""Every kind of measure, the cheapest first."""

RANKED = tuple(name for measure in MEASURES for name in measure.ranked)
"""Every name by which a sweep may rank, without its split: "nll" of ``val/nll``."""


def applicable(model: GenerativeModel, classes: int) -> list[type[Measure]]:
    """Return every kind of measure that there is of a model of images in so many classes."""
    return [kind for kind in MEASURES if kind.applies(model, classes)]


def measurable(model: GenerativeModel, classes: int) -> tuple[str, ...]:
    """Return the names by which a model of images in so many classes may be ranked."""
    return tuple(name for kind in applicable(model, classes) for name in kind.ranked)


def all_measures_of(model: GenerativeModel, images: Images) -> list[Measure]:
    """Return everything that can be measured of a model."""
    return [kind(images) for kind in applicable(model, images.classes)]


def measures_of(model: GenerativeModel, images: Images, ranked_by: str) -> list[Measure]:
    """Return what is measured of a model in a sweep that ranks by a name: that, and whatever else costs little.

    What has no density is measured by the quality of its samples in any case, as its losses tell nothing about it.
    """
    needed = Quality if model.density is None else None
    kinds = applicable(model, images.classes)
    return [kind(images) for kind in kinds if ranked_by in kind.ranked or kind is needed or not kind.costly]


def scale(name: str, model: GenerativeModel, precision: Precision) -> dict[str, str]:
    """Return the parts of the comparability key of a ranked name that depend on the model and on how it is measured."""
    measure = next(measure for measure in MEASURES if name in measure.ranked)
    return {"estimator": measure.estimator, **measure.scale(model, precision)}


__all__ = ["MEASURES", "RANKED", "Measure", "Subject", "all_measures_of", "measurable", "measures_of", "scale"]
