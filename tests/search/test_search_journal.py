"""Protects against a journal that is damaged, or none of ours: one line that names it, and the others stay readable."""

import json
from pathlib import Path

import pytest
from support.sweeps import make_spec, simulated

from sweeper.analysis.listing import describe_home
from sweeper.errors import SweeperError
from sweeper.search import Sweep, read_records
from sweeper.search.storage import open_storage, open_study

FOREIGN = {
    "text": b"this is no journal\nat all\n",
    "other JSON": b'{"a": 1}\n{"b": 2}\n',
    "a list": b"[1, 2]\n[3]\n",
    "unknown operation": b'{"op_code": 77, "worker_id": "x"}\n',
    "bytes": bytes(range(128, 256)) + b"\n\n",
    "a trial of no study": b'{"op_code": 4, "worker_id": "x"}\n',
}


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """The folder of a finished sweep."""
    folder = tmp_path / "whole"
    folder.mkdir()
    spec = make_spec(epochs=2, trials=2, finals=None)
    (folder / "sweep.yaml").write_text(spec.to_yaml())
    simulated(spec, folder)
    return folder


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_journal_is_named_in_one_line_and_hides_no_other_sweep(sweep: Path, content: bytes) -> None:
    folder = sweep.parent / "foreign"
    folder.mkdir()
    (folder / "sweep.yaml").write_text((sweep / "sweep.yaml").read_text())
    (folder / "study.journal").write_bytes(content)
    with pytest.raises(SweeperError) as raised:
        read_records(folder)
    message = str(raised.value)
    assert message.startswith(f"{folder / 'study.journal'}: not the journal of a sweep, or damaged (")
    assert "\n" not in message
    assert {entry["sweep"]: entry["error"] for entry in describe_home(sweep.parent)} == {
        "whole": None,
        "foreign": message,
    }


def test_a_study_of_somebody_else_is_refused(tmp_path: Path) -> None:
    study = open_study(open_storage(tmp_path), "search", "all", "minimize")
    study.tell(study.ask(), 1.0)
    with pytest.raises(SweeperError, match=r"not the journal of a sweep, or damaged \(KeyError: 'number'\)"):
        read_records(tmp_path)


def test_a_line_in_the_middle_that_is_damaged_is_told(sweep: Path) -> None:
    journal = sweep / "study.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:5], lines[5][:10] + b"\n", *lines[6:]]))
    with pytest.raises(SweeperError, match="or damaged \\(JSONDecodeError"):
        read_records(sweep)


def test_a_journal_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_storage(tmp_path)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("sweeper.search.storage.JournalFileBackend", refuse)
    with pytest.raises(SweeperError, match=r"study\.journal: cannot be read: Permission denied$"):
        read_records(tmp_path)


def test_a_last_line_cut_by_a_kill_does_not_spoil_what_a_resumed_sweep_writes(sweep: Path) -> None:
    journal = sweep / "study.journal"
    expected = read_records(sweep)
    with journal.open("ab") as file:
        file.write(b'{"op_code":6,"wor')
    assert read_records(sweep) == expected
    assert journal.read_bytes().endswith(b'"wor'), "a reader must not write: the driver may be at it"
    assert Sweep(make_spec(epochs=2, trials=4, finals=None), sweep, 1).next() is not None
    assert len(read_records(sweep)) == len(expected) + 1
    for line in journal.read_text().splitlines():
        json.loads(line)
