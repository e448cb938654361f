"""Protects what a collector must leave alone: others' files, wherever links lead, and folders that it cannot change."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from collected import BEST_FILES, EVERYTHING, OTHERS, Folder, files, fill, policy
from support.records import made_record as trial

from sweeper.training.holding import LOCK, held


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "sweep")


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
