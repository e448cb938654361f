"""Protects users of a home in S3 from tracebacks: what is wrong with it is one line, and nothing is half written."""

from collections.abc import Callable
from pathlib import Path

import pytest
from forbidding import forbidding_store
from stored import contents_of

from sweeper.remote import s3

Refused = Callable[..., str]

COMMANDS = {
    "run": ("run", "small.yaml", "--tracking-uri", "none"),
    "resume": ("resume", "latest", "--tracking-uri", "none"),
    "list": ("list",),
    "show": ("show", "latest"),
    "compare": ("compare", "latest"),
    "export": ("export", "latest"),
    "sync": ("sync", "latest", "--tracking-uri", "http://127.0.0.1:9"),
    "prune": ("prune", "latest"),
}
SECRET = "s3cret-of-ann"

of_every_command = pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, aws: str) -> Callable[[str], None]:
    """Take another address for AWS."""

    def point_to(url: str) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        s3._client.cache_clear()

    return point_to


@of_every_command
def test_an_address_of_something_else(refused: Refused, words: tuple[str, ...]) -> None:
    line = refused(*words, "--home", "gs://bucket/sweeps")
    assert line == "error: --home: found 'gs://bucket/sweeps'; must be a folder, s3://BUCKET or s3://BUCKET/FOLDER\n"


@pytest.mark.parametrize("home", ["s3://", "s3://Bucket/sweeps", "s3://b_c", f"s3://ann:{SECRET}@bucket/sweeps"])
def test_what_is_no_bucket(refused: Refused, home: str) -> None:
    line = refused("list", "--home", home)
    assert line.startswith("error: --home: found 's3://")
    assert line.endswith("; must be s3://BUCKET or s3://BUCKET/FOLDER\n")
    assert SECRET not in line


@of_every_command
def test_a_bucket_that_there_is_not(refused: Refused, aws: str, words: tuple[str, ...]) -> None:
    line = refused(*words, "--home", "s3://no-such-bucket/sweeps", code=1)
    assert line.startswith("error: s3://no-such-bucket/sweeps: cannot be listed (")
    assert "NoSuchBucket" in line


def test_no_credentials(refused: Refused, aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # It keeps what it has found.
    s3._client.cache_clear()
    line = refused("list", "--home", "s3://bucket/sweeps", code=1)
    assert line.startswith("error: s3://bucket/sweeps: cannot be listed (")
    assert "credentials" in line


def test_a_profile_that_there_is_not(refused: Refused, aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    s3._client.cache_clear()
    assert "nobody" in refused("list", "--home", "s3://bucket/sweeps", code=1)


def test_an_endpoint_that_is_none(refused: Refused, elsewhere: Callable[[str], None]) -> None:
    elsewhere("nowhere")
    assert "nowhere" in refused("list", "--home", "s3://bucket/sweeps", code=1)


@of_every_command
def test_no_right_to_read(refused: Refused, elsewhere: Callable[[str], None], words: tuple[str, ...]) -> None:
    with forbidding_store("GET", "PUT", "POST") as url:
        elsewhere(url)
        line = refused(*words, "--home", "s3://bucket/sweeps", code=1)
    assert line.startswith("error: s3://bucket/sweeps: cannot be listed (")
    assert "AccessDenied" in line


def test_no_right_to_write_begins_no_sweep(
    refused: Refused,
    elsewhere: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SWEEPER_CACHE", str(cache))
    with forbidding_store("PUT") as url:
        elsewhere(url)
        line = refused(*COMMANDS["run"], "--home", "s3://bucket/sweeps", code=1)
    assert line.startswith("error: s3://bucket/sweeps/small-")
    assert "/sweep.yaml: cannot be written (" in line
    assert list(cache.glob("homes/*/*/*")) == []


def test_no_room_for_a_copy_begins_no_sweep(refused: Refused, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPER_CACHE", "small.yaml")
    line = refused(*COMMANDS["run"], "--home", bucket)
    assert "cannot make a folder for the sweep here" in line
    assert line.endswith("; set SWEEPER_CACHE\n")
    assert contents_of(bucket) == {}


@pytest.mark.parametrize(
    "words", [("run", "small.yaml"), ("resume", "latest"), ("sync", "latest"), ("ui",)], ids=" ".join
)
def test_no_word_on_where_to_track_since_there_is_no_default(
    refused: Refused, bucket: str, words: tuple[str, ...]
) -> None:
    line = refused(*words, "--home", bucket)
    assert line.startswith(f"error: --tracking-uri: is missing, and {bucket} can hold no database; must be ")
    assert contents_of(bucket) == {}


@pytest.mark.parametrize("command", ["resume", "prune", "sync"])
def test_a_folder_is_no_sweep_of_such_a_home(refused: Refused, bucket: str, home: Path, command: str) -> None:
    words = COMMANDS[command]
    line = refused(command, str(home / "first"), *words[2:], "--home", bucket)
    assert line == f"error: SWEEP: found '{home / 'first'}'; must be the name of a sweep in the home {bucket}\n"


def test_an_empty_home_says_that_it_is_empty(refused: Refused, bucket: str) -> None:
    assert f"must be latest or a sweep in {bucket}, which holds none" in refused("show", "latest", "--home", bucket)
