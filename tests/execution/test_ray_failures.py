"""Protects a sweep on Ray against what befalls its trials: each way of failing is told, and costs what it must."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.factories import IllFated, WithoutRoom
from support.sweeps import make_spec

from sweeper.disk import DiskError
from sweeper.execution.listener import Silent
from sweeper.execution.ownership import owned
from sweeper.execution.runner import RAY_LOG, run_sweep
from sweeper.execution.site import Site
from sweeper.search import TrialRecord, read_records
from sweeper.spec import Spec

pytestmark = [pytest.mark.sweep, pytest.mark.xdist_group("ray")]

KILLED, HUNG, STARVED, BROKEN, UNHARMED = range(5)
GOES_ON = "goes on from its last checkpoint"


class Told(Silent):
    """Remembers what it was told in words."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def failed(self, assignment: Any, reason: str) -> None:
        self.lines.append(f"trial {assignment.number} failed: {reason}")

    def warned(self, message: str) -> None:
        self.lines.append(message)


class Fates:
    """A sweep that has ended, what was told of it, and what Ray printed."""

    def __init__(self, folder: Path, lines: list[str], printed: str) -> None:
        self.folder = folder
        self.lines = lines
        self.printed = printed
        self.records = read_records(folder)

    def line(self, number: int) -> str:
        (line,) = [line for line in self.lines if line.startswith(f"trial {number} ")]
        return line

    def error(self, record: TrialRecord) -> str:
        return (self.folder / "trials" / record.folder / "error.txt").read_text()


def run(spec: Spec, folder: Path, factory: Any, told: Told) -> bool:
    (folder / "trials").mkdir()
    site = Site(folder, data_dir=folder, address=None, tracking_uri=None)
    with owned(folder) as ownership:
        return run_sweep(spec, site, factory, told, lambda: None, ownership)


@pytest.fixture(scope="module")
def fates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fates]:
    """A sweep of two workers in which something else befalls each of four trials."""
    folder, told = tmp_path_factory.mktemp("fates"), Told()
    spec = make_spec(epochs=3, trials=6, stopping="none", finals=None, workers=2, failures={"hang": 2, "patience": 5.0})
    with pytest.MonkeyPatch.context() as patched:
        printed = folder / "printed"
        with printed.open("w") as stream:
            patched.setattr("sys.stdout", stream)
            assert run(spec, folder, IllFated(), told)
        yield Fates(folder, told.lines, printed.read_text())


def test_every_trial_comes_to_its_end_and_no_epoch_is_told_twice(fates: Fates) -> None:
    states = {record.number: record.state for record in fates.records}
    assert states == {number: "failed" if number == BROKEN else "complete" for number in range(6)}
    for record in fates.records:
        assert [images for images, _ in record.curve] == ([1000] if record.number == BROKEN else [1000, 2000, 3000])


def test_a_process_that_was_killed_costs_an_epoch(fates: Fates) -> None:
    assert fates.line(KILLED).endswith(f": The actor died unexpectedly before finishing this task.; {GOES_ON}")


def test_a_hang_is_told_with_its_rule_and_its_place(fates: Fates) -> None:
    rule = re.escape("no report for 5 s (2 times its longest step, at least 5 s); it hung in factories.py:")
    assert re.search(rf": {rule}\d+ hang; {GOES_ON}$", fates.line(HUNG))
    assert "threading.py" in fates.error(fates.records[HUNG])


def test_a_trial_that_ran_out_of_memory_had_twice_the_share(fates: Fates) -> None:
    assert [record.scale for record in fates.records] == [2 if number == STARVED else 1 for number in range(6)]
    assert ": out of memory: needed at least " in fates.line(STARVED)
    assert fates.line(STARVED).endswith(f", asked for 7,680 more); {GOES_ON} with twice the share")


def test_an_exception_is_told_in_one_line_without_secrets(fates: Fates) -> None:
    record = fates.records[BROKEN]
    assert record.reason == "RuntimeError: no connection to postgresql://***@host/db"
    assert fates.line(BROKEN) == f"trial {BROKEN} failed: {record.reason}"
    assert fates.error(record).startswith("Traceback")
    assert "secret" not in fates.error(record)


def test_nothing_else_is_told_and_ray_prints_nothing(fates: Fates) -> None:
    assert len(fates.lines) == UNHARMED
    assert fates.printed == ""
    assert "A worker died or was killed" in (fates.folder / RAY_LOG).read_text()


def test_a_full_disk_ends_the_sweep_at_once_and_no_trial(tmp_path: Path) -> None:
    """The other trial is in an epoch that never ends."""
    told = Told()
    with pytest.raises(DiskError, match=r"^no space left on device: .*/last \(.* free\); make room"):
        run(make_spec(trials=2, finals=None, workers=2), tmp_path, WithoutRoom(), told)
    assert [record.state for record in read_records(tmp_path)] == ["running", "running"]
    assert told.lines == []
