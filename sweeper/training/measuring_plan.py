"""How often, and on how many images, the trials of a sweep are measured: planned once, before the sweep begins.

The yardstick must be the same for all trials, so the plan is made for the configuration whose measurement takes the
largest part of its time; and it must be the same wherever the file is run, so it is made from nominal costs. Trials are
measured where the stopping rule looks. Then there are as many images as can be measured in the share that is allowed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sweeper.errors import one_line
from sweeper.spec import NoStopping, Spec
from sweeper.training.components import parse_config
from sweeper.training.data import resident
from sweeper.training.evaluation import VALIDATION
from sweeper.training.forecast import Forecast, forecast
from sweeper.training.job import Evaluation, search_evaluation, unplanned_evaluation
from sweeper.training.measures.density import Density

MOST_IMAGES = 1000
LEAST_IMAGES = 50
"""Fewer say too little about a model, whatever more would take."""
RASTER = 10
"""Images are rounded down to a multiple of this, where not all are taken."""
MARGIN = 1.25
"""By how much measuring may take longer, beside training, than their nominal costs say."""
MEASUREMENTS = 10
"""Of a trial that no rule stops."""

BY_IMAGE = tuple(VALIDATION + name for name in Density.ranked)
"""The metrics of which every image costs much: those whose precision is a matter of time."""

_FREE = ("epochs", "optimizer", "annealing")
"""Keys of the section training on which the cost of a step does not depend."""


@dataclass(frozen=True)
class MeasuringPlan:
    """The plan of a sweep. What the file fixes is kept, and what it leaves to auto is filled in."""

    file: Spec
    """The sweep as it is in the file; it must have passed `check_components`."""
    data_dir: Path | None

    @cached_property
    def spec(self) -> Spec:
        """The sweep with numbers for every auto; the same one where there is none."""
        settings = self.file.settings
        numbers: dict[str, Any] = {}
        if settings.evaluation.every == "auto":
            numbers["every"] = self._every
        if settings.evaluation.images == "auto":
            numbers["images"] = self._images(numbers.get("every", settings.evaluation.every))
        if not numbers:
            return self.file
        evaluation = settings.evaluation.model_copy(update=numbers)
        return replace(self.file, settings=settings.model_copy(update={"evaluation": evaluation}))

    def share(self, arm: str) -> float | None:
        """Return the forecast for that configuration of an arm that it is largest for, None where there is none.

        Only where every image costs much there is one.
        """
        evaluation = search_evaluation(self.spec.settings)
        forecasts = [made for made in self._forecasts[arm] if isinstance(made, Forecast)]
        shares = [made.share(evaluation.validation.images or made.validation, evaluation.every) for made in forecasts]
        return max(shares, default=None)

    @property
    def warnings(self) -> list[str]:
        """What is to be said against the plan, a line for each with its place in the file."""
        place = ("sweep", "evaluation")
        return [str(self.file.error(place, doubt)) for doubt in dict.fromkeys((*self._failures, *self._excess))]

    @property
    def _excess(self) -> Iterator[str]:
        """Yield what to change where measuring takes more than its share."""
        settings = self.spec.settings
        share = max((self.share(arm) or 0.0 for arm in self.file.arms), default=0.0)
        if share > settings.evaluation.share:
            yield (
                f"measuring {settings.metric} on {settings.evaluation.images or 'all'} images with "
                f"k={settings.evaluation.k} every {settings.evaluation.every} epochs may take {share:.0%} of a trial's "
                f"time, where share is {settings.evaluation.share:.0%}; a larger grace of the stopping rule makes it "
                "less, and so does a smaller k"
            )

    @property
    def _failures(self) -> Iterator[str]:
        for arm, forecasts in self._forecasts.items():
            for failure in dict.fromkeys(made for made in forecasts if isinstance(made, str)):
                yield f"what measuring takes could not be forecast for a configuration of {arm}: {failure}"

    @property
    def _every(self) -> int:
        stopping = self.file.settings.stopping
        if not isinstance(stopping, NoStopping):
            return stopping.grace
        fewest: int = min(config["training"]["epochs"] for config in self._configs())
        return max(1, fewest // MEASUREMENTS)

    def _images(self, every: int) -> int:
        """Return how many images the costliest configuration can be measured on."""
        share = self.file.settings.evaluation.share / MARGIN
        forecasts = [made for arm in self._forecasts.values() for made in arm if isinstance(made, Forecast)]
        most = min(MOST_IMAGES, *(_validation_images(config, self.data_dir) for config in self._configs()))
        allowed = min((made.most_images(share, every) for made in forecasts), default=most)
        return most if allowed >= most else min(most, max(LEAST_IMAGES, allowed // RASTER * RASTER))

    @cached_property
    def _forecasts(self) -> dict[str, list[Forecast | str]]:
        """What each corner of each arm takes, or why that cannot be said; nothing where images cost little."""
        if self.file.settings.metric not in BY_IMAGE:
            return {arm: [] for arm in self.file.arms}
        return {arm: list(self._forecasts_of(arm)) for arm in self.file.arms}

    def _forecasts_of(self, arm: str) -> Iterator[Forecast | str]:
        """Yield one of each corner, those that differ only in what makes no difference to the cost forecast once."""
        evaluation = unplanned_evaluation(self.file.settings)
        known: dict[str, Forecast | str] = {}
        for config in self._configs(arm):
            key = _costs_like(config)
            if key not in known:
                known[key] = _attempted(config, evaluation, self.data_dir)
            made = known[key]
            yield made if isinstance(made, str) else replace(made, epochs=config["training"]["epochs"])

    def _configs(self, *arms: str) -> Iterator[dict[str, Any]]:
        for arm in arms or self.file.arms:
            for corner in self.file.space(arm).corners():
                yield dict(corner.config)


def _attempted(config: dict[str, Any], evaluation: Evaluation, data_dir: Path | None) -> Forecast | str:
    """Return the forecast of a configuration, or why there is none: its trials will fail, and cost nothing."""
    try:
        return forecast(config, evaluation, data_dir)
    except Exception as error:
        return one_line(error)


def _costs_like(config: dict[str, Any]) -> str:
    """Return what is the same for two configurations whose steps cost the same."""
    training = {key: value for key, value in config["training"].items() if key not in _FREE}
    return json.dumps({**config, "training": training}, sort_keys=True)


def _validation_images(config: dict[str, Any], data_dir: Path | None) -> int:
    return len(resident(parse_config(config).data, data_dir, "cpu").validation)
