"""The sweep's Optuna studies: where they are, what they are called, who may create them.

The studies are the truth of a sweep. The driver alone writes them; everything else reads.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from sweeper.errors import SweeperError
from sweeper.search.assignment import Phase
from sweeper.spec import Direction

JOURNAL = "study.journal"
PHASES: tuple[Phase, ...] = ("search", "finals")


def open_storage(folder: Path) -> BaseStorage:
    """Open, or begin, the journal of the sweep in ``folder`` for writing; one process at a time may.

    Raises SweeperError where the journal is damaged or not of Optuna's making.
    """
    with readable(folder):
        _drop_torn_line(folder / JOURNAL)
    return _open(folder)


def _open(folder: Path) -> BaseStorage:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings(), readable(folder):
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return JournalStorage(JournalFileBackend(str(folder / JOURNAL)))


def _drop_torn_line(journal: Path) -> None:
    """Cut off what a kill or a full disk left after the last line end: Optuna would append to it, and read neither."""
    if not journal.exists():
        return
    with journal.open("r+b") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Turn what Optuna raises over a damaged or foreign journal into one line that names the file.

    Optuna replays the journal as it finds it, so that a line of something else is one of many exceptions.
    """
    try:
        yield
    except OSError as error:
        raise SweeperError(f"{folder / JOURNAL}: cannot be read: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise SweeperError(f"{folder / JOURNAL}: not the journal of a sweep, or damaged ({reason})") from error


def sweep_exists(folder: Path) -> bool:
    """Say whether a sweep was begun in ``folder``."""
    return (folder / JOURNAL).is_file()


def read_storage(folder: Path) -> BaseStorage:
    """Open the journal of a sweep that exists; reading must not leave an empty journal behind."""
    if not sweep_exists(folder):
        raise SweeperError(f"{folder}: no {JOURNAL} here, so this is not the folder of a sweep")
    return _open(folder)


def study_name(phase: Phase, arm: str) -> str:
    """Return the name under which Optuna's own tools find the study of one arm in one phase."""
    return f"{phase}/{arm}"


def open_study(storage: BaseStorage, phase: Phase, arm: str, direction: Direction) -> optuna.Study:
    """Return the study of one arm in one phase, created where it does not exist yet."""
    return optuna.create_study(
        storage=storage, study_name=study_name(phase, arm), direction=direction, load_if_exists=True
    )
