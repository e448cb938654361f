"""The sweep's Optuna studies: where they are, what they are called, who may create them.

The studies are the truth of a sweep. The driver alone writes them; everything else reads.
"""

import warnings
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
    """Open, or begin, the journal of the sweep in ``folder``."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return JournalStorage(JournalFileBackend(str(folder / JOURNAL)))


def sweep_exists(folder: Path) -> bool:
    """Say whether a sweep was begun in ``folder``."""
    return (folder / JOURNAL).is_file()


def read_storage(folder: Path) -> BaseStorage:
    """Open the journal of a sweep that exists; reading must not leave an empty journal behind."""
    if not sweep_exists(folder):
        raise SweeperError(f"{folder}: no {JOURNAL} here, so this is not the folder of a sweep")
    return open_storage(folder)


def study_name(phase: Phase, arm: str) -> str:
    """Return the name under which Optuna's own tools find the study of one arm in one phase."""
    return f"{phase}/{arm}"


def open_study(storage: BaseStorage, phase: Phase, arm: str, direction: Direction) -> optuna.Study:
    """Return the study of one arm in one phase, created where it does not exist yet."""
    return optuna.create_study(
        storage=storage, study_name=study_name(phase, arm), direction=direction, load_if_exists=True
    )
