"""Protects a sweep's folder: what the policy drops goes, while the sweep runs, and what it keeps stays.

PITFALLS 13: checkpoints of a thousand trials are collected per sweep, while it runs, by count and by bytes.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from collected import BEST_FILES, EVERYTHING, NUMBERS, STATE, WEIGHTS, Folder, policy
from support.records import made_record as trial

from sweeper.execution.stored import Stored
from sweeper.execution.stored_on_disk import OnDisk
from sweeper.files import temporary_name
from sweeper.training import best_weights, checkpoints
from sweeper.training.holding import LOCK, held


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
        find = OnDisk.find

        def noted(trials: OnDisk, name: str) -> Stored:
            looked.append(name)
            return find(trials, name)

        monkeypatch.setattr(OnDisk, "find", noted)
        collector = folder.collector(policy(best_of_sweep=2, quota="1 MiB"))
        for number in range(50):
            folder.add(trial(number, float(number % 7)))
            collector.closed(number)
        assert len(looked) < 4 * 50, "each is looked at when it is let go of, and when something of it was removed"


def test_what_training_leaves_is_known_by_its_names(tmp_path: Path) -> None:
    names = {best_weights.BEST, checkpoints.LAST, checkpoints.PREVIOUS}
    names |= {temporary_name(tmp_path / name).name for name in (best_weights.BEST, checkpoints.LAST)}
    for name in {*names, "pictures", "latest", "best.old"}:
        (tmp_path / "trials" / "0000" / name).mkdir(parents=True)
    assert set(OnDisk(tmp_path).find("0000").folders) == names


def used(folder: Path) -> int:
    """Return the bytes of all files below a folder, each once."""
    status = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum({(each.st_dev, each.st_ino): each.st_size for each in status}.values())


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
