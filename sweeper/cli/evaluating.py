"""`evaluate`: every measure of a trained model, its latent variables, and the slow cross-check of its density."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console

from models import annealed_importance_sampling, importance_weighted_bound
from models.decoded import DecodedModel
from models.latent import LatentVariableModel
from sweeper.cli.appraised import Appraised, CrossCheck, Latent, Value
from sweeper.cli.opening import Opened, open_model
from sweeper.cli.source import Source
from sweeper.cli.tables import print_table
from sweeper.strict_json import dumps
from sweeper.training.appraisal import Purpose, appraise, subject_of
from sweeper.training.curves import TEST
from sweeper.training.evaluation import VALIDATION
from sweeper.training.job import Precision
from sweeper.training.keys import key_of
from sweeper.training.measures import RANKED, Subject
from sweeper.training.measures.latents import kl_by_part, variance_by_unit

SPLITS: dict[Purpose, str] = {"validation": VALIDATION, "test": TEST}


@dataclass(frozen=True)
class Annealing:
    """How annealed importance sampling is done."""

    images: int
    """The first so many of those that are measured."""
    steps: int
    chains: int


def evaluate_file(
    source: Source, purpose: Purpose, precision: Precision, annealing: Annealing | None, as_json: bool
) -> None:
    """Print all that can be measured of the model in a file."""
    opened = open_model(source)
    _check_number(opened, purpose, precision)
    subject = subject_of(opened.model, opened.restored.images, purpose, precision)
    check = None if annealing is None else _cross_check(opened, subject, annealing)
    measures = dict(_measures(opened, subject, purpose))
    found = Appraised(purpose, len(subject.batch), measures, dict(_latents(subject)), check)
    if as_json:
        print(dumps(found.to_json()))  # noqa: T201  # For scripts.
        return
    console = Console()
    for table in found.tables():
        print_table(console, table)


def _check_number(opened: Opened, purpose: Purpose, precision: Precision) -> None:
    most = _available(opened, purpose)
    if precision.images is not None and precision.images > most:
        opened.refuse(f"found --images {precision.images}; must be at most {most}, the {purpose} images")


def _available(opened: Opened, purpose: Purpose) -> int:
    """Return how many images of a split there are."""
    images = opened.restored.images
    return len(images.validation if purpose == "validation" else images.test)


def _measures(opened: Opened, subject: Subject, purpose: Purpose) -> Iterator[tuple[str, Value]]:
    """Yield every measure by name, with its comparability key if a sweep may rank by it."""
    model, dataset = opened.model, opened.restored.dataset
    precision = subject.precision.within(_available(opened, purpose))
    for name, value in appraise(subject, opened.restored.images).items():
        ranked = name in RANKED
        yield name, Value(value, key_of(name, SPLITS[purpose], dataset, model, precision) if ranked else None)


def _latents(subject: Subject) -> Iterator[tuple[str, Latent]]:
    """Yield the latent variables by name: their number, from 1; "class" for what M2 has before them."""
    model = subject.model.density
    if not isinstance(model, LatentVariableModel):
        return
    variances, kl = variance_by_unit(model, subject).tolist(), kl_by_part(model, subject).tolist()
    for part in kl[: -len(variances)]:
        yield "class", Latent(part)
    for number, (part, variance) in enumerate(zip(kl[-len(variances) :], variances, strict=True), start=1):
        yield str(number), Latent(part, variance)


def _cross_check(opened: Opened, subject: Subject, annealing: Annealing) -> CrossCheck:
    """Return both estimates of the first images; refuse a model that cannot be annealed."""
    model = opened.model.density
    if not isinstance(model, DecodedModel):
        opened.refuse(f"found --ais; a {type(opened.model).__name__} has no density that it could estimate")
    first = subject.batch.split(annealing.images)[0]
    try:
        found = annealed_importance_sampling(model, first, annealing.steps, annealing.chains, opened.generator)
    except ValueError as error:
        opened.refuse(str(error))
    bound = importance_weighted_bound(model, first, subject.precision.k, subject.noise())
    return CrossCheck(
        images=len(first),
        nll_ais=-found.log_evidence.mean().item(),
        standard_error=found.standard_error.square().sum().sqrt().item() / len(first),
        nll=-bound.mean().item(),
        acceptance=found.acceptance.mean().item(),
    )
