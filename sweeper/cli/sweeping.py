"""`run` and `resume`: a sweep begun or gone on with, watched, and concluded."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console

from sweeper.analysis import SweepResults, arm_table, check_resumable, find_sweep, judge, verdict_text
from sweeper.cli import exits
from sweeper.cli.progress import Progress
from sweeper.cli.surroundings import Surroundings
from sweeper.cli.tables import print_table
from sweeper.cli.warning import warn
from sweeper.errors import SweeperError
from sweeper.execution.home import SWEEP_FILE, new_folder
from sweeper.execution.runner import RAY_LOG, Site, run_sweep
from sweeper.search import TrialRecord, allow, read_records, sweep_exists
from sweeper.spec import Spec, read_spec
from sweeper.tracking import mask
from sweeper.training.check import check_components, ranking_keys
from sweeper.training.data import data_folder
from sweeper.training.files import write_atomically
from sweeper.training.measuring_plan import MeasuringPlan
from sweeper.training.trial import Trial

VERDICT_FILE = "verdict.txt"


def begin(file: Path, overrides: list[str], surroundings: Surroundings) -> None:
    """Check the file, make the sweep's folder, and run it. Nothing is written before all checks have passed."""
    spec = read_spec(file, overrides)
    allow(spec, workers=1)
    warn(check_components(spec, surroundings.data_dir))
    plan = MeasuringPlan(spec, surroundings.data_dir)
    warn(plan.warnings)
    _run(plan.spec, new_folder(surroundings.home, plan.spec, datetime.now()), surroundings)


def go_on(name: str, surroundings: Surroundings) -> None:
    """Go on with a sweep of the home from what its studies say."""
    folder = find_sweep(surroundings.home, name)
    spec = read_spec(folder / SWEEP_FILE)
    check_components(spec, surroundings.data_dir)
    planned = MeasuringPlan(spec, surroundings.data_dir).spec
    check_resumable(SweepResults.load(folder), ranking_keys(planned, surroundings.data_dir))
    _run(planned, folder, surroundings)


def _run(spec: Spec, folder: Path, surroundings: Surroundings) -> None:
    console = Console()
    site = Site(folder, data_folder(surroundings.data_dir), surroundings.address, surroundings.store)
    try:
        _announce(console, folder, site)
        with _progress(spec, folder, console) as progress:
            finished = run_sweep(spec, site, Trial, progress, lambda: _conclude(folder))
    except KeyboardInterrupt:  # Before the trials or after them; in between, the runner takes it.
        finished = False
    except SweeperError:
        raise
    except Exception as error:
        raise SweeperError(
            f"the sweep stopped: {type(error).__name__}: {error}; Ray's own log is {folder / RAY_LOG}; "
            f"go on with: {surroundings.resume_command(folder.name)}"
        ) from error
    if not finished:
        console.print(
            f"interrupted; go on with: {surroundings.resume_command(folder.name)}", soft_wrap=True, highlight=False
        )
        raise typer.Exit(exits.INTERRUPTED)
    print_table(console, arm_table(judge(SweepResults.load(folder))))
    console.print((folder / VERDICT_FILE).read_text(), highlight=False, markup=False, soft_wrap=True)


def _announce(console: Console, folder: Path, site: Site) -> None:
    tracked = "nowhere" if site.tracking_uri is None else mask(site.tracking_uri)
    console.print(f"sweep {folder}\ntracked in {tracked}", highlight=False, markup=False, soft_wrap=True)


def _progress(spec: Spec, folder: Path, console: Console) -> Progress:
    records = read_records(folder) if sweep_exists(folder) else []
    return Progress(spec, console, _expected_trials(spec), _ended(records))


def _ended(records: list[TrialRecord]) -> Counter[tuple[str, str]]:
    return Counter((record.arm, record.state) for record in records if record.finished)


def _expected_trials(spec: Spec) -> int | None:
    """Return how many trials a sweep will have; ``None`` where it is bounded by time."""
    settings = spec.settings
    if settings.trials is None:
        return None
    counts = [spec.space(arm).count() if settings.search.name == "grid" else None for arm in spec.arms]
    share = settings.trials // len(spec.arms)
    finals = settings.finals.top * settings.finals.seeds if settings.finals else 0
    return sum(min(share, count or share) + finals for count in counts)


def _conclude(folder: Path) -> None:
    """Write the verdict into the sweep's folder."""
    write_atomically(folder / VERDICT_FILE, verdict_text(judge(SweepResults.load(folder))).encode())
