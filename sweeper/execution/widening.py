"""Going on with a sweep under another specification: `sweep.yaml` and the journal replaced, one after the other.

A kill in between leaves a file that differs from what the journal says the trials were made under: the same as an edit
of the file by hand, which the next resumption takes in.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sweeper.execution.home import SWEEP_FILE
from sweeper.files import write_atomically
from sweeper.search import read_records
from sweeper.search.changes import Change, differences
from sweeper.search.history import History, read_history, record_spec
from sweeper.search.replacing import put_in_place
from sweeper.search.replica import Replica
from sweeper.search.rewriting import rewrite
from sweeper.search.storage import JOURNAL
from sweeper.search.synchronizing import synchronize
from sweeper.search.widening import check_widening
from sweeper.spec import Spec, read_spec

_WORK_FOLDER = "widening"


def made_under(folder: Path) -> History:
    """Return under which specification the trials of the sweep in ``folder`` were made.

    Sweeps of older versions did not write it into the journal; of them it is that of their file.
    """
    return read_history(folder) or _unwritten(folder)


def widen(
    folder: Path,
    spec: Spec,
    now: datetime,
    replica: Replica | None = None,
    publish: Callable[[], None] = lambda: None,
) -> tuple[Change, ...]:
    """Make ``spec`` what the sweep in ``folder`` goes on under; return what that changes.

    Where the folder is a copy, ``publish`` sends its file to where the sweep really is, before the journal goes there.

    Raises UsageError, with nothing written, where it would falsify trials that have begun.
    """
    if replica is not None:
        synchronize(folder / JOURNAL, replica)
    written = read_history(folder)
    old = written or _unwritten(folder)
    if old.spec.to_yaml() == spec.to_yaml():
        if written is None:
            record_spec(folder, spec, replica)
        return ()
    records = read_records(folder)
    check_widening(old.spec, spec, records)
    begun = sum(record.begun for record in records)
    changes = tuple(Change.of(difference, now, begun) for difference in differences(old.spec.plain(), spec.plain()))
    with _work_folder(folder) as work:
        rewrite(folder, work, old.spec, History(spec, old.changes + changes))
        write_atomically(folder / SWEEP_FILE, spec.to_yaml().encode())
        publish()
        rewritten = (work / JOURNAL).read_bytes()
        if replica is not None:
            replica.replace(rewritten)
        put_in_place(folder / JOURNAL, rewritten)
    return changes


def _unwritten(folder: Path) -> History:
    return History(read_spec(folder / SWEEP_FILE))


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """Make an empty folder, without what an earlier driver that was killed may have left in it."""
    work = folder / _WORK_FOLDER
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
