"""Protects whole sweeps: they end with what their policy keeps, wherever a kill fell while they were collected.

PITFALLS 13: checkpoints of a thousand trials are collected per sweep, while it runs.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from collected import BEST_FILES, EVERYTHING, LAST_FILES, OTHERS, Folder, files, leave_checkpoints, policy
from support.records import made_record as trial
from support.sweeps import make_spec, quality

from sweeper.execution.collector import Collector
from sweeper.execution.dispatcher import Care, Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.execution.simulator import simulate
from sweeper.execution.stored_on_disk import OnDisk
from sweeper.search import Assignment, Sweep
from sweeper.search.keeping import keep
from sweeper.training.job import EpochResult
from sweeper.training.simulated import SimulatedRun, Simulation


class Leaving(SimulatedRun):
    """A simulated run that leaves checkpoints, and that needs them until it is closed."""

    def advance(self) -> EpochResult:
        if not (self._job.folder / "best").exists():
            leave_checkpoints(self._job.folder)
        return super().advance()

    def close(self) -> None:
        assert files(self._job.folder) >= EVERYTHING, "collected under its worker's hands"


@pytest.mark.parametrize("workers", [1, 3])
def test_a_sweep_has_what_its_policy_keeps_at_its_end_and_little_more_at_any_time(tmp_path: Path, workers: int) -> None:
    spec = make_spec(trials=24, checkpoints={"best_of_sweep": 3})
    (tmp_path / "trials").mkdir()
    sweep, there = Sweep(spec, tmp_path, workers), []

    class Counting(Silent):
        def begun(self, assignment: Assignment) -> None:
            there.append(len(list(tmp_path.glob("trials/*/best"))))

    care = Care(closed=Collector(OnDisk(tmp_path), spec.settings, sweep.records, pytest.fail).closed)
    place = Workplace(tmp_path, data_dir=None, workers=workers, device="cpu")
    simulate(Dispatcher(sweep, spec, place, Counting(), care), lambda job: Leaving(Simulation(quality), job))
    records = sweep.records()
    held = {record.number: files(tmp_path / "trials" / record.folder) & EVERYTHING for record in records}
    kept = keep(records, spec.settings)
    assert held == {number: BEST_FILES if parts else set() for number, parts in kept.items()}
    assert 3 <= max(there) <= 3 + len(spec.arms) + workers


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_after(count: int, patch: pytest.MonkeyPatch) -> list[str]:
    """Let so many operations of the collector on the disk through and raise at the next; return those begun."""
    begun: list[str] = []

    def guarded(name: str, original: Callable[..., object]) -> Callable[..., object]:
        def operation(*arguments: object, **keywords: object) -> object:
            if keywords.keys() & {"dir_fd", "src_dir_fd"}:  # It alone reaches everything by a descriptor.
                if len(begun) == count:
                    raise Killed
                begun.append(name)
            return original(*arguments, **keywords)

        return operation

    for name in ("rename", "unlink", "rmdir"):
        patch.setattr(os, name, guarded(name, getattr(os, name)))
    return begun


@pytest.mark.parametrize("operations", [1, 10, 40])
def test_a_sweep_whose_driver_was_killed_while_it_collected_ends_as_any_other(tmp_path: Path, operations: int) -> None:
    spec = make_spec(trials=12, checkpoints={"best_of_sweep": 3})
    place = Workplace(tmp_path, data_dir=None, workers=2, device="cpu")
    (tmp_path / "trials").mkdir()

    def drive() -> dict[int, set[str]]:
        sweep = Sweep(spec, tmp_path, workers=2)
        collector = Collector(OnDisk(tmp_path), spec.settings, sweep.records, pytest.fail)
        collector.collect()
        dispatcher = Dispatcher(sweep, spec, place, Silent(), Care(closed=collector.closed))
        simulate(dispatcher, lambda job: Leaving(Simulation(quality), job))
        assert all(record.finished for record in sweep.records())
        kept = keep(sweep.records(), spec.settings)
        folders = {record.number: tmp_path / "trials" / record.folder for record in sweep.records()}
        assert {number: files(folder) & EVERYTHING for number, folder in folders.items()} == {
            number: BEST_FILES if parts else set() for number, parts in kept.items()
        }
        return {number: {path.name for path in folder.iterdir()} for number, folder in folders.items()}

    with pytest.MonkeyPatch.context() as patch:
        kill_after(operations, patch)
        with pytest.raises(Killed):
            drive()
    left = drive()
    assert all(names <= {"best", "config.yaml", "metrics.jsonl"} for names in left.values()), (
        "a leftover stays for ever"
    )


def test_a_kill_at_any_operation_leaves_parts_that_are_whole_or_gone_and_the_next_time_finishes(tmp_path: Path) -> None:
    def begun(name: str) -> Folder:
        folder = Folder(tmp_path / name)
        folder.add(trial(0, 1.0), trial(1, 2.0))
        shutil.copytree(folder.trial(1) / "last", folder.trial(1) / "last.previous")
        return folder

    with pytest.MonkeyPatch.context() as patch:
        operations = kill_after(1000, patch)
        begun("counted").collector(policy(best_of_sweep=1)).collect()
    assert set(operations) == {"rename", "unlink", "rmdir"}
    for count in range(len(operations)):
        folder = begun(str(count))
        with pytest.MonkeyPatch.context() as patch:
            kill_after(count, patch)
            with pytest.raises(Killed):
                folder.collector(policy(best_of_sweep=1)).collect()
        for part, whole in {"best": BEST_FILES, "last": LAST_FILES}.items():
            left = {name for name in folder.held()[1] if name.startswith(f"{part}/")}
            assert left in (set(), whole), f"killed at operation {count}"
        assert folder.held()[0] >= BEST_FILES
        folder.collector(policy(best_of_sweep=1)).collect()
        assert folder.held() == {0: BEST_FILES, 1: set()}
        assert sorted(path.name for path in folder.trial(1).iterdir()) == sorted(
            {Path(name).parts[0] for name in OTHERS}
        )
