"""Which sweep a word on the command line means, and that no name reaches out of the home."""

import os
from pathlib import Path

import pytest

from sweeper.analysis import find_own_sweep, find_sweep, list_sweeps
from sweeper.errors import UsageError


def make_sweep(home: Path, name: str, worked_on: int) -> Path:
    folder = home / name
    folder.mkdir(parents=True)
    (folder / "sweep.yaml").touch()
    (folder / "study.journal").touch()
    os.utime(folder / "study.journal", (worked_on, worked_on))
    return folder


@pytest.fixture
def home(tmp_path) -> Path:
    """Three sweeps, a sweep that never began, a file, and a sweep outside."""
    home = tmp_path / "home"
    make_sweep(home, "conv-vs-fc-20251120-aaaa", worked_on=300)
    make_sweep(home, "conv-vs-fc-20251121-bbbb", worked_on=200)
    make_sweep(home, "draw-20251121-cccc", worked_on=100)
    make_sweep(tmp_path, "outside", worked_on=400)
    (home / "begun-20251121-dddd").mkdir()
    (home / "begun-20251121-dddd" / "sweep.yaml").touch()
    (home / "mlflow.db").touch()
    return home


def test_sweeps_are_listed_the_last_worked_on_first(home):
    names = [sweep.name for sweep in list_sweeps(home)]
    assert names == ["conv-vs-fc-20251120-aaaa", "conv-vs-fc-20251121-bbbb", "draw-20251121-cccc"]


def test_a_home_that_does_not_exist_holds_no_sweep(tmp_path):
    assert list_sweeps(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("draw-20251121-cccc", "draw-20251121-cccc"),
        ("draw", "draw-20251121-cccc"),
        ("conv-vs-fc-20251121", "conv-vs-fc-20251121-bbbb"),
        ("aaaa", "conv-vs-fc-20251120-aaaa"),
        ("latest", "conv-vs-fc-20251120-aaaa"),
    ],
)
def test_a_name_means_one_sweep(home, name, found):
    assert find_sweep(home, name) == home / found


def test_a_beginning_comes_before_a_part(home):
    make_sweep(home, "b-draw", worked_on=1)
    assert find_sweep(home, "draw").name == "draw-20251121-cccc"


def test_the_whole_name_comes_before_everything(home):
    whole = [make_sweep(home, name, worked_on=1) for name in ("latest", "draw")]
    assert [find_sweep(home, name) for name in ("latest", "draw")] == whole


def test_a_path_may_lead_to_a_sweep_anywhere(home, monkeypatch):
    outside = home.parent / "outside"
    assert find_sweep(home, str(outside)) == outside
    assert find_sweep(home, f"{outside}/") == outside
    monkeypatch.chdir(outside)
    assert find_sweep(home, ".") == outside
    (outside / "trials").mkdir()
    monkeypatch.chdir(outside / "trials")
    assert find_sweep(home, "..") == outside


@pytest.mark.parametrize("name", ["../outside", "./draw", "draw-20251121-cccc/trials", "/etc", "..", "a\0/b", "a\n/b"])
def test_a_path_is_never_looked_up_below_the_home(home, name):
    with pytest.raises(
        UsageError, match=r"must be a sweep's folder, with sweep\.yaml and study\.journal in it"
    ) as error:
        find_sweep(home, name)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["", "gan", "CONV", "begun", "mlflow.db", "a\nb"])
def test_a_name_of_no_sweep_lists_those_there_are(home, name):
    with pytest.raises(
        UsageError, match=r"must be latest or a sweep in .*home, which holds conv-vs-fc-20251120-aaaa, "
    ) as error:
        find_sweep(home, name)
    assert str(error.value).isprintable()


def test_a_name_of_several_sweeps_lists_them(home):
    with pytest.raises(UsageError) as error:
        find_sweep(home, "conv")
    assert str(error.value) == (
        "found 'conv', which could be conv-vs-fc-20251120-aaaa, conv-vs-fc-20251121-bbbb; "
        "must be enough of the name to mean one"
    )


def test_a_long_list_is_cut_short(home):
    for number in range(20):
        make_sweep(home, f"many-{number:02d}", worked_on=number)
    with pytest.raises(UsageError, match=r"many-19, many-18, .*many-12 and 12 more; must"):
        find_sweep(home, "many")


@pytest.mark.parametrize("name", ["latest", "draw"])
def test_an_empty_home_says_so(tmp_path, name):
    with pytest.raises(UsageError, match="which holds none"):
        find_sweep(tmp_path, name)


def test_what_is_written_to_lies_in_the_home(home, monkeypatch):
    inside = home / "draw-20251121-cccc"
    monkeypatch.chdir(home.parent)
    for name in ("draw", "draw-20251121-cccc", str(inside), f"{home.name}/../{home.name}/{inside.name}"):
        assert find_own_sweep(home, name) == inside


def test_no_name_and_no_link_leads_out_of_the_home_to_be_written_to(home, monkeypatch):
    outside = home.parent / "outside"
    (home / "linked").symlink_to(outside)
    monkeypatch.chdir(home)
    for name in ("../outside", str(outside), "linked", "./linked", "draw/../../outside"):
        with pytest.raises(UsageError, match=r"must (lie in|be a sweep's folder)"):
            find_own_sweep(home, name)


@pytest.mark.parametrize(
    "name", ["\uff0e\uff0e\uff0foutside", "\u2025\u2215outside", "..\\outside", "outside\u202e", "%2e%2e/outside"]
)
def test_letters_that_look_like_a_way_out_are_letters(home, name):
    with pytest.raises(UsageError):
        find_own_sweep(home, name)
