"""What an exported configuration says of its origin, as far as training it again depends on it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from sweeper.errors import UsageError
from sweeper.spec import Evaluation as EvaluationSettings
from sweeper.spec import NoStopping, SweepSettings
from sweeper.spec.section import Count, CountOrAll
from sweeper.spec.values import listed, shown
from sweeper.training.evaluation import METRICS
from sweeper.training.job import Evaluation, search_evaluation


def _measurable(metric: str) -> str:
    if metric not in METRICS:
        raise PydanticCustomError("metric", f"must be one of {listed(METRICS)}")
    return metric


class Planned(EvaluationSettings):
    """How a sweep measured its trials: in numbers, where a file may say auto."""

    every: Count
    images: CountOrAll


class Provenance(BaseModel):
    """The trial that was exported: what it was seeded with, how it was measured, and what it reached."""

    model_config = ConfigDict(frozen=True)

    seed: Annotated[int, Field(ge=0)]
    metric: Annotated[str, AfterValidator(_measurable)]
    value: float
    evaluation: Planned
    threads: Annotated[int, Field(ge=1)]
    versions: dict[str, str | None]

    @property
    def measured_by(self) -> Evaluation:
        """How its sweep measured it. The test set was measured there once, and is not again."""
        # No rule stops it, so that none asks for a measurement at other epochs.
        settings = SweepSettings(metric=self.metric, evaluation=self.evaluation, stopping=NoStopping(), trials=1)
        return search_evaluation(settings)


def read_provenance(file: Path, recorded: Mapping[str, Any]) -> Provenance:
    """Return the provenance that ``file`` records; raise UsageError where it is not what 'sweeper export' writes."""
    try:
        # Through JSON, so that a boolean stays no seed.
        return Provenance.model_validate_json(json.dumps(recorded), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(map(str, ("provenance", *first["loc"])))
        raise UsageError(f"{file}: {path}: {_problem(first)}; 'sweeper export' records it") from error


def _problem(error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return "is missing"
    return f"found {shown(error['input'])}; {error['msg'].replace('Input should', 'must')}"
