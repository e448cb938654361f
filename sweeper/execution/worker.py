"""The worker: one process that trains one trial after another.

Ray Tune keeps the process for the next trial (``reuse_actors``), so that starting Python, importing torch and
loading the data are paid once per worker and not once per trial.
"""

import traceback
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

from ray import tune

from sweeper.execution.desk import Desk, desk_of
from sweeper.execution.draining import Departure, NodeDrainsError
from sweeper.remote.objects import ChangedError, StoreError
from sweeper.tracking import mask
from sweeper.training.failing import ERROR_FILE, failure_of
from sweeper.training.hang import Watch
from sweeper.training.job import EpochResult, Failure, Job, Outcome, Run, RunFactory

STORE_ERRORS = (StoreError, ChangedError)
"""What is no fault of a trial: the store that its folder is in, or another worker that has taken the trial."""


class Worker(tune.Trainable):  # type: ignore[misc]  # Ray ships no types for its subclasses.
    """Ray Tune's view of a trial: one step is one epoch."""

    _departure: Departure
    _job: Job
    _factory: RunFactory
    _desk: Desk
    _watch: Watch
    _hold: ExitStack
    """Of the trial's desk, from before its run is made until it is let go of."""
    _notes: tuple[str, ...] = ()
    """What has befallen files of trials, to be told with the next result."""
    _run: Run | None = None
    _closed: int | None = None
    """The number of a trial that this process has let go of, until the driver has been told."""

    def setup(self, config: dict[str, Any]) -> None:
        """Take the first job of this process."""
        self._departure = Departure()
        self._take(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Leave the job before and take the next one in the same process."""
        self._leave()
        self._take(new_config)
        return True

    def step(self) -> dict[str, Outcome | int | None]:
        """Train up to the next measurement, and say which trial this process has let go of before.

        An exception is an outcome like any other: it must not cost the process. But where the node is about to be taken
        away, no epoch begins: the trial goes on elsewhere, from the outcome before, which the driver has by now.
        """
        if self._departure.is_due():
            self._forget()
            raise NodeDrainsError
        outcome, closed = self._advance(), self._closed
        self._closed = None
        if isinstance(outcome, Failure):
            self._forget()
        return {"outcome": outcome, "closed": closed}

    def cleanup(self) -> None:
        """Leave the last job of this process."""
        self._leave()

    def _take(self, config: dict[str, Any]) -> None:
        job: Job = config["job"]
        self._desk, self._factory = desk_of(job), config["factory"]
        self._job = self._with_share(replace(job, folder=self._desk.folder))
        self._watch = Watch(self._job.folder, config["failures"])
        self._hold = ExitStack()
        self._run = None  # Made in `step`, where an exception has somewhere to go.

    def _with_share(self, job: Job) -> Job:
        """Return the job with the share of a GPU that Ray has given it."""
        if self.trial_resources is None:
            return job
        return replace(job, gpu_share=self.trial_resources.required_resources.get("GPU", 0.0) or 1.0)

    def _advance(self) -> Outcome:
        """Train, and save that before anybody is told of it."""
        try:
            if self._run is None:
                self._notes += tuple(self._hold.enter_context(self._desk.taken()))
            outcome = self._train()
            self._desk.save()
        except STORE_ERRORS as error:
            return Failure(str(error), "storage")
        except (Exception, SystemExit) as error:
            self._write_error()
            return failure_of(error, self._job.folder)
        notes, self._notes = self._notes, ()
        return replace(outcome, notes=(*notes, *outcome.notes))

    def _train(self) -> EpochResult:
        with self._watch.report():
            if self._run is None:
                self._run = self._factory(self._job)
            return self._run.advance()

    def _leave(self) -> None:
        """Close the run. What goes wrong here belongs to a trial that has ended, and must not cost the next one."""
        if self._run is None:
            return
        try:
            with self._watch.work():
                self._run.close()
            self._desk.save()
        except STORE_ERRORS as error:
            self._notes = (f"the last files of trial {self._job.number} are lost: {error}",)
        except (Exception, SystemExit):
            self._write_error()
        self._forget()

    def _forget(self) -> None:
        """Let go of the run, and of the accelerator's memory, which the processes beside this one may be waiting for.

        To be called where no exception is handled any more: a traceback keeps the run's tensors alive.
        """
        self._run, self._closed = None, self._job.number
        self._hold.close()
        if self._job.device != "cpu":
            # A simulated trial is on the CPU, and its worker does without torch, which takes seconds to import.
            from sweeper.training.devices import release_memory

            release_memory()

    def _write_error(self) -> None:
        """Leave the traceback in the trial's folder; where even that fails, the reason in the study has to do."""
        with suppress(OSError, *STORE_ERRORS):
            self._job.folder.mkdir(exist_ok=True)
            (self._job.folder / ERROR_FILE).write_text(mask(traceback.format_exc()))
            self._desk.save()
