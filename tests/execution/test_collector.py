"""Protects a sweep's folder: what the policy drops goes, at any kill, and nothing else is ever touched.

PITFALLS 13: checkpoints of a thousand trials are collected per sweep, while it runs, by count and by bytes.
"""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.records import made_record as trial
from support.sweeps import make_spec, quality

from sweeper.execution import collector as collector_module
from sweeper.execution.collector import Collector
from sweeper.execution.dispatcher import Care, Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.execution.simulator import simulate
from sweeper.execution.stored import Stored, find_stored
from sweeper.search import Assignment, Sweep, TrialRecord
from sweeper.search.keeping import keep
from sweeper.spec import Checkpoints, SweepSettings
from sweeper.training import best_weights, checkpoints
from sweeper.training.files import temporary_name
from sweeper.training.holding import LOCK, held
from sweeper.training.job import EpochResult
from sweeper.training.simulated import SimulatedRun, Simulation

WEIGHTS, STATE, NUMBERS = 1000, 2000, 50
OTHERS = {"config.yaml", "metrics.jsonl", "pictures/samples/0001.png", "best.yaml", "last.txt"}
SPEC = make_spec()


def policy(**checkpoints: object) -> SweepSettings:
    return SPEC.settings.model_copy(update={"checkpoints": Checkpoints(**checkpoints)})


def fill(folder: Path) -> None:
    """Write into a trial's folder what training leaves there."""
    for name in OTHERS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    leave_checkpoints(folder)


def leave_checkpoints(folder: Path) -> None:
    """Write checkpoints of which the weights, those of the last epoch, are one file under two names."""
    for part in ("best", "last"):
        (folder / part).mkdir()
    for name, size in {"model.safetensors": WEIGHTS, "state.safetensors": STATE, "state.json": NUMBERS}.items():
        (folder / "last" / name).write_bytes(bytes(size))
    os.link(folder / "last" / "model.safetensors", folder / "best" / "model.safetensors")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


BEST_FILES = {"best/model.safetensors"}
LAST_FILES = {"last/model.safetensors", "last/state.safetensors", "last/state.json"}
EVERYTHING = BEST_FILES | LAST_FILES


def used(folder: Path) -> int:
    """Return the bytes of all files below a folder, each once."""
    status = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum({(each.st_dev, each.st_ino): each.st_size for each in status}.values())


class Folder:
    """A sweep's folder with the trials that it is given, and a collector for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[TrialRecord] = []
        self.warnings: list[str] = []

    def add(self, *records: TrialRecord) -> None:
        for record in records:
            self.records.append(record)
            self.trial(record.number).mkdir(parents=True)
            fill(self.trial(record.number))

    def trial(self, number: int) -> Path:
        return self.path / "trials" / next(record.folder for record in self.records if record.number == number)

    def collector(self, settings: SweepSettings) -> Collector:
        return Collector(self.path, settings, lambda: self.records, self.warnings.append)

    def held(self) -> dict[int, set[str]]:
        """Return by trial the checkpoints that are there; everything else has to be there."""
        found = {record.number: files(self.trial(record.number)) for record in self.records}
        assert all(names >= OTHERS for names in found.values())
        return {number: names - OTHERS for number, names in found.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "sweep")


class TestHalfWritten:
    """A worker that is killed while it draws the last pictures of a trial leaves files that nobody goes on with."""

    LEFT = ("samples.png.0123.new", "pictures/samples/0003.png.4567.new", "hang.txt")

    def leave(self, folder: Folder) -> None:
        folder.add(trial(0, 1.0), trial(1, None, state="running"))
        for number in (0, 1):
            for name in self.LEFT:
                (folder.trial(number) / name).write_text("half")

    def test_it_goes_of_trials_that_have_ended_and_stays_of_others(self, folder: Folder) -> None:
        self.leave(folder)
        folder.collector(policy(last="all")).collect()
        assert folder.held() == {0: EVERYTHING, 1: EVERYTHING | set(self.LEFT)}
        assert folder.warnings == []

    def test_it_stays_while_the_worker_lives(self, folder: Folder) -> None:
        self.leave(folder)
        with held(folder.trial(0)):
            folder.collector(policy(last="all")).collect()
        assert folder.held()[0] == EVERYTHING | {*self.LEFT, LOCK}

    def test_no_link_leads_anywhere_else(self, folder: Folder, tmp_path: Path) -> None:
        folder.add(trial(0, 1.0))
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "mine.new").write_text("mine")
        (folder.trial(0) / "pictures" / "linked").symlink_to(outside)
        folder.collector(policy(last="all")).collect()
        assert (outside / "mine.new").read_text() == "mine"


class TestWhileRunning:
    def test_a_trial_that_its_worker_has_not_let_go_of_is_not_touched(self, folder: Folder) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0), trial(2, 3.0), trial(3, None, state="running"))
        collector = folder.collector(policy(best_of_sweep=1))
        collector.closed(1)
        assert folder.held() == {0: EVERYTHING, 1: set(), 2: EVERYTHING, 3: EVERYTHING}
        collector.closed(2)
        assert folder.held()[2] == set()

    def test_a_trial_that_was_let_go_of_to_be_tried_again_keeps_everything(self, folder: Folder) -> None:
        folder.add(trial(0, None, state="running"))
        collector = folder.collector(policy())
        collector.closed(0)
        folder.records[0] = replace(folder.records[0], state="failed")
        folder.add(trial(1, 1.0))
        collector.closed(1)
        assert folder.held()[0] == EVERYTHING, "its worker has not let go of it the second time"

    def test_what_is_passed_over_by_a_later_trial_goes_then(self, folder: Folder) -> None:
        collector = folder.collector(policy(best_of_sweep=1))
        held = []
        for number, value in enumerate([3.0, 1.0, 2.0]):
            folder.add(trial(number, value))
            collector.closed(number)
            held.append([number for number, names in folder.held().items() if names])
        assert held == [[0], [1], [1]]

    def test_the_end_of_a_trial_costs_no_look_at_those_before_it(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked: list[str] = []
        find = collector_module.find_stored

        def noted(sweep: Path, name: str) -> Stored:
            looked.append(name)
            return find(sweep, name)

        monkeypatch.setattr(collector_module, "find_stored", noted)
        collector = folder.collector(policy(best_of_sweep=2, quota="1 MiB"))
        for number in range(50):
            folder.add(trial(number, float(number % 7)))
            collector.closed(number)
        assert len(looked) < 4 * 50, "each is looked at when it is let go of, and when something of it was removed"


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

    care = Care(closed=Collector(tmp_path, spec.settings, sweep.records, pytest.fail).closed)
    place = Workplace(tmp_path, data_dir=None, workers=workers, device="cpu")
    simulate(Dispatcher(sweep, spec, place, Counting(), care), lambda job: Leaving(Simulation(quality), job))
    records = sweep.records()
    held = {record.number: files(tmp_path / "trials" / record.folder) & EVERYTHING for record in records}
    kept = keep(records, spec.settings)
    assert held == {number: BEST_FILES if parts else set() for number, parts in kept.items()}
    assert 3 <= max(there) <= 3 + len(spec.arms) + workers


@pytest.mark.parametrize("operations", [1, 10, 40])
def test_a_sweep_whose_driver_was_killed_while_it_collected_ends_as_any_other(tmp_path: Path, operations: int) -> None:
    spec = make_spec(trials=12, checkpoints={"best_of_sweep": 3})
    place = Workplace(tmp_path, data_dir=None, workers=2, device="cpu")
    (tmp_path / "trials").mkdir()

    def drive() -> dict[int, set[str]]:
        sweep = Sweep(spec, tmp_path, workers=2)
        collector = Collector(tmp_path, spec.settings, sweep.records, pytest.fail)
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


def test_what_training_leaves_is_known_by_its_names(tmp_path: Path) -> None:
    names = {best_weights.BEST, checkpoints.LAST, checkpoints.PREVIOUS}
    names |= {temporary_name(tmp_path / name).name for name in (best_weights.BEST, checkpoints.LAST)}
    for name in {*names, "pictures", "latest", "best.old"}:
        (tmp_path / "trials" / "0000" / name).mkdir(parents=True)
    assert set(find_stored(tmp_path, "0000").folders) == names


class TestBytes:
    def freed(self, folder: Folder, **checkpoints: object) -> list[int]:
        """Collect; return the bytes that were to be freed of each trial, which must be those that were."""
        removals, before = folder.collector(policy(**checkpoints)).survey(), used(folder.path.parent)
        assert folder.collector(policy(**checkpoints)).remove(removals) == removals
        assert before - used(folder.path.parent) == sum(removal.bytes for removal in removals)
        return [removal.bytes for removal in removals]

    def test_a_file_with_two_names_is_freed_by_the_second(self, folder: Folder) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0))
        assert self.freed(folder, best_of_sweep=1, last="all") == [0], "the weights of trial 1 are those of its last/"
        assert self.freed(folder, best_of_sweep=1) == [STATE + NUMBERS, WEIGHTS + STATE + NUMBERS]

    def test_a_file_with_a_name_elsewhere_is_not_freed(self, folder: Folder, tmp_path: Path) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0))
        os.link(folder.trial(1) / "best" / "model.safetensors", tmp_path / "mine")
        assert self.freed(folder, best_of_sweep=1) == [STATE + NUMBERS] * 2
        assert (tmp_path / "mine").stat().st_size == WEIGHTS

    def test_the_checkpoint_before_the_last_and_leftovers_of_a_kill_go_as_well(self, folder: Folder) -> None:
        folder.add(trial(0, 1.0))
        for name in ("last.previous", "last.abc.new", "best.abc.new"):
            (folder.trial(0) / name).mkdir()
            (folder.trial(0) / name / "model.safetensors").write_bytes(bytes(7))
        assert self.freed(folder) == [STATE + NUMBERS + 3 * 7]
        assert folder.held() == {0: BEST_FILES}


class TestQuota:
    def test_weights_of_the_worst_go_until_it_fits(self, folder: Folder) -> None:
        folder.add(*(trial(number, float(number)) for number in range(5)))
        folder.collector(policy(quota=f"{3 * WEIGHTS} B")).collect()
        assert [number for number, names in folder.held().items() if names] == [0, 1, 2]
        assert folder.warnings == []

    def test_running_trials_count_and_keep_what_they_have(self, folder: Folder) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0), trial(2, None, state="running"))
        of_running = WEIGHTS + STATE + NUMBERS
        folder.collector(policy(quota=f"{WEIGHTS + of_running} B")).collect()
        assert folder.held() == {0: BEST_FILES, 1: set(), 2: EVERYTHING}
        assert folder.warnings == []

    def test_too_small_a_quota_is_told_once_with_the_numbers(self, folder: Folder) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0), trial(2, None, state="running"))
        collector = folder.collector(policy(quota="1.5 KiB"))
        collector.collect()
        collector.closed(1)
        assert folder.held() == {0: BEST_FILES, 1: set(), 2: EVERYTHING}
        (warning,) = folder.warnings
        assert warning == (
            "checkpoints take 3.955 KiB, more than the quota of 1.5 KiB: "
            "1 running trial needs 2.979 KiB, what export takes 1000 B"
        )


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


class TestNothingElseIsTouched:
    """A sweep's folder may be somebody else's work, and links in it lead anywhere."""

    @pytest.fixture
    def treasure(self, tmp_path: Path) -> Path:
        """A folder beside the sweep that looks like a trial's."""
        fill(tmp_path / "treasure")
        return tmp_path / "treasure"

    def test_a_trials_folder_that_is_a_link_is_left_alone(self, folder: Folder, treasure: Path) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0))
        shutil.rmtree(folder.trial(1))
        folder.trial(1).symlink_to(treasure)
        self.collect(folder)
        assert files(treasure) == OTHERS | EVERYTHING

    def test_so_is_the_folder_of_all_trials(self, folder: Folder, treasure: Path) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0))
        (folder.path / "trials").rename(treasure / "trials")
        (folder.path / "trials").symlink_to(treasure / "trials")
        self.collect(folder)
        assert folder.held() == {0: EVERYTHING, 1: EVERYTHING}

    @pytest.mark.parametrize("part", ["best", "last", "last.previous", "best.abc.new"])
    def test_so_is_a_part_that_is_a_link(self, folder: Folder, treasure: Path, part: str) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0))
        shutil.rmtree(folder.trial(1) / part, ignore_errors=True)
        (folder.trial(1) / part).symlink_to(treasure, target_is_directory=True)
        self.collect(folder)
        assert files(treasure) == OTHERS | EVERYTHING
        assert (folder.trial(1) / part).is_symlink()

    def test_of_a_link_in_a_part_the_link_alone_goes(self, folder: Folder, treasure: Path) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0))
        (folder.trial(1) / "best" / "all").symlink_to(treasure, target_is_directory=True)
        (folder.trial(1) / "best" / "one").symlink_to(treasure / "best.yaml")
        self.collect(folder)
        assert files(treasure) == OTHERS | EVERYTHING
        assert folder.held()[1] == set()

    def test_a_name_made_up_in_a_journal_leads_nowhere(self, folder: Folder, treasure: Path) -> None:
        escaping = trial(1, 2.0, arm="x/../../../treasure")
        (folder.path / "trials" / "0001-x").mkdir(parents=True)
        treasure.rename(treasure.with_name(Path(escaping.folder).name))
        folder.add(trial(0, 1.0))
        folder.records.append(escaping)
        self.collect(folder)
        assert folder.held() == {0: BEST_FILES, 1: EVERYTHING}

    def test_a_file_named_as_a_part_stays(self, folder: Folder) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0))
        (folder.trial(1) / "last.previous").write_text("mine")
        self.collect(folder)
        assert folder.held()[1] == {"last.previous"}

    @staticmethod
    def collect(folder: Folder) -> None:
        folder.collector(policy(best_of_sweep=1)).collect()
        assert folder.warnings == []


class TestTrouble:
    def test_a_folder_that_a_worker_still_holds_is_left_to_it_until_the_next_time(self, folder: Folder) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0))
        collector = folder.collector(policy(best_of_sweep=1))
        with held(folder.trial(1)):
            collector.collect()
            assert folder.held()[1] == EVERYTHING | {LOCK}
        collector.closed(0)
        assert folder.held()[1] == {LOCK}
        assert folder.warnings == []

    def test_what_cannot_be_removed_is_told_once_and_tried_again(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.add(*(trial(number, float(number)) for number in range(4)))
        collector = folder.collector(policy(best_of_sweep=1))

        def read_only(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", read_only)
            for number in (1, 2, 3):
                collector.closed(number)
        assert folder.held() == dict.fromkeys(range(4), EVERYTHING)
        assert folder.warnings == [
            f"{folder.trial(1)}: what is not kept cannot be removed there (Read-only file system)"
        ]
        collector.closed(3)
        assert folder.held() == {0: EVERYTHING, 1: set(), 2: set(), 3: set()}
        assert len(folder.warnings) == 1

    def test_a_folder_that_is_gone_has_nothing_to_remove(self, folder: Folder) -> None:
        folder.add(trial(0, 1.0), trial(1, 2.0))
        shutil.rmtree(folder.trial(1))
        collector = folder.collector(policy(best_of_sweep=1))
        collector.closed(1)
        shutil.rmtree(folder.path)
        collector.closed(0)
        collector.collect()
        assert folder.warnings == []
