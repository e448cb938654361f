"""What MLflow's own client finds of a sweep, in a form in which two sweeps can be compared."""

from dataclasses import dataclass
from typing import Any

from fabricated_folder import Folder
from mlflow.entities import ViewType

Point = tuple[int, int, str]
"""Step, timestamp in milliseconds, and value as text, so that NaN equals NaN."""


@dataclass(frozen=True)
class Observed:
    """A run, without the identifiers that MLflow draws at random."""

    name: str
    status: str
    tags: dict[str, str]
    params: dict[str, str]
    histories: dict[str, list[Point]]
    artifacts: list[str]
    times: tuple[int, int]
    parent: str | None


def observe(client: Any, folder: Folder) -> list[Observed]:
    """Return the runs in the sweep's experiment, deleted ones too, the parent first and then by trial number."""
    experiment = client.get_experiment_by_name(folder.name)
    runs = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL)
    names = {run.info.run_id: run.info.run_name for run in runs}
    observed = [_observed(client, run, names) for run in runs]
    return sorted(observed, key=lambda run: (run.parent is not None, run.name, run.times))


def _observed(client: Any, run: Any, names: dict[str, str]) -> Observed:
    tags = dict(run.data.tags)
    parent = tags.pop("mlflow.parentRunId", None)
    return Observed(
        name=run.info.run_name,
        status=run.info.status,
        tags=tags,
        params=dict(run.data.params),
        histories={name: _history(client, run.info.run_id, name) for name in run.data.metrics},
        artifacts=sorted(_artifacts(client, run.info.run_id)),
        times=(run.info.start_time, run.info.end_time),
        parent=parent and names[parent],
    )


def _history(client: Any, run_id: str, name: str) -> list[Point]:
    points = client.get_metric_history(run_id, name)
    return sorted((point.step, point.timestamp, str(point.value)) for point in points)


def _artifacts(client: Any, run_id: str, path: str | None = None) -> list[str]:
    found = []
    for entry in client.list_artifacts(run_id, path):
        found += _artifacts(client, run_id, entry.path) if entry.is_dir else [entry.path]
    return found
