"""One run in MLflow: what is known to be there, and the sending of what is not."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sweeper.tracking.content import Content
from sweeper.tracking.pictures import IMAGES, stage

OURS = "sweeper."
"""What the names of our own tags begin with."""
ARTIFACTS_TAG = f"{OURS}artifacts"


class Run:
    """A run that exists, or that the first content creates.

    What MLflow holds is read once, from ``found``, and then followed in memory; whoever gets an exception out of a
    method does not know what has arrived, and has to find the run again.
    """

    def __init__(self, client: Any, experiment_id: str, found: Any = None) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self._id = "" if found is None else str(found.info.run_id)
        self._status = "" if found is None else str(found.info.status)
        # A run that somebody deleted in the UI is neither made again nor written to.
        self._deleted = found is not None and found.info.lifecycle_stage == "deleted"
        self._tags: dict[str, str] = {} if found is None else dict(found.data.tags)
        self._params: dict[str, str] = {} if found is None else dict(found.data.params)
        self._metrics: dict[str, float] = {} if found is None else dict(found.data.metrics)

    def latest(self, metric: str) -> float:
        """Return the latest value of a metric there, 0 where there is none."""
        return self._metrics.get(metric, 0.0)

    def create(self, content: Content, origin: Mapping[str, str]) -> str:
        """Return the run's id; create the run where there is none, with ``origin`` as tags that never change."""
        if not self._id:
            created = self._client.create_run(
                self._experiment_id,
                start_time=content.started,
                tags=content.tags | dict(origin),
                run_name=content.name,
            )
            self._id, self._status, self._tags = created.info.run_id, "RUNNING", dict(content.tags)
        return self._id

    def send(self, content: Content) -> None:
        """Send the tags, parameters, metrics and status that are not there yet: one request, and one to end the run.

        A tag of ours that holds no longer costs one more.
        """
        if self._deleted:
            return
        self._log(content)
        for name in self._outdated(content):
            self._client.delete_tag(self._id, name)
            del self._tags[name]
        if content.status == self._status:
            return
        if content.status == "RUNNING":
            self._client.update_run(self._id, status="RUNNING")
        else:
            self._client.set_terminated(self._id, status=content.status, end_time=content.ended)
        self._status = content.status

    def upload(self, content: Content) -> None:
        """Send the artifacts and pictures that are not there in their present version.

        A file that is removed in the meantime, as a checkpoint is by the sweep's policy, is one that is not to be sent.
        """
        try:
            self._upload(content)
        except FileNotFoundError:
            left = content.still_there()
            if left == content:
                raise
            self.upload(left)

    def _upload(self, content: Content) -> None:
        stamps = {name: stamp(content.folder / name) for name in (*content.files, *content.pictures)}
        known = json.loads(self._tags.get(ARTIFACTS_TAG, "{}"))
        missing = [name for name, value in stamps.items() if known.get(name) != value]
        if self._deleted or not missing:
            return
        self._upload_files(content, [name for name in missing if name in content.files])
        self._upload_pictures(content, [name for name in missing if name in content.pictures])
        tag = json.dumps(known | stamps)
        self._client.set_tag(self._id, ARTIFACTS_TAG, tag, synchronous=True)
        self._tags[ARTIFACTS_TAG] = tag

    def _upload_files(self, content: Content, names: list[str]) -> None:
        for name in names:
            parent = Path(name).parent.as_posix()
            self._client.log_artifact(self._id, str(content.folder / name), None if parent == "." else parent)

    def _upload_pictures(self, content: Content, names: list[str]) -> None:
        if not names:
            return
        with TemporaryDirectory() as folder:
            stage(content, names, Path(folder))
            self._client.log_artifacts(self._id, folder, IMAGES)

    def _log(self, content: Content) -> None:
        from mlflow.entities import Metric, Param, RunTag

        tags = {name: value for name, value in content.tags.items() if self._tags.get(name) != value}
        params = {name: value for name, value in content.params.items() if name not in self._params}
        points = list(self._new_points(content))
        if tags or params or points:
            self._client.log_batch(
                self._id,
                metrics=[Metric(*point) for point in points],
                params=[Param(name, value) for name, value in params.items()],
                tags=[RunTag(name, value) for name, value in tags.items()],
                synchronous=True,
            )
        self._tags |= tags
        self._params |= params
        self._metrics |= {name: value for name, value, _, _ in points}

    def _outdated(self, content: Content) -> list[str]:
        """Return the tags that said something of the run and do so no longer, such as a sign that has gone."""
        said = (name for name in self._tags if name.startswith(OURS) and name != ARTIFACTS_TAG)
        return [name for name in said if name not in content.tags]

    def _new_points(self, content: Content) -> Iterator[tuple[str, float, int, int]]:
        """Yield name, value, timestamp and step of the metrics to send.

        Rows are sent in the order of the clock, each once: an epoch that a resumed trial repeats is the epoch that
        MLflow has. A row at the last moment sent adds the metrics that were never sent, as the test metric does.
        """
        now, known = self._metrics.get(content.clock, -math.inf), set(self._metrics)
        for row in content.rows:
            moment = row.metrics[content.clock]
            for name, value in row.metrics.items():
                if moment > now or (moment == now and name not in known):
                    yield name, value, row.timestamp, row.step
            now, known = max(now, moment), known | row.metrics.keys()


def stamp(path: Path) -> str:
    """Return what changes when the file does; empty where there is no such file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"
