"""Which sweeps there are, and which one a word on the command line means."""

from collections.abc import Sequence
from pathlib import Path

from sweeper.analysis.results import SPECIFICATION
from sweeper.errors import UsageError
from sweeper.search.storage import JOURNAL

LATEST = "latest"

_MOST_LISTED = 8


def list_sweeps(home: Path) -> list[Path]:
    """Return the folders of the sweeps in ``home``, that last worked on first; none where there is no such folder."""
    if not home.is_dir():
        return []
    return sorted(filter(is_sweep, home.iterdir()), key=_last_worked_on, reverse=True)


def is_sweep(folder: Path) -> bool:
    """Say whether ``folder`` holds a sweep: its specification, and a journal of at least its beginning."""
    return (folder / SPECIFICATION).is_file() and (folder / JOURNAL).is_file()


def find_sweep(home: Path, name: str) -> Path:
    """Return the folder of the sweep that ``name`` means, the first of these that there is.

    1. The name of a folder in ``home``.
    2. The path of a sweep's folder, anywhere: ``name`` is then one with a separator, or ``.``, or ``..``. A path never
       counts as a name, and is never looked up below ``home``.
    3. ``latest``: the sweep whose journal was written last, whether it was begun or resumed.
    4. The only sweep in ``home`` whose name begins with ``name``; else the only one whose name contains it.

    Raises UsageError where none or several are meant; the message lists those that could be.
    """
    if is_path(name):
        return _at_path(Path(name))
    return home / meant(name, [sweep.name for sweep in list_sweeps(home)], str(home))


def is_path(name: str) -> bool:
    """Say whether a word is the path of a folder, and never a name."""
    return name == ".." or Path(name).name != name


def meant(name: str, sweeps: Sequence[str], home: str) -> str:
    """Return which of ``sweeps``, that last worked on first, a name means; see `find_sweep`, points 1, 3 and 4."""
    if name in sweeps:
        return name
    if name == LATEST and sweeps:
        return sweeps[0]
    return _matching(name, sweeps, home)


def find_own_sweep(home: Path, name: str) -> Path:
    """Return the sweep that ``name`` means, to be written to; raise UsageError where it does not lie in ``home``.

    Whatever a name is made of, and wherever a symbolic link in the home leads, nothing is changed or removed elsewhere.
    """
    folder = find_sweep(home, name).resolve()
    if folder.parent != home.resolve():
        raise UsageError(
            f"SWEEP: found {name!r}, which is {folder}; must lie in the home {home}, "
            f"or be named with --home {folder.parent}"
        )
    return home / folder.name


def _at_path(folder: Path) -> Path:
    if not is_sweep(folder):
        raise UsageError(f"found {str(folder)!r}; must be a sweep's folder, with {SPECIFICATION} and {JOURNAL} in it")
    return folder.resolve()


def _matching(name: str, sweeps: Sequence[str], home: str) -> str:
    beginning = [sweep for sweep in sweeps if sweep.startswith(name)]
    matching = beginning or [sweep for sweep in sweeps if name in sweep]
    if not name or not matching:
        raise UsageError(f"found {name!r}; must be {LATEST} or a sweep in {home}, which holds {_names(sweeps)}")
    if len(matching) > 1:
        raise UsageError(f"found {name!r}, which could be {_names(matching)}; must be enough of the name to mean one")
    return matching[0]


def _names(sweeps: Sequence[str]) -> str:
    shown = ", ".join(sweeps[:_MOST_LISTED])
    more = len(sweeps) - _MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown or "none"


def _last_worked_on(sweep: Path) -> tuple[float, str]:
    return (sweep / JOURNAL).stat().st_mtime, sweep.name
