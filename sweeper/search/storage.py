"""The sweep's Optuna studies: where they are, what they are called, who may create them.

The studies are the truth of a sweep. The driver alone writes them; everything else reads.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage

from sweeper.errors import SweeperError
from sweeper.search.assignment import Phase
from sweeper.search.journal import JournalReader
from sweeper.search.journal_writer import JournalWriter
from sweeper.search.replica import Replica
from sweeper.search.synchronizing import synchronize
from sweeper.spec import Direction

JOURNAL = "study.journal"
PHASES: tuple[Phase, ...] = ("search", "finals")

_FOREIGN = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, RecursionError)
"""What Optuna raises over records that it did not write: it replays them as it finds them."""


class StudyStorage(JournalStorage):
    """The studies of one sweep, for the one process that may write them."""

    def __init__(self, journal: JournalWriter) -> None:
        super().__init__(journal)
        self.change = journal.change
        """Everything written within ``with storage.change():`` is written as a whole, or not at all."""


def open_storage(folder: Path, replica: Replica | None = None) -> StudyStorage:
    """Open, or begin, the journal of the sweep in ``folder`` for writing; one process at a time may.

    With a replica the file is first made equal to it, and each change is written there before it is written here.

    Raises SweeperError where the journal is damaged or not of our making, or where another process writes it.
    """
    with _opening(folder):
        if replica is not None:
            synchronize(folder / JOURNAL, replica)
        journal = JournalWriter(folder / JOURNAL, replica)
        storage = StudyStorage(journal)
        journal.cut_torn_end()
        return storage


def read_storage(folder: Path) -> BaseStorage:
    """Open the journal of a sweep that exists; reading must not leave an empty journal behind."""
    if not sweep_exists(folder):
        raise SweeperError(f"{folder}: no {JOURNAL} here, so this is not the folder of a sweep")
    with _opening(folder):
        return JournalStorage(JournalReader(folder / JOURNAL))


@contextmanager
def _opening(folder: Path) -> Iterator[None]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings(), readable(folder):
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Turn what is raised over a journal that cannot be read, or is none of ours, into one line that names the file."""
    try:
        yield
    except OSError as error:
        raise SweeperError(f"{folder / JOURNAL}: cannot be opened: {error.strerror}") from error
    except _FOREIGN as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise SweeperError(f"{folder / JOURNAL}: not the journal of a sweep, or damaged ({reason})") from error


def sweep_exists(folder: Path) -> bool:
    """Say whether a sweep was begun in ``folder``."""
    return (folder / JOURNAL).is_file()


def study_name(phase: Phase, arm: str) -> str:
    """Return the name under which Optuna's own tools find the study of one arm in one phase."""
    return f"{phase}/{arm}"


def open_study(storage: BaseStorage, phase: Phase, arm: str, direction: Direction) -> optuna.Study:
    """Return the study of one arm in one phase, created where it does not exist yet.

    Optuna's ``load_if_exists`` would first write down that it creates one, each time anew.
    """
    name = study_name(phase, arm)
    if name in {study.study_name for study in storage.get_all_studies()}:
        return optuna.load_study(study_name=name, storage=storage)
    return optuna.create_study(study_name=name, storage=storage, direction=direction)
