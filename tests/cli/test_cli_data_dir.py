"""Protects where trials look for data sets: a path of the driver's machine means nothing on another one."""

from pathlib import Path

import pytest

from sweeper.cli.surroundings import Surroundings
from sweeper.cli.sweeping import data_dir_of_trials
from sweeper.remote.homes import open_home


@pytest.mark.parametrize(
    ("address", "data_dir", "expected"),
    [
        (None, None, "environment"),
        (None, Path("given"), "given"),
        ("auto", None, None),
        ("10.0.0.1:6379", Path("given"), "given"),
    ],
)
def test_a_machine_of_a_cluster_has_its_own_folder_unless_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str | None, data_dir: Path | None, expected: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path / "environment"))
    surroundings = Surroundings(open_home(str(tmp_path)), "none", data_dir, address)
    assert data_dir_of_trials(surroundings) == (None if expected is None else tmp_path / expected)
