"""Protects what a running sweep says of each trial: the value with its floor, the classes covered, what goes wrong.

A trial that failed is told in one line, on a terminal above the live table as well.
"""

import io
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console
from support.sweeps import make_spec

from sweeper.cli.progress import Progress
from sweeper.search import Assignment, Decision, Report

TRIAL = Assignment(4, "fc", "search", {"training": {"epochs": 9}}, seed=1)
QUALITY = {"val/fld": 12.34, "val/fld_floor": 2.685, "val/modes": 10.0}
COLLAPSED = {"mode_collapsed": "1 of 10 classes covered, fewer than half, after epoch 5"}


@pytest.fixture
def printed() -> io.StringIO:
    """What is printed, without a terminal."""
    return io.StringIO()


@pytest.fixture
def progress(printed: io.StringIO, tmp_path: Path) -> Progress:
    """The view of a sweep by val/fld whose fourth trial has begun."""
    progress = Progress(make_spec(metric="val/fld"), tmp_path, Console(file=printed, width=120), 12, Counter())
    progress.begun(TRIAL)
    return progress


def drawn(progress: Progress) -> str:
    """Return the live table as it is drawn on a terminal."""
    console = Console(file=io.StringIO(), width=150)
    with console.capture() as capture:
        console.print(progress._render())
    return capture.get()


def test_the_floor_and_the_modes_stand_beside_a_value(progress: Progress, printed: io.StringIO) -> None:
    report = Report(9, 900, 12.34, done=True, measured=QUALITY)
    progress.reported(TRIAL, report, Decision.STOP)
    line = printed.getvalue()
    assert line.startswith("   1/12  trial 4 fc: complete, val/fld 12.34 (floor 2.685), 10 modes after epoch 9; ")
    assert "12.34 (floor 2.685), 10 modes (trial 4)" in drawn(progress)


def test_a_trial_that_a_sign_stopped_says_so(progress: Progress, printed: io.StringIO) -> None:
    report = Report(5, 500, 240.0, done=False, measured=QUALITY | {"val/modes": 1.0}, signs=COLLAPSED)
    progress.reported(TRIAL, report, Decision.CONTINUE)
    assert "[4 fc: epoch 5/9 240 (floor 2.685), 1 mode, mode_collapsed]" in drawn(progress)
    progress.reported(TRIAL, report, Decision.STOP)
    assert "pruned, val/fld 240 (floor 2.685), 1 mode, mode_collapsed after epoch 5; " in printed.getvalue()


def test_a_value_without_a_floor_is_shown_alone(progress: Progress, printed: io.StringIO) -> None:
    progress.reported(TRIAL, Report(9, 900, 12.34, done=True, measured={"val/fld": 12.34}), Decision.STOP)
    assert "complete, val/fld 12.34 after epoch 9; " in printed.getvalue()


def test_the_pace_counts_every_image_that_was_seen_and_none_twice(
    printed: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials are measured every third epoch; one of them goes on where an earlier run had come to epoch 6."""
    seconds = iter((100.0, 110.0, 110.0, 110.0))
    monkeypatch.setattr("sweeper.cli.progress.time.monotonic", lambda: next(seconds))
    spec = make_spec(evaluation={"every": 3, "images": 100}, stopping={"name": "asha", "grace": 3})
    progress = Progress(spec, tmp_path, Console(file=printed, width=120), 12, Counter())
    progress.begun(TRIAL)
    for epoch in (3, 6, 6, 9):
        progress.reported(TRIAL, Report(epoch, 100 * epoch, 1.0, done=epoch == 9), Decision.CONTINUE)
    resumed = Assignment(5, "fc", "search", TRIAL.config, seed=1)
    progress.begun(resumed)
    progress.reported(resumed, Report(9, 900, 1.0, done=True), Decision.STOP)
    assert ", 120 images/s" in printed.getvalue()


def test_a_failure_is_one_line_with_the_file_that_says_more(
    progress: Progress, printed: io.StringIO, tmp_path: Path
) -> None:
    details = tmp_path / "trials" / TRIAL.folder / "error.txt"
    details.parent.mkdir(parents=True)
    details.write_text("Traceback")
    progress.failed(TRIAL, "ValueError: [red] is no shape")
    (line,) = printed.getvalue().splitlines()
    assert line.startswith(f"   1/12  trial 4 fc: failed, ValueError: [red] is no shape; see {details}; ")


def test_a_failure_without_such_a_file_names_none(progress: Progress, printed: io.StringIO) -> None:
    progress.failed(TRIAL, "lost its worker 3 times")
    assert "failed, lost its worker 3 times; " in printed.getvalue()
    assert "see " not in printed.getvalue()


def test_beside_a_live_table_only_failures_are_printed(tmp_path: Path) -> None:
    terminal = Console(file=io.StringIO(), width=120, force_terminal=True)
    with terminal.capture() as capture:
        progress = Progress(make_spec(), tmp_path, terminal, 12, Counter())
        other = Assignment(5, "fc", "search", TRIAL.config, seed=1)
        for trial in (TRIAL, other):
            progress.begun(trial)
        progress.reported(other, Report(9, 900, 1.0, done=True), Decision.STOP)
        progress.failed(TRIAL, "ValueError: no")
    (line,) = capture.get().splitlines()
    assert "2/12  trial 4 fc: failed, ValueError: no; " in line


def test_a_trial_whose_last_value_is_no_number_has_failed(progress: Progress, printed: io.StringIO) -> None:
    progress.reported(TRIAL, Report(9, 900, float("nan"), done=True), Decision.STOP)
    assert "trial 4 fc: failed, val/fld nan after epoch 9; " in printed.getvalue()
