"""`list`, `show`, `export`, `sync` and `ui`: what there is, shown or handed on."""

import os
from pathlib import Path

from rich.console import Console

from sweeper.analysis import (
    SweepResults,
    arm_table,
    changes_table,
    check_comparable,
    describe_sweep,
    describe_sweeps,
    export_best,
    judge,
    sweeps_table,
    trials_table,
    verdict_text,
)
from sweeper.cli.finding import find, find_all, find_own, placed
from sweeper.cli.surroundings import Surroundings
from sweeper.cli.tables import print_json, print_table
from sweeper.errors import UsageError
from sweeper.execution.copies import driven, fetch_part
from sweeper.remote.homes import Home
from sweeper.search import TrialRecord
from sweeper.search.history import recorded_changes
from sweeper.search.places import fetch_journal
from sweeper.tracking import mask, ui_command


def list_sweeps(home: Home, as_json: bool) -> None:
    """Print the sweeps of a home."""
    entries = [placed(entry, home) for entry in describe_sweeps(find_all(home))]
    if as_json:
        print_json(entries)
    else:
        print_table(Console(), sweeps_table(entries))


def show_sweep(name: str, home: Home, as_json: bool) -> None:
    """Print a sweep's trials, arms and verdict; of trials that must not be ranked no more than the trials."""
    results = SweepResults.load(find(home, name))
    changes = recorded_changes(results.folder)
    if as_json:
        print_json(placed(describe_sweep(results, changes), home))
        check_comparable(results)
        return
    console = Console()
    print_table(console, trials_table(results.records, results.metric))
    verdict = judge(results)
    print_table(console, arm_table(verdict))
    if changes:
        print_table(console, changes_table(changes))
    console.print(verdict_text(verdict), highlight=False, markup=False, soft_wrap=True)


def export_sweep(name: str, output: Path, arm: str | None, force: bool, with_weights: bool, home: Home) -> None:
    """Write a sweep's best configuration and its weights."""
    folder = find(home, name)

    def fetch_weights(record: TrialRecord) -> None:
        if folder.parent == home.path:  # Else it is a folder somewhere on this disk.
            fetch_part(home, folder.name, record.folder, "best")

    written = export_best(folder, output, arm, force, with_weights, fetch_weights)
    weights = f" and {written.with_suffix('.safetensors')}" if with_weights else ""
    Console().print(f"{written}{weights}", highlight=False, markup=False)


def sync_sweep(name: str, surroundings: Surroundings) -> None:
    """Send to MLflow what it lacks of a sweep."""
    home = surroundings.home
    folder = find_own(home, name)
    if surroundings.store is None:
        raise UsageError("--tracking-uri: found 'none'; must be an MLflow store or server to send to")
    from sweeper.tracking.mirror import sync  # MLflow, which takes seconds to import and is needed here alone.

    if home.objects is None:
        sync(folder, surroundings.store)
    else:
        with driven(home, folder.name) as work:
            fetch_journal(work.folder, home.objects.below(folder.name))
            sync(work.folder, surroundings.store, work.store)
    Console().print(f"{mask(surroundings.store)} has all of {folder.name}", highlight=False, markup=False)


def open_ui(surroundings: Surroundings, port: int) -> None:
    """Become MLflow's UI."""
    if surroundings.store is None:
        raise UsageError("--tracking-uri: found 'none'; must be an MLflow store to look at")
    home = surroundings.home
    if home.objects is None and not home.path.is_dir():
        raise UsageError(f"--home: found {str(home)!r}; must be a folder with sweeps in it")
    command = ui_command(home.path if home.objects is None else str(home), surroundings.store, port)
    Console().print(f"MLflow at http://127.0.0.1:{port}; stop it with Ctrl-C", highlight=False)
    os.execvp(command[0], command)  # noqa: S606  # The UI takes this process's place, Ctrl-C included.
