"""Protects what a result costs the driver from growing with the trials before it: ten thousand must be no problem.

Counted are the lines of our own code that run, each turn of a loop anew. They are the same on every machine.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from support.sweeps import make_spec, quality

import sweeper
from sweeper.execution.collector import Collector
from sweeper.execution.dispatcher import Care, Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.execution.simulator import simulate
from sweeper.execution.stored_on_disk import OnDisk
from sweeper.search import Assignment, Decision, Report, Sweep
from sweeper.search.storage import JOURNAL
from sweeper.training.simulated import Simulation

OURS = str(Path(sweeper.__file__).parent)
WINDOW = 40
"""Results in which lines are counted."""
MOST = 1.25
"""Of the second window's for each of the first's: how many trials begin and end differs a little."""


class Lines:
    """Counts lines of our package that run in two windows of a sweep's results, and what the journal gains there."""

    def __init__(self, journal: Path, early: int, late: int) -> None:
        self.counts = [0, 0]
        self.bytes = [0, 0]
        self._journal = journal
        self._begins = {early: 0, late: 1}
        self._ends = {early + WINDOW: 0, late + WINDOW: 1}
        self._results = 0
        self._before = sys.gettrace()

    def result(self) -> None:
        self._results += 1
        if (window := self._begins.get(self._results)) is not None:
            self.bytes[window] = -self._journal.stat().st_size
            sys.settrace(self._counter(window))
        elif (window := self._ends.get(self._results)) is not None:
            sys.settrace(self._before)
            self.bytes[window] += self._journal.stat().st_size

    def _counter(self, window: int) -> Callable[..., Any]:
        def in_function(_frame: FrameType, event: str, _: object) -> Any:
            self.counts[window] += event == "line"
            return in_function

        def on_call(frame: FrameType, _event: str, _: object) -> Any:
            return in_function if frame.f_code.co_filename.startswith(OURS) else None

        return on_call


class Listener(Silent):
    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def reported(self, assignment: Assignment, report: Report, decision: Decision) -> None:
        self._lines.result()


@pytest.mark.parametrize(("search", "checkpoints"), [("random", {}), ("tpe", {"quota": "1 MiB"}), ("grid", {})])
def test_a_result_costs_the_driver_as_much_after_many_trials_as_after_few(tmp_path, search, checkpoints):
    (tmp_path / "trials").mkdir()
    lr = {"choice": [number / 1000 for number in range(1, 10)]} if search == "grid" else None
    spec = make_spec(search=search, lr=lr, trials=240, checkpoints=checkpoints, finals=None)
    sweep = Sweep(spec, tmp_path, 8)
    lines = Lines(tmp_path / JOURNAL, early=60, late=400)
    collector = Collector(OnDisk(tmp_path), spec.settings, sweep.trials, pytest.fail)
    place = Workplace(tmp_path, data_dir=None, workers=8)
    simulate(Dispatcher(sweep, spec, place, Listener(lines), Care(closed=collector.closed)), Simulation(quality))
    early, late = (count / size for count, size in zip(lines.counts, lines.bytes, strict=True))
    assert 0 < late < MOST * early
    assert 0 < lines.bytes[1] < MOST * lines.bytes[0]
