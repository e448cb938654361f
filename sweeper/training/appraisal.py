"""Everything that can be measured of a trained model, on the images and with the noise by which sweeps measure."""

from dataclasses import replace
from typing import Literal

from models import GenerativeModel
from sweeper.training.data import Images
from sweeper.training.evaluation import noise_for, prepared
from sweeper.training.job import Precision
from sweeper.training.measures import Subject, all_measures_of

Purpose = Literal["validation", "test"]
"""The held-out splits."""


def subject_of(model: GenerativeModel, images: Images, purpose: Purpose, precision: Precision) -> Subject:
    """Return a model in eval mode and the images of a split, as every trial is measured on them."""
    split = images.validation if purpose == "validation" else images.test
    batch = prepared(model, split, precision, noise_for(images, "binarization", purpose))
    return Subject(model, batch, precision, "", lambda: noise_for(images, purpose))


def appraise(subject: Subject, images: Images) -> dict[str, float]:
    """Return every measure of a subject, each with the care that it is given in a sweep that ranks by it."""
    return {
        name: value
        for measure in all_measures_of(subject.model, images)
        for name, value in measure(replace(subject, ranked_by=next(iter(measure.ranked), ""), thorough=True)).items()
    }
