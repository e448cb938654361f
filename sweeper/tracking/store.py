"""The MLflow store: opened with its schema, an experiment made once, the runs of a sweep found by their tags."""

import gc
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from sweeper.locking import locked
from sweeper.tracking.sweep import SWEEP_TAG
from sweeper.tracking.trial import TRIAL_TAG
from sweeper.tracking.uri import SQLITE, artifact_location, has_server

PAGE = 1000

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # It costs a request for each run that ends.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # Whoever calls the mirror tries again; MLflow would for four minutes.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


def connect(uri: str) -> Any:
    """Open the store or the server at ``uri``.

    A new SQLite file gets its schema here. MLflow lets two processes write it at once, which breaks it.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with _schema_lock(uri):
        gc.disable()  # Importing MLflow takes seconds of computing, of which looking for garbage is a sixth.
        try:
            from mlflow import MlflowClient

            return MlflowClient(uri)
        finally:
            gc.enable()


def open_experiment(client: Any, uri: str, name: str, home: Path | str) -> str:
    """Return the id of the experiment ``name``: found, taken out of the bin, or created with artifacts in the home.

    That is a folder, or the URL of a place in a store.
    A tracking server decides itself where artifacts go.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, None if has_server(uri) else artifact_location(home)))
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:  # So it was not another sweep that created it in this moment.
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def find_runs(client: Any, experiment_id: str, sweep: str) -> dict[int | None, Any]:
    """Return MLflow's runs of a sweep by trial number, its parent run under ``None``; deleted runs as well."""
    from mlflow.entities import ViewType

    runs: dict[int | None, Any] = {}
    token: str | None = None
    while token != "":
        page = client.search_runs(
            [experiment_id],
            filter_string=f"tags.`{SWEEP_TAG}` = '{sweep}'",
            run_view_type=ViewType.ALL,
            max_results=PAGE,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        for run in page:
            number = run.data.tags.get(TRIAL_TAG)
            runs.setdefault(None if number is None else int(number), run)
        token = page.token or ""
    return runs


def _schema_lock(uri: str) -> AbstractContextManager[None]:
    if not uri.startswith(SQLITE):
        return nullcontext()
    lock = Path(uri.removeprefix(SQLITE) + ".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    return locked(lock, wait=True)
