"""The folders of new sweeps below the home."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from pathlib import Path

from sweeper.errors import SweeperError, UsageError
from sweeper.files import write_atomically
from sweeper.remote.homes import Home
from sweeper.remote.objects import ChangedError, Objects
from sweeper.search.history import record_spec
from sweeper.search.replica import Replica
from sweeper.spec import Spec

SWEEP_FILE = "sweep.yaml"
ID_LENGTH = 6
_MOST_OF_A_NAME = 1000

Replicate = Callable[[str], AbstractContextManager[Replica | None]]
"""Opens the second place of the journal of the sweep with a name; ``None`` where there is none."""


def no_replica(_sweep: str) -> AbstractContextManager[None]:
    """Open no second place."""
    return nullcontext()


def new_folder(home: Home, spec: Spec, now: datetime, replicate: Replicate = no_replica) -> Path:
    """Make the folder of a new sweep, ``<name>-<date>-<id>``, with the resolved file and an empty study in it.

    The id begins the digest of the specification; a sweep run a second time within a second gets a counter behind it.
    Of a home in a store it is the driver's copy, and the store has the same. Where either cannot be written, as on a
    full disk, nothing of it is left behind.
    """
    content = spec.to_yaml().encode()
    sweep = _first_free(home, f"{spec.name}-{now:%Y%m%d-%H%M%S}-{spec.digest[:ID_LENGTH]}", content)
    folder = home.workplace(sweep)
    try:
        (folder / "trials").mkdir()
        write_atomically(folder / SWEEP_FILE, content)
        with replicate(sweep) as replica:
            record_spec(folder, spec, replica)  # From here on it can be shown and resumed, though Ray may never start.
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        _empty(home.store(sweep))
        raise
    return folder


def _first_free(home: Home, stem: str, content: bytes) -> str:
    """Take the first name that no sweep has; return it."""
    for counter in range(1, _MOST_OF_A_NAME):
        sweep = stem if counter == 1 else f"{stem}-{counter}"
        try:
            if _take(home, sweep, content):
                return sweep
        except OSError as error:
            choice = "choose --home" if home.objects is None else "set SWEEPER_CACHE"
            problem = f"cannot make a folder for the sweep here ({error.strerror}); {choice}"
            raise UsageError(f"{home.workplace(sweep).parent}: {problem}") from error
    raise UsageError(f"{home}: a thousand sweeps named {stem}; choose another --home")


def _take(home: Home, sweep: str, content: bytes) -> bool:
    """Make the folder of a sweep, and its file in a store; return whether the name was free."""
    folder, store = home.workplace(sweep), home.store(sweep)
    if store is None:
        return _make(folder)
    try:
        store.write(SWEEP_FILE, content, replacing=None)
    except ChangedError:
        return False
    try:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)  # Of a sweep that has been removed from the store.
        return _make(folder)
    except OSError:
        _empty(store)
        raise


def _make(folder: Path) -> bool:
    """Make a folder; return whether there was none."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def _empty(store: Objects | None) -> None:
    """Leave nothing of a sweep that could not be begun; where the store is away, a name that nobody will find."""
    if store is not None:
        with suppress(SweeperError):
            store.remove(list(store.keys()))
