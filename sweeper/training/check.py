"""Every branch of a specification built before anything starts: what is wrong costs one line, not half a sweep."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from models import ImageShape, LatentVariableModel
from sweeper.errors import UsageError
from sweeper.spec import Spec
from sweeper.spec.values import listed, not_allowed
from sweeper.training.components import ConfigError, TrialConfig, parse_config
from sweeper.training.data import resident
from sweeper.training.evaluation import METRICS


def check_components(spec: Spec, data_dir: Path | None) -> None:
    """Build every branch of ``spec`` at every extreme of its domains; raise UsageError at the first fault.

    Data sets are read here for the first time, so that missing files are found before a sweep is begun.
    """
    if spec.settings.metric not in METRICS:
        raise spec.error(("sweep", "metric"), not_allowed(spec.settings.metric, METRICS))
    for arm in spec.arms:
        for corner in spec.space(arm).corners():
            try:
                _compose(corner.config, data_dir)
            except ConfigError as error:
                raise spec.error(corner.origin(error.path), error.message) from error


def check_config(file: Path, config: Mapping[str, Any], data_dir: Path | None) -> None:
    """Build one configuration read from ``file``; raise UsageError at the first fault."""
    try:
        _compose(config, data_dir)
    except ConfigError as error:
        raise UsageError(f"{file}: {error}") from error


def weights_of(config: Mapping[str, Any], data_dir: Path | None) -> int:
    """Return how many weights the model of a configuration has."""
    return sum(parameter.numel() for parameter in _compose(config, data_dir).parameters())


def _compose(config: Mapping[str, Any], data_dir: Path | None) -> LatentVariableModel:
    """Return the model of a configuration, on no device; raise ConfigError where a part does not fit another."""
    trial = parse_config(config)
    images = resident(trial.data, data_dir, "cpu")
    if trial.training.batch_size > len(images.train):
        raise ConfigError(
            ("training", "batch_size"),
            f"found {trial.training.batch_size}; must be at most {len(images.train)}, the training images",
        )
    try:
        with torch.device("meta"):
            model = trial.model.compose(ImageShape(*images.shape))
    except ValueError as error:
        raise ConfigError(("model",), str(error)) from error
    _check_players(trial, model)
    return model


def _check_players(trial: TrialConfig, model: LatentVariableModel) -> None:
    """Raise ConfigError where a player of the schedule has no loss, or a loss no player."""
    players, losses = set(trial.training.schedule.players(model)), set(trial.objective.losses())
    if players != losses:
        raise ConfigError(
            ("objective",), f"has losses for {listed(sorted(losses))}; must have them for {listed(sorted(players))}"
        )
