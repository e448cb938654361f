"""Protects what `--home` may be, and how the sweeps of a home in a store are known."""

from pathlib import Path

import pytest
from support.memory_objects import MemoryObjects

from sweeper.errors import UsageError
from sweeper.remote.homes import Home, open_home, sweeps_in


@pytest.mark.parametrize("text", ["sweeps", "/home/ann/sweeps", "a:b", "s3:/bucket"])
def test_a_folder_is_a_folder(text: str) -> None:
    home = open_home(text)
    assert (home.path, home.objects, str(home)) == (Path(text), None, text)
    assert (home.place("first"), home.workplace("first")) == (f"{text}/first", Path(text) / "first")
    assert home.store("first") is None


@pytest.mark.parametrize("text", ["gs://bucket/sweeps", "http://host/sweeps", "S3://bucket", "://"])
def test_another_scheme_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--home: found .* must be a folder, s3://BUCKET or s3://BUCKET/FOLDER$"):
        open_home(text)


@pytest.mark.parametrize("text", ["s3://", "s3:///sweeps", "s3://Bucket", "s3://b", "s3://user:secret@bucket/sweeps"])
def test_what_is_no_bucket_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--home: found .* must be s3://BUCKET"):
        open_home(text)


def test_a_place_in_a_store_is_worked_on_in_copies_below_the_cache(
    aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    home, alike = open_home("s3://bucket/my/sweeps/"), open_home("s3://bucket-my/sweeps")
    assert (str(home), home.place("first")) == ("s3://bucket/my/sweeps", "s3://bucket/my/sweeps/first")
    assert home.path.parent.name.startswith("bucket-my-sweeps-")
    folders = {home.path / "first", home.workplace("first"), alike.path / "first", alike.workplace("first")}
    assert len(folders) == 4
    assert all(folder.is_relative_to(tmp_path / "homes") for folder in folders)
    store = home.store("first")
    assert store is not None
    assert store.url == "s3://bucket/my/sweeps/first"


def test_sweeps_are_known_by_their_journals_and_the_last_one_written_comes_first() -> None:
    objects = MemoryObjects()
    for key in ("a/sweep.yaml", "a/study/1", "b/study/1", "c/sweep.yaml", "mlartifacts/0/x.png", "a/study/1"):
        objects.put(key, b"")
    assert sweeps_in(objects) == ["a", "b"]
    assert sweeps_in(objects.below("nothing")) == []
    assert Home(Path("copies"), objects).place("a") == "memory://test/a"
