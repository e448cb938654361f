"""The folders of sweeps below the home."""

import shutil
from datetime import datetime
from pathlib import Path

from sweeper.errors import UsageError
from sweeper.search.history import record_spec
from sweeper.spec import Spec
from sweeper.training.files import write_atomically

SWEEP_FILE = "sweep.yaml"
ID_LENGTH = 6


def new_folder(home: Path, spec: Spec, now: datetime) -> Path:
    """Make the folder of a new sweep, ``<name>-<date>-<id>``, with the resolved file and an empty study in it.

    The id begins the digest of the specification; a sweep run a second time within a second gets a counter behind it.
    Where it cannot be written, as on a full disk, nothing of it is left behind.
    """
    stem = f"{spec.name}-{now:%Y%m%d-%H%M%S}-{spec.digest[:ID_LENGTH]}"
    folder = _first_free(home, stem)
    try:
        (folder / "trials").mkdir()
        write_atomically(folder / SWEEP_FILE, spec.to_yaml().encode())
        record_spec(folder, spec)  # From here on it can be shown and resumed, though Ray may never start.
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _first_free(home: Path, stem: str) -> Path:
    for counter in range(1, 1000):
        folder = home / (stem if counter == 1 else f"{stem}-{counter}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(
                f"{home}: cannot make a folder for the sweep here ({error.strerror}); choose --home"
            ) from error
        return folder
    raise UsageError(f"{home}: a thousand sweeps named {stem}; choose another --home")
