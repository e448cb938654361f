"""Protects the journal: Optuna's tools read it, damage is told in one line that names it, no change is left by half."""

import errno
import fcntl
import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from support.sweeps import make_spec, simulated

from sweeper.analysis.listing import describe_home
from sweeper.errors import SweeperError
from sweeper.search import RecordReader, Report, Sweep, read_records
from sweeper.search.records import study_records
from sweeper.search.storage import open_storage, open_study

FOREIGN = {
    "text": b"this is no journal\nat all\n",
    "other JSON": b'{"a": 1}\n{"b": 2}\n',
    "a list": b"[1, 2]\n[3]\n",
    "unknown operation": b'{"op_code": 77, "worker_id": "x"}\n',
    "bytes": bytes(range(128, 256)) + b"\n\n",
    "a trial of no study": b'{"op_code": 4, "worker_id": "x"}\n',
    "no line": b"\n",
}
SPEC = make_spec(epochs=2, trials=2, finals=None)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """The folder of a finished sweep."""
    folder = tmp_path / "whole"
    folder.mkdir()
    (folder / "sweep.yaml").write_text(SPEC.to_yaml())
    simulated(SPEC, folder)
    return folder


@pytest.fixture
def journal(sweep: Path) -> Path:
    return sweep / "study.journal"


def begun(folder: Path) -> Iterator[Sweep]:
    """Yield a sweep of which a trial has begun, again and again with another report of it."""
    sweep = Sweep(make_spec(stopping="none"), folder, 1)
    number = sweep.next().number
    for epoch in range(1, 9):
        yield sweep
        sweep.report(number, Report(epoch, 100 * epoch, 5.0, done=False))


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_journal_is_named_in_one_line_and_hides_no_other_sweep(sweep: Path, content: bytes) -> None:
    folder = sweep.parent / "foreign"
    folder.mkdir()
    (folder / "sweep.yaml").write_text((sweep / "sweep.yaml").read_text())
    (folder / "study.journal").write_bytes(content)
    with pytest.raises(SweeperError) as raised:
        read_records(folder)
    message = str(raised.value)
    assert message == f"{folder / 'study.journal'}:1: not the journal of a sweep, or damaged"
    with pytest.raises(SweeperError, match="not the journal of a sweep, or damaged"):
        Sweep(SPEC, folder, 1)
    assert (folder / "study.journal").read_bytes() == content
    assert {entry["sweep"]: entry["error"] for entry in describe_home(sweep.parent)} == {
        "whole": None,
        "foreign": message,
    }


def study_of_another(folder: Path, name: str, **attributes: object) -> None:
    study = optuna.create_study(study_name=name, storage=open_storage(folder))
    study.enqueue_trial({}, user_attrs={"number": 0, "seed": 0, "config": {}, **attributes})


@pytest.mark.parametrize(
    ("name", "attributes", "said"),
    [
        ("search/all", {"number": -1}, "ValueError: found -1; must be an integer >= 0"),
        ("search/all", {"number": "../../x"}, "ValueError: found '../../x'; must be an integer >= 0"),
        ("search/all", {"number": True}, "ValueError: found True; must be an integer >= 0"),
        ("search/all", {"seed": 0.5}, "ValueError: found 0.5; must be an integer >= 0"),
        ("search/all", {"config": 7}, "TypeError: 'int' object is not iterable"),
        ("search/all", {"keys": 7}, "AttributeError: 'int' object has no attribute 'items'"),
        ("search/../../x", {}, "ValueError: found the arm '../../x'; must be 1 to 64 letters, digits, _ or -"),
        ("search/", {}, "ValueError: found the arm ''; must be 1 to 64 letters, digits, _ or -"),
        ("finals/\N{SNOWMAN}", {}, "ValueError: found the arm '\N{SNOWMAN}'; must be 1 to 64 letters, digits, _ or -"),
    ],
)
def test_a_study_of_somebody_else_is_refused(tmp_path: Path, name: str, attributes: dict, said: str) -> None:
    study_of_another(tmp_path, name, **attributes)
    with pytest.raises(SweeperError) as raised:
        read_records(tmp_path)
    assert str(raised.value).endswith(f"study.journal: not the journal of a sweep, or damaged ({said})")


def test_a_study_without_our_numbers_is_refused_when_a_sweep_goes_on(tmp_path: Path) -> None:
    study = open_study(open_storage(tmp_path), "search", "fc", "minimize")
    study.ask()
    with pytest.raises(SweeperError, match=r"not the journal of a sweep, or damaged \(KeyError: 'number'\)"):
        Sweep(make_spec(), tmp_path, 1)


@pytest.mark.parametrize("change", ["changed", "lost", "doubled", "swapped", "cut"])
def test_a_line_that_does_not_fit_is_named_and_those_before_it_can_be_kept(journal: Path, change: str) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    damaged = {
        "changed": [*lines[:16], lines[16].replace(b"1", b"2", 1), *lines[17:]],
        "lost": lines[:16] + lines[17:],
        "doubled": [*lines[:16], lines[15], *lines[16:]],
        "swapped": [*lines[:16], lines[17], lines[16], *lines[18:]],
        "cut": [*lines[:16], lines[16][:10] + b"\n", *lines[17:]],
    }
    journal.write_bytes(b"".join(damaged[change]))
    with pytest.raises(SweeperError) as raised:
        read_records(journal.parent)
    message = str(raised.value)
    assert message.startswith(f"{journal}:17: damaged: ")
    assert "the 16 lines before it are whole: keep them with 'head -n 16 " in message
    assert "\n" not in message
    subprocess.run(message.split("'")[1], shell=True, check=True)
    kept = read_records(journal.parent)
    assert len(kept) == 1
    assert all(record.finished for record in simulated(SPEC, journal.parent))


def test_the_command_that_keeps_whole_lines_is_fit_for_a_shell(tmp_path: Path) -> None:
    folder = tmp_path / "a $(touch b) & c"
    folder.mkdir()
    simulated(SPEC, folder)
    journal = folder / "study.journal"
    journal.write_bytes(journal.read_bytes() + b"\n")
    with pytest.raises(SweeperError) as raised:
        read_records(folder)
    assert f"{shlex.quote(str(journal))} > {shlex.quote(f'{journal}.whole')} && mv " in str(raised.value)


def test_optuna_reads_the_same_from_the_journal(sweep: Path, journal: Path) -> None:
    storage = JournalStorage(JournalFileBackend(str(journal)))
    theirs = [
        record
        for arm in ("fc", "conv")
        for record in study_records(optuna.load_study(study_name=f"search/{arm}", storage=storage), "search", arm)
    ]
    assert theirs == read_records(sweep)
    assert sorted(path.name for path in sweep.iterdir()) == ["study.journal", "sweep.yaml", "trials"]


def test_a_journal_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_storage(tmp_path)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("sweeper.search.storage.JournalReader", refuse)
    with pytest.raises(SweeperError, match=r"study\.journal: cannot be opened: Permission denied$"):
        read_records(tmp_path)


@pytest.mark.parametrize("torn", [b'{"op_code":6,"wor', b"\0" * 4096])
def test_a_last_line_cut_by_a_kill_does_not_spoil_what_a_resumed_sweep_writes(journal: Path, torn: bytes) -> None:
    expected = read_records(journal.parent)
    with journal.open("ab") as file:
        file.write(torn)
    assert read_records(journal.parent) == expected
    assert journal.read_bytes().endswith(torn), "a reader must not write: the driver may be at it"
    assert Sweep(make_spec(epochs=2, trials=4, finals=None), journal.parent, 1).next() is not None
    assert len(read_records(journal.parent)) == len(expected) + 1
    for line in journal.read_text().splitlines():
        json.loads(line)


def test_a_reader_takes_in_what_is_new_and_no_half_of_a_change(tmp_path: Path) -> None:
    steps = begun(tmp_path)
    next(steps)
    reader, journal = RecordReader(tmp_path), tmp_path / "study.journal"
    assert [record.curve for record in reader.read()] == [()]
    before = journal.read_bytes()
    next(steps)
    after = journal.read_bytes()
    assert after.startswith(before)
    for size in range(len(before), len(after)):
        journal.write_bytes(after[:size])
        assert [record.curve for record in reader.read()] == [()]
    journal.write_bytes(after)
    assert [record.curve for record in reader.read()] == [((100, 5.0),)]


def test_a_disk_that_is_full_is_told_and_what_was_written_before_is_gone_on_with(tmp_path: Path) -> None:
    steps = begun(tmp_path)
    next(steps)
    sweep = next(steps)
    before = (tmp_path / "study.journal").read_bytes()
    with (
        patch("os.fsync", side_effect=OSError(errno.ENOSPC, "No space left on device")),
        pytest.raises(SweeperError, match=r"^no space left on device: .*study\.journal"),
    ):
        sweep.report(0, Report(2, 200, 4.0, done=False))
    assert (tmp_path / "study.journal").read_bytes() == before
    with pytest.raises(SweeperError, match="the change before could not be written; resume the sweep"):
        sweep.report(0, Report(3, 300, 4.0, done=False))
    assert [record.curve for record in read_records(tmp_path)] == [((100, 5.0),)]


def test_a_journal_that_was_deleted_is_not_begun_anew_by_the_next_result(tmp_path: Path) -> None:
    steps = begun(tmp_path)
    next(steps)
    (tmp_path / "study.journal").unlink()
    with pytest.raises(SweeperError, match=r"^no such file or directory: .*study\.journal"):
        next(steps)
    assert list(tmp_path.iterdir()) == []


def test_a_driver_whose_sweep_another_has_gone_on_with_writes_no_more(tmp_path: Path) -> None:
    steps = begun(tmp_path)
    next(steps)
    other = Sweep(make_spec(stopping="none"), tmp_path, 1)
    other.report(other.next().number, Report(1, 100, 7.0, done=False))
    with pytest.raises(SweeperError, match=r"study\.journal: written by another process as well, or replaced"):
        next(steps)
    assert [record.curve for record in read_records(tmp_path)] == [((100, 7.0),)]


def test_a_journal_that_another_process_is_writing_is_not_written(tmp_path: Path) -> None:
    steps = begun(tmp_path)
    next(steps)
    with (tmp_path / "study.journal").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(SweeperError, match=r"study\.journal: written by another process as well, or replaced"):
            next(steps)
    assert [record.curve for record in read_records(tmp_path)] == [()]


def test_a_result_costs_one_write_to_the_disk(tmp_path: Path) -> None:
    steps = begun(tmp_path)
    next(steps)
    with patch("os.fsync", wraps=os.fsync) as synchronized:
        next(steps)
    assert synchronized.call_count == 1


def test_going_on_writes_nothing_by_itself(journal: Path) -> None:
    os.utime(journal, (10, 10))
    before = journal.read_bytes()
    assert Sweep(SPEC, journal.parent, 1).finished
    assert (journal.read_bytes(), journal.stat().st_mtime) == (before, 10)
