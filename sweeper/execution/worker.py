"""The worker: one process that trains one trial after another.

Ray Tune keeps the process for the next trial (``reuse_actors``), so that starting Python, importing torch and
loading the data are paid once per worker and not once per trial.
"""

import traceback
from typing import Any

from ray import tune

from sweeper.training.job import Failure, Job, Outcome, Run, RunFactory

ERROR_FILE = "error.txt"


class Worker(tune.Trainable):  # type: ignore[misc]  # Ray ships no types for its subclasses.
    """Ray Tune's view of a trial: one step is one epoch."""

    _job: Job
    _factory: RunFactory
    _run: Run | None = None

    def setup(self, config: dict[str, Any]) -> None:
        """Take the first job of this process."""
        self._take(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Leave the job before and take the next one in the same process."""
        self._leave()
        self._take(new_config)
        return True

    def step(self) -> dict[str, Outcome]:
        """Train one epoch. An exception is an outcome like any other: it must not cost the process."""
        try:
            if self._run is None:
                self._run = self._factory(self._job)
            return {"outcome": self._run.advance()}
        except Exception as error:
            return {"outcome": self._failure(error)}

    def cleanup(self) -> None:
        """Leave the last job of this process."""
        self._leave()

    def _take(self, config: dict[str, Any]) -> None:
        self._job, self._factory = config["job"], config["factory"]
        self._run = None  # Made in `step`, where an exception has somewhere to go.

    def _leave(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.close()

    def _failure(self, error: Exception) -> Failure:
        self._run = None
        self._job.folder.mkdir(parents=True, exist_ok=True)
        (self._job.folder / ERROR_FILE).write_text(traceback.format_exc())
        first_line = (str(error).splitlines() or [""])[0]
        return Failure(f"{type(error).__name__}: {first_line}")
