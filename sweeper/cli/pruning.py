"""`prune`: the checkpoints of a sweep collected once more, by its own policy or by a stricter or milder one."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from sweeper.analysis import Table
from sweeper.cli.finding import find_own
from sweeper.cli.tables import print_json, print_table
from sweeper.cli.warning import warn
from sweeper.errors import UsageError
from sweeper.execution.collector import Collector, Removal
from sweeper.execution.copies import driven, read
from sweeper.execution.home import SWEEP_FILE
from sweeper.execution.stored_snapshots import stored_trials
from sweeper.remote.homes import Home
from sweeper.search import read_records
from sweeper.spec import Spec, read_spec
from sweeper.spec.quantities import shown_bytes
from sweeper.spec.values import not_allowed

KEEPS = ("best_of_sweep", "last", "quota")
"""What of ``sweep.checkpoints`` can be asked for afterwards."""


def prune_sweep(name: str, keep: list[str], dry_run: bool, as_json: bool, home: Home) -> None:
    """Remove, or with ``dry_run`` only list, the checkpoints that the policy does not keep."""
    folder = find_own(home, name)
    spec = _asked(folder / SWEEP_FILE, keep)
    with driven(home, folder.name):
        records = read_records(read(home, folder.name))  # As the driver has left them who had the sweep until now.
        trials = stored_trials(folder, home.store(folder.name))
        collector = Collector(trials, spec.settings, lambda: records, lambda line: warn([line]))
        removals = collector.survey()
        if not dry_run:
            removals = collector.remove(removals)
    if as_json:
        print_json(_described(folder, spec, removals, dry_run))
    else:
        _print(removals, dry_run)


def _asked(file: Path, keep: list[str]) -> Spec:
    """Return the sweep with its policy changed as ``--keep`` says, by the rules of the sweep file."""
    for text in keep:
        name, _, value = text.partition("=")
        if not value.strip():
            raise UsageError(f"--keep {text}: must be NAME=VALUE, such as best_of_sweep=3")
        if name not in KEEPS:
            raise UsageError(f"--keep {text}: {not_allowed(name, KEEPS)}")
    try:
        return read_spec(file, [f"sweep.checkpoints.{text}" for text in keep])
    except UsageError as error:  # Says where a value was written: as an override, which it is, and as the user did not.
        raise UsageError(str(error).replace("--set sweep.checkpoints.", "--keep ")) from None


def _described(folder: Path, spec: Spec, removals: Sequence[Removal], dry_run: bool) -> dict[str, object]:
    return {
        "sweep": folder.name,
        "policy": {name: getattr(spec.settings.checkpoints, name) for name in KEEPS},
        "dry_run": dry_run,
        "trials": [
            {
                "trial": removal.trial.number,
                "folder": removal.trial.folder,
                "removed": list(removal.folders),
                "bytes": removal.bytes,
            }
            for removal in removals
        ],
        "bytes": _total(removals),
    }


def _print(removals: Sequence[Removal], dry_run: bool) -> None:
    console = Console()
    if removals:
        rows = [
            (str(removal.trial.number), removal.trial.arm, ", ".join(removal.folders), shown_bytes(removal.bytes))
            for removal in removals
        ]
        print_table(console, Table(("trial", "arm", "would remove" if dry_run else "removed", "frees"), tuple(rows)))
    total = f"{shown_bytes(_total(removals))} of {len(removals)} {'trial' if len(removals) == 1 else 'trials'}"
    console.print(f"would free {total}" if dry_run else f"freed {total}", highlight=False, soft_wrap=True)


def _total(removals: Sequence[Removal]) -> int:
    return sum(removal.bytes for removal in removals)
