"""Protects that what is read of a home in S3 is what would be read of the same home on a disk."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from calling import Ended, Sweeper, check_complaint
from stored import contents_of, store
from support.keyed import keys, sweep_in

from sweeper.analysis import SweepResults, best_trial
from sweeper.execution.copies import read
from sweeper.remote.homes import open_home
from sweeper.remote.opening import open_objects
from sweeper.remote.s3 import S3Objects
from sweeper.search import read_records

Both = Callable[..., tuple[Ended, Ended]]


@pytest.fixture
def disk(workplace: Path) -> Path:
    """A home with two sweeps that have ended, of which every trial has its weights and its curve."""
    for seed, name in enumerate(("first", "second")):
        sweep = sweep_in(workplace / "home" / name, keys(), seed=seed)
        for record in read_records(sweep):
            best = sweep / "trials" / record.folder / "best"
            best.mkdir(parents=True)
            (best / "model.safetensors").write_bytes(record.folder.encode())
    return workplace / "home"


@pytest.fixture
def url(disk: Path, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The same home in S3, and a cache with nothing in it."""
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    store(disk, f"{bucket}/sweeps")
    yield f"{bucket}/sweeps"
    assert {key.partition("/")[0] for key in contents_of(bucket)} == {"sweeps"}, "something lies beside the home"


@pytest.fixture
def both(sweeper: Sweeper, url: str) -> Both:
    """Call the same on disk and on S3."""

    def call(*words: str) -> tuple[Ended, Ended]:
        return sweeper(*words, "--home", "home"), sweeper(*words, "--home", url)

    return call


def without_paths(answer: str) -> Any:
    """Return JSON without where sweeps lie."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: cleaned(item) for key, item in value.items() if key != "path"}
        return [cleaned(item) for item in value] if isinstance(value, list) else value

    return cleaned(json.loads(answer))


@pytest.mark.parametrize("words", [("show", "first"), ("compare", "first", "second")], ids=" ".join)
def test_it_is_shown_as_from_a_disk(both: Both, words: tuple[str, ...]) -> None:
    disk, s3 = both(*words)
    assert disk.code == 0
    assert s3 == disk


def test_sweeps_are_listed_as_from_a_disk(both: Both) -> None:
    disk, s3 = both("list")
    assert (s3.code, s3.err) == (0, "")
    assert sorted(s3.out.split()) == sorted(disk.out.split())


@pytest.mark.parametrize("words", [("show", "first"), ("compare", "first", "second")], ids=" ".join)
def test_json_says_the_same_and_where_the_sweep_really_is(both: Both, url: str, words: tuple[str, ...]) -> None:
    disk, s3 = both(*words, "--json")
    assert without_paths(s3.out) == without_paths(disk.out)
    assert f'"path": "{url}/first"' in s3.out
    assert "cache" not in s3.out


def test_a_list_as_json_has_every_sweep_where_it_is(both: Both, url: str) -> None:
    disk, s3 = (json.loads(ended.out) for ended in both("list", "--json"))
    assert {entry["path"] for entry in s3} == {f"{url}/first", f"{url}/second"}
    assert sorted(without_paths(json.dumps(s3)), key=str) == sorted(without_paths(json.dumps(disk)), key=str)


def test_latest_is_what_was_worked_on_last_by_the_clock_of_the_store(sweeper: Sweeper, url: str) -> None:
    moments = {
        name: max(piece.modified for piece in open_objects(url).below(name).below("study").here().values())
        for name in ("first", "second")
    }
    latest = max(moments, key=lambda name: (moments[name], name))
    assert json.loads(sweeper("show", "latest", "--home", url, "--json").out)["sweep"] == latest


def test_the_best_of_a_sweep_is_exported_with_the_weights_of_its_trial_alone(
    sweeper: Sweeper, disk: Path, url: str, tmp_path: Path
) -> None:
    assert sweeper("export", "first", "--home", "home", "-o", "disk.yaml").code == 0
    assert sweeper("export", "first", "--home", url, "-o", "s3.yaml").code == 0
    assert Path("s3.yaml").read_text() == Path("disk.yaml").read_text().replace("disk.", "s3.")
    best = best_trial(SweepResults.load(disk / "first")).folder
    assert Path("s3.safetensors").read_text() == Path("disk.safetensors").read_text() == best
    assert [path.parts[-3] for path in tmp_path.glob("cache/**/*.safetensors")] == [best]


def test_what_is_read_again_is_fetched_where_it_has_changed_and_nowhere_else(
    url: str, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    fetch = S3Objects.fetch

    def noting(objects: S3Objects, key: str, path: Path) -> bool:
        fetched.append(key)
        return fetch(objects, key, path)

    monkeypatch.setattr(S3Objects, "fetch", noting)
    home = open_home(url)
    assert [record.state for record in read_records(read(home, "first"))] == ["complete"] * 8
    assert sorted(fetched) == ["00000001.journal", "sweep.yaml"]
    fetched.clear()
    read(home, "first")
    assert fetched == []
    open_objects(url).below("first").put("verdict.txt", b"Answer: none\n")
    assert (read(home, "first") / "verdict.txt").read_text() == "Answer: none\n"
    open_objects(url).below("first").remove(["verdict.txt"])
    assert not (read(home, "first") / "verdict.txt").exists()
    assert fetched == ["verdict.txt"]


def test_those_who_read_at_once_read_the_same(url: str, disk: Path) -> None:
    expected = read_records(disk / "first")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read_records(read(open_home(url), "first")), range(8)))
    assert found == [expected] * 8


def test_a_word_that_means_no_sweep_is_told_in_one_line(sweeper: Sweeper, url: str) -> None:
    line = check_complaint(sweeper("show", "third", "--home", url))
    assert f"found 'third'; must be latest or a sweep in {url}, which holds " in line


def test_prune_removes_of_s3_what_it_would_remove_of_a_disk(both: Both, disk: Path, url: str) -> None:
    disk_ended, s3_ended = both("prune", "first", "--keep", "best_of_sweep=1")
    assert s3_ended == disk_ended
