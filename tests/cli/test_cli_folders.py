"""Protects sweeps that end before they have begun: their folders are found, shown and resumed like any other."""

from datetime import datetime
from pathlib import Path

import pytest
from calling import Sweeper, interrupt_console_script
from support.sweeps import make_spec

from sweeper.analysis import find_sweep
from sweeper.execution.home import new_folder
from sweeper.remote.homes import Home
from sweeper.search import read_records
from sweeper.spec import read_spec

NOW = datetime(2026, 11, 21, 3, 4, 5)


def test_a_new_folder_is_a_sweep_without_trials(tmp_path: Path) -> None:
    spec = make_spec()
    folder = new_folder(Home(tmp_path / "home"), spec, NOW)
    assert folder.name == f"test-20261121-030405-{spec.digest[:6]}"
    assert find_sweep(tmp_path / "home", "latest") == folder
    assert read_spec(folder / "sweep.yaml").digest == spec.digest
    assert read_records(folder) == []


def test_two_sweeps_of_one_file_in_one_second_have_two_folders(tmp_path: Path) -> None:
    folders = [new_folder(Home(tmp_path), make_spec(), NOW) for _ in range(3)]
    assert [folder.name.removeprefix(folders[0].name) for folder in folders] == ["", "-2", "-3"]


def test_a_sweep_without_trials_is_listed_and_shown(sweeper: Sweeper, workplace: Path) -> None:
    folder = new_folder(Home(workplace / "sweeps"), make_spec(), NOW)
    assert folder.name in sweeper("list").out
    shown = sweeper("show", "latest")
    assert (shown.code, shown.err) == (0, "")


@pytest.mark.sweep
def test_ctrl_c_before_ray_has_started_leaves_a_sweep_to_resume(workplace: Path) -> None:
    ended = interrupt_console_script("run", "small.yaml", "--tracking-uri", "none", cwd=workplace, at="tracked in")
    assert (ended.code, ended.err) == (130, "")
    folder = find_sweep(workplace / "sweeps", "latest")
    assert f"go on with: sweeper resume {folder.name}" in ended.out
    assert read_records(folder) == []
