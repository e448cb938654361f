"""Protects a sweep from a disk that fills up: it ends in one line, and goes on as if there had been room."""

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.namespaces import run_mounted
from support.sweeps import make_spec, simulated

from sweeper.disk import DiskError
from sweeper.search import TrialRecord

SPEC = make_spec(epochs=4, trials=8)

ON_A_SMALL_DISK = """\
import dataclasses, json, sys
from pathlib import Path
from support.sweeps import make_spec, simulated
from sweeper.disk import DiskError

folder = Path(sys.argv[1])
filling = folder / "filling"
outcomes = []
for room in (8, 24, 48, 96):
    with filling.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - room * 1024))
    try:
        simulated(make_spec(epochs=4, trials=8), folder)
    except DiskError as error:
        outcomes.append(str(error))
    filling.unlink()
records = simulated(make_spec(epochs=4, trials=8), folder)
print(json.dumps([outcomes, [repr(dataclasses.replace(record, started=None, ended=None)) for record in records]]))
"""


def timeless(records: list[TrialRecord]) -> list[TrialRecord]:
    return [replace(record, started=None, ended=None) for record in records]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[TrialRecord]:
    """The trials of the sweep where there is room enough."""
    return timeless(simulated(SPEC, tmp_path_factory.mktemp("roomy")))


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


def test_at_whatever_byte_there_is_no_more_room_the_sweep_goes_on_from_there(
    tmp_path: Path, expected: list[TrialRecord]
) -> None:
    """The journal is the largest file; each limit cuts it at another place, at times in the middle of a change."""
    messages = []
    for size in range(1000, 16000, 1237):
        with files_no_larger_than(size), pytest.raises(DiskError) as error:
            simulated(SPEC, tmp_path)
        messages.append(str(error.value))
    assert set(messages) == {f"file too large: {tmp_path / 'study.journal'}; raise the limit"}
    assert timeless(simulated(SPEC, tmp_path)) == expected


def test_on_a_full_disk_the_line_says_how_much_is_free_and_the_result_is_the_same(
    tmp_path: Path, expected: list[TrialRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    mount = f"mount -t tmpfs -o size=1m none {disk}"
    messages, records = json.loads(run_mounted(mount, ON_A_SMALL_DISK, disk, cwd=tmp_path))
    assert len(messages) >= 2
    for message in messages:
        assert message.startswith(f"no space left on device: {disk}/")
        assert message.endswith("B free); make room")
    assert records == [repr(record) for record in expected]
