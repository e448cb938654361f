"""From a word on the command line to the folder of a sweep, wherever the home is."""

import fnmatch
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeper.analysis import find_own_sweep, find_sweep, is_path, list_sweeps, meant
from sweeper.errors import UsageError
from sweeper.execution.copies import read, read_all
from sweeper.remote.homes import Home, sweeps_in


def find_all(home: Home) -> list[Path]:
    """Return the folders in which the sweeps of a home can be read, that last worked on first."""
    return list_sweeps(home.path) if home.objects is None else read_all(home, sweeps_in(home.objects))


def find(home: Home, name: str) -> Path:
    """Return the folder in which the sweep can be read that ``name`` means; see `find_sweep`."""
    if home.objects is None or is_path(name):
        return find_sweep(home.path, name)
    return read(home, meant(name, sweeps_in(home.objects), str(home)))


def find_own(home: Home, name: str) -> Path:
    """Return the same of a sweep that is to be written to; raise UsageError where it does not lie in the home."""
    if home.objects is None:
        return find_own_sweep(home.path, name)
    if is_path(name):
        raise UsageError(f"SWEEP: found {name!r}; must be the name of a sweep in the home {home}")
    return find(home, name)


def find_named(home: Home, pattern: str) -> list[Path]:
    """Return the folders in which those can be read whose name matches a pattern, in the order of their names."""
    if home.objects is None:
        return sorted(home.path.glob(pattern))
    return read_all(home, sorted(fnmatch.filter(home.objects.folders(), pattern)))


def placed(entry: Mapping[str, Any], home: Home) -> dict[str, Any]:
    """Return what is said of a sweep, with the place where it is and not where its copy was read."""
    folder = Path(entry["path"])
    return {**entry, "path": home.place(folder.name) if folder.parent == home.path else str(folder)}
