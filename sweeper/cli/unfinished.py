"""Sweeps of the home that ask what a new one asks, and have not ended: likely meant to be gone on with."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sweeper.analysis import is_sweep
from sweeper.cli.ending import VERDICT_FILE
from sweeper.cli.extent import ended_trials, expected_trials
from sweeper.cli.finding import find_named
from sweeper.cli.surroundings import Surroundings
from sweeper.errors import SweeperError
from sweeper.execution.home import ID_LENGTH, SWEEP_FILE
from sweeper.search import read_records
from sweeper.spec import Spec, read_spec


def unfinished_like(spec: Spec, surroundings: Surroundings) -> Iterator[str]:
    """Yield a line for each unfinished sweep of the same digest, with how far it is and how to go on with it.

    Folders are named after the digest, so that no other sweep is read.
    """
    for folder in find_named(surroundings.home, f"{spec.name}-*-{spec.digest[:ID_LENGTH]}*"):
        with suppress(SweeperError):  # What cannot be read is no reason not to begin a new sweep.
            if is_sweep(folder) and read_spec(folder / SWEEP_FILE).digest == spec.digest:
                yield from _unfinished(folder, spec, surroundings)


def _unfinished(folder: Path, spec: Spec, surroundings: Surroundings) -> Iterator[str]:
    records = read_records(folder)
    if not (folder / VERDICT_FILE).exists() or not all(record.finished for record in records):
        trials, command = expected_trials(spec), surroundings.resume_command(folder.name)
        of = "" if trials is None else f" of {trials}"
        place = surroundings.home.place(folder.name)
        yield f"{place} asks the same, and {ended_trials(records).total()}{of} trials ended; go on with it: {command}"
