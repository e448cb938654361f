"""How far the trials of a sweep have come, as the bucket tells it: when each curve grew, and how long nothing did."""

import json
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

INTERVAL = 0.5


@dataclass(frozen=True)
class Step:
    """A moment at which a trial's curve was longer than before."""

    moment: float
    size: int


class Progress:
    """Looks at the snapshots of all trials twice a second, in a thread of its own."""

    def __init__(self, s3: Any, bucket: str, prefix: str) -> None:
        self._s3, self._bucket, self._prefix = s3, bucket, prefix
        self._versions: dict[str, str] = {}
        self._steps: defaultdict[str, list[Step]] = defaultdict(list)
        self._over = Event()
        self._thread = Thread(target=self._look_again, daemon=True)

    def __enter__(self) -> "Progress":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def trials(self) -> list[str]:
        """The folders of the trials that have a curve."""
        return sorted(self._steps)

    def before(self, trial: str, moment: float) -> Step:
        """Return the last step of a trial before a moment."""
        return max((step for step in self._steps[trial] if step.moment <= moment), key=lambda step: step.moment)

    def after(self, trial: str, moment: float) -> Step | None:
        """Return the first step of a trial beyond where it stood at a moment, if there is one by now."""
        size = self.before(trial, moment).size
        later = (step for step in self._steps[trial] if step.moment > moment and step.size > size)
        return min(later, key=lambda step: step.moment, default=None)

    def _look_again(self) -> None:
        while not self._over.wait(INTERVAL):
            with suppress(self._s3.exceptions.NoSuchBucket):  # Not made yet.
                self._look()

    def _look(self) -> None:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        for found in (found for page in pages for found in page.get("Contents", ())):
            key = found["Key"]
            if key.endswith("/snapshot.json") and self._versions.get(key) != found["ETag"]:
                self._versions[key] = found["ETag"]
                self._take(key.split("/")[-2], key)

    def _take(self, trial: str, key: str) -> None:
        snapshot = json.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        size = snapshot["files"].get("metrics.jsonl", {"size": 0})["size"]
        if size > max((step.size for step in self._steps.get(trial, ())), default=0):
            self._steps[trial].append(Step(time.monotonic(), size))
