"""Every branch of a specification built before anything starts: what is wrong costs one line, not half a sweep."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from models import GenerativeModel, ImageShape
from sweeper.comparability import Key
from sweeper.errors import UsageError, one_line
from sweeper.spec import Resolved, Spec
from sweeper.spec.quantities import shown_bytes
from sweeper.spec.values import listed
from sweeper.training.components import ConfigError, TrialConfig, parse_config
from sweeper.training.data import Images, resident
from sweeper.training.evaluation import VALIDATION
from sweeper.training.job import Evaluation, final_evaluation, unplanned_evaluation
from sweeper.training.keys import keys_of
from sweeper.training.measures import measurable
from sweeper.training.memory import physical_memory
from sweeper.training.rankable import TRAINING, Candidate, check_name, check_space


def check_components(spec: Spec, data_dir: Path | None) -> list[str]:
    """Build every branch of ``spec`` at every extreme of its domains; raise UsageError at the first fault.

    Returns what is allowed but known not to work: a line for each, with its place in the file, and each once. Data sets
    are read here for the first time, so that missing files are found before a sweep is begun.
    """
    check_name(spec)
    corners = [(arm, corner) for arm in spec.arms for corner in spec.space(arm).corners()]
    built = [(arm, corner, _build_corner(spec, corner, data_dir)) for arm, corner in corners]
    evaluation = unplanned_evaluation(spec.settings)
    check_space(spec, [_candidate(spec, arm, corner, composed, evaluation) for arm, corner, composed in built])
    doubts = (
        str(spec.error(corner.origin(_objective_in(corner.config)), doubt))
        for _, corner, composed in built
        for doubt in composed.trial.objective.warnings(composed.model)
    )
    return list(dict.fromkeys(doubts))


def ranking_keys(spec: Spec, data_dir: Path | None) -> dict[str, Key]:
    """Return the comparability keys of what finals of ``spec`` are measured by, of the metric that ranks among them.

    Those of one configuration: `check_components` has found that the key of that metric is the same for all.
    """
    arm = spec.arms[0]
    composed = _build_corner(spec, next(spec.space(arm).corners()), data_dir)
    return keys_of(composed.trial.data, composed.images, composed.model, final_evaluation(spec.settings))


def check_config(file: Path, config: Mapping[str, Any], data_dir: Path | None, metric: str | None = None) -> None:
    """Build one configuration read from ``file``; raise UsageError at the first fault.

    A metric that it is to be measured by must be one that there is of its model.
    """
    try:
        composed = _compose(config, data_dir)
        if metric is not None:
            composed.check_metric(metric)
    except ConfigError as error:
        raise UsageError(f"{file}: {error}") from error


def weights_of(config: Mapping[str, Any], data_dir: Path | None) -> int:
    """Return how many weights the model of a configuration has."""
    return sum(parameter.numel() for parameter in _compose(config, data_dir).model.parameters())


@dataclass(frozen=True, eq=False)
class _Composed:
    """A configuration whose parts fit each other, with its model on no device."""

    trial: TrialConfig
    images: Images
    model: GenerativeModel

    def check_metric(self, metric: str) -> None:
        """Raise ConfigError where the metric of a sweep is not measured for the model."""
        measured = tuple(VALIDATION + name for name in measurable(self.model, self.images.classes))
        if metric not in measured:
            kind = type(self.model).__name__
            raise ConfigError(("model",), f"has no {metric}; a {kind} is measured by {listed(measured)}")


def _compose(config: Mapping[str, Any], data_dir: Path | None) -> _Composed:
    """Return what a configuration describes; raise ConfigError where a part does not fit another."""
    trial = parse_config(config)
    images = resident(trial.data, data_dir, "cpu")
    if trial.training.batch_size > len(images.train):
        raise ConfigError(
            ("training", "batch_size"),
            f"found {trial.training.batch_size}; must be at most {len(images.train)}, the training images",
        )
    try:
        with torch.device("meta"):
            model = trial.model.compose(ImageShape(*images.shape), images.classes)
    except ValueError as error:
        raise ConfigError(("model",), str(error)) from error
    except Exception as error:  # Sizes beyond what can be counted, and whatever a model of the user's own raises.
        raise ConfigError(("model",), f"cannot be built ({one_line(error)})") from error
    _check_size(model)
    _check_fit(trial, model, config)
    return _Composed(trial, images, model)


def _check_size(model: GenerativeModel) -> None:
    """Raise ConfigError where the weights alone are more than main memory; a run would end by taking all of it."""
    needed = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    if needed > physical_memory():
        allowed = f"must be at most {shown_bytes(physical_memory())}, the memory of this machine"
        raise ConfigError(("model",), f"found weights of {shown_bytes(needed)}; {allowed}")


def _check_fit(trial: TrialConfig, model: GenerativeModel, config: Mapping[str, Any]) -> None:
    """Raise ConfigError where the objective or the schedule is none for the model."""
    try:
        trial.objective.check(model)
    except ValueError as error:
        raise ConfigError(_objective_in(config), str(error)) from error
    try:
        trial.schedule.check(model.players())
    except ValueError as error:
        path = ("training", "schedule") if trial.training.schedule else ("model", "schedule")
        raise ConfigError(path, str(error)) from error


def _objective_in(config: Mapping[str, Any]) -> tuple[str, ...]:
    return ("objective",) if "objective" in config else ("model", "objective")


def _build_corner(spec: Spec, corner: Resolved, data_dir: Path | None) -> _Composed:
    """Return a corner of a space, composed.

    Raises UsageError with its place where a part does not fit another, or the metric of the sweep is not measured for
    the model. A training loss is one of every model; `check_space` says what is wrong with it.
    """
    try:
        composed = _compose(corner.config, data_dir)
        if not spec.settings.metric.startswith(TRAINING):
            composed.check_metric(spec.settings.metric)
    except ConfigError as error:
        raise spec.error(corner.origin(error.path), error.message) from error
    return composed


def _candidate(spec: Spec, arm: str, corner: Resolved, composed: _Composed, evaluation: Evaluation) -> Candidate:
    keys = keys_of(composed.trial.data, composed.images, composed.model, evaluation)
    return Candidate(arm, {**spec.fixed[arm], **corner.parameters}, composed.trial, keys)
