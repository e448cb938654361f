"""The live view of a sweep: one table on a terminal, plain lines elsewhere."""

import math
import time
from collections import Counter
from pathlib import Path
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sweeper.analysis.beside import floor_of, with_floor
from sweeper.analysis.formatting import counted
from sweeper.search import Assignment, Decision, Report
from sweeper.spec import Spec
from sweeper.training.failing import ERROR_FILE

MINUTE = 60.0


class Progress:
    """Listens to a sweep and shows it; a context manager, since a live table has to be left in order."""

    def __init__(
        self, spec: Spec, folder: Path, console: Console, expected: int | None, ended: Counter[tuple[str, str]]
    ) -> None:
        """Show a sweep of ``expected`` trials (``None``: bounded by time), of which ``ended`` ended in an earlier run.

        ``folder`` is that of the sweep; ``ended`` counts by (arm, state).
        """
        self._spec = spec
        self._folder = folder
        self._console = console
        self._expected = expected
        self._states = ended
        self._before = ended.total()
        self._running: dict[int, tuple[Assignment, Report | None]] = {}
        self._best: dict[str, tuple[Report, int]] = {}
        self._images = 0
        self._started: float | None = None
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=2, transient=True)

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing."""
        if self._console.is_terminal:
            self._live.stop()

    def begun(self, assignment: Assignment) -> None:
        """Show that a trial runs."""
        self._started = self._started or time.monotonic()  # Pace is that of trials, without the start of Ray.
        self._running[assignment.number] = (assignment, None)

    def reported(self, assignment: Assignment, report: Report, decision: Decision) -> None:
        """Show what a trial reported."""
        _, before = self._running[assignment.number]
        self._images += _images_since(before, report, self._spec.settings.evaluation.every)
        self._note_best(assignment, report)
        self._running[assignment.number] = (assignment, report)
        if decision is Decision.STOP:
            self._end(assignment, _state(report), self._describe(report))

    def failed(self, assignment: Assignment, reason: str) -> None:
        """Show that a trial failed, and where more is said about it."""
        details = self._folder / "trials" / assignment.folder / ERROR_FILE
        self._end(assignment, "failed", f"{reason}; see {details}" if details.exists() else reason)

    def told(self, message: str) -> None:
        """Show what was found out."""
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)

    def warned(self, message: str) -> None:
        """Show what else went wrong."""
        self._console.print(f"warning: {message}", highlight=False, markup=False, soft_wrap=True)

    def _note_best(self, assignment: Assignment, report: Report) -> None:
        if assignment.phase != "search" or not math.isfinite(report.value):
            return
        sign = self._spec.settings.sign
        best = self._best.get(assignment.arm)
        if best is None or sign * report.value < sign * best[0].value:
            self._best[assignment.arm] = (report, assignment.number)

    def _end(self, assignment: Assignment, state: str, what: str) -> None:
        """Print that a trial has ended; where a live table counts those that did, only that it failed."""
        self._running.pop(assignment.number, None)
        self._states[assignment.arm, state] += 1
        if state == "failed" or not self._console.is_terminal:
            kind = "final" if assignment.phase == "finals" else "trial"
            self._console.print(
                f"{self._states.total():4d}/{self._expected or '?'}  {kind} {assignment.number} {assignment.arm}: "
                f"{state}, {what}; {self._pace()}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )

    def _describe(self, report: Report) -> str:
        return f"{self._spec.settings.metric} {self._value(report)} after epoch {report.epoch}"

    def _value(self, report: Report) -> str:
        """Return the value with its floor, the classes that samples cover, and what goes wrong, as far as known."""
        metric = self._spec.settings.metric
        value = with_floor(f"{report.value:.4g}", floor_of(metric, report.measured))
        modes = report.measured.get(f"{metric.partition('/')[0]}/modes")
        covered = () if modes is None else (counted(int(modes), "mode"),)
        return ", ".join((value, *covered, *report.signs))

    def _pace(self) -> str:
        """Return throughput and time left, as far as this run has shown them."""
        if self._started is None:
            return "workers are starting"
        elapsed = max(time.monotonic() - self._started, 1e-9)
        ended = self._states.total() - self._before
        pace = f"{ended / elapsed * MINUTE:.0f} trials/min, {self._images / elapsed:,.0f} images/s"
        if self._expected is None or not ended:
            return pace
        left = (self._expected - self._states.total()) * elapsed / ended
        return f"{pace}, about {_duration(left)} left"

    def _render(self) -> Group:
        table = Table(title=f"{self._spec.name}: {self._spec.question or ''}", title_justify="left", expand=False)
        for column in ("arm", "running", "complete", "pruned", "failed", f"best {self._spec.settings.metric}"):
            table.add_column(column, justify="left" if column == "arm" else "right")
        for arm in self._spec.arms:
            running = sum(assignment.arm == arm for assignment, _ in self._running.values())
            best = self._best.get(arm)
            table.add_row(
                arm,
                str(running),
                *(str(self._states[arm, state]) for state in ("complete", "pruned", "failed")),
                f"{self._value(best[0])} (trial {best[1]})" if best else "",
            )
        total = f"{self._states.total()} of {self._expected or 'as many as fit'} trials ended; {self._pace()}"
        return Group(table, Text("  ".join(map(self._running_line, self._running.values()))), Text(total))

    def _running_line(self, running: tuple[Assignment, Report | None]) -> str:
        assignment, report = running
        epochs = assignment.config["training"]["epochs"]
        state = "begins" if report is None else f"epoch {report.epoch}/{epochs} {self._value(report)}"
        return f"[{assignment.number} {assignment.arm}{' final' if assignment.phase == 'finals' else ''}: {state}]"


def _state(report: Report) -> str:
    """Return the state in which a trial ended with a report."""
    if not report.done:
        return "pruned"
    return "complete" if math.isfinite(report.value) else "failed"


def _images_since(before: Report | None, report: Report, every: int | str) -> int:
    """Return how many images a trial has seen since its report before, or since it was measured before that.

    What an earlier run of the sweep had of the trial is not counted, but for what the trial says again.
    """
    if before is not None:
        return report.images - before.images
    epochs = report.epoch if every == "auto" else min(report.epoch, int(every))
    return report.images // report.epoch * epochs


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
