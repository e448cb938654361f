"""`run` and `resume`: a sweep begun or gone on with, watched, and concluded."""

from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console

from sweeper.analysis import SweepResults, check_resumable, find_own_sweep
from sweeper.cli import exits
from sweeper.cli.defects import traceback_of
from sweeper.cli.ending import VERDICT_FILE, conclude, print_results
from sweeper.cli.extent import ended_trials, expected_trials
from sweeper.cli.progress import Progress
from sweeper.cli.surroundings import Surroundings
from sweeper.cli.unfinished import unfinished_like
from sweeper.cli.warning import warn
from sweeper.disk import DiskError, described
from sweeper.errors import SweeperError
from sweeper.execution.home import SWEEP_FILE, new_folder
from sweeper.execution.ownership import Ownership, owned
from sweeper.execution.runner import RAY_LOG, Site, run_sweep
from sweeper.execution.signals import taken_for_ctrl_c
from sweeper.execution.widening import made_under, widen
from sweeper.search import allow, read_records
from sweeper.search.settled import keep_plan
from sweeper.search.widening import check_widening
from sweeper.spec import Spec, read_spec
from sweeper.tracking import mask
from sweeper.training.check import check_components, ranking_keys
from sweeper.training.data import data_folder
from sweeper.training.measuring_plan import MeasuringPlan
from sweeper.training.trial import Trial


def begin(file: Path, overrides: list[str], surroundings: Surroundings) -> None:
    """Check the file, make the sweep's folder, and run it. Nothing is written before all checks have passed."""
    spec = read_spec(file, overrides)
    allow(spec, workers=1)
    warn(check_components(spec, surroundings.data_dir))
    plan = MeasuringPlan(spec, surroundings.data_dir)
    warn(plan.warnings)
    warn(unfinished_like(plan.spec, surroundings))
    _run(plan.spec, new_folder(surroundings.home, plan.spec, datetime.now()), surroundings)


def go_on(name: str, file: Path | None, overrides: list[str], surroundings: Surroundings) -> None:
    """Go on with a sweep of the home from what its studies say, under ``file`` where one is given.

    Nothing is written before all checks have passed.
    """
    folder = find_own_sweep(surroundings.home, name)
    old = made_under(folder).spec
    spec = keep_plan(old, read_spec(file or folder / SWEEP_FILE, overrides))
    allow(spec, workers=1)
    records = read_records(folder)
    check_widening(old, spec, records)
    doubts = check_components(spec, surroundings.data_dir)
    warn(doubts if spec != old else ())
    planned = MeasuringPlan(spec, surroundings.data_dir).spec
    check_resumable(SweepResults(folder, planned, tuple(records)), ranking_keys(planned, surroundings.data_dir))
    _run(planned, folder, surroundings)


def _run(spec: Spec, folder: Path, surroundings: Surroundings) -> None:
    console = Console()
    site = Site(folder, data_folder(surroundings.data_dir), surroundings.address, surroundings.store)
    resume = f"go on with: {surroundings.resume_command(folder.name)}"
    try:
        with taken_for_ctrl_c(), owned(folder) as ownership:
            finished = _run_owned(spec, site, ownership, console)
    except KeyboardInterrupt:  # Before the trials or after them; in between, the runner takes it.
        finished = False
    except DiskError as error:
        raise SweeperError(f"{error}; then {resume}") from error
    except OSError as error:
        raise SweeperError(f"{described(error, folder)}; then {resume}") from error
    except SweeperError:
        raise
    except Exception as error:
        raise SweeperError(
            f"the sweep stopped: {type(error).__name__}: {error}; {traceback_of(error)}; Ray's own log is "
            f"{folder / RAY_LOG}; {resume}"
        ) from error
    if not finished:
        _print(console, f"interrupted; {resume}")
        raise typer.Exit(exits.INTERRUPTED)
    print_results(folder)


def _run_owned(spec: Spec, site: Site, ownership: Ownership, console: Console) -> bool:
    """Take in what has changed since the sweep was left, and run it; return whether it has finished."""
    folder = site.folder
    tracked = "nowhere" if site.tracking_uri is None else mask(site.tracking_uri)
    _print(console, f"sweep {folder}", f"tracked in {tracked}", *([ownership.took_over] if ownership.took_over else ()))
    changes = widen(folder, spec, datetime.now())
    if changes:
        (folder / VERDICT_FILE).unlink(missing_ok=True)  # It was on what the sweep was until now.
        _print(console, *(f"changed {change}" for change in changes))
    with Progress(spec, folder, console, expected_trials(spec), ended_trials(read_records(folder))) as progress:
        return run_sweep(spec, site, Trial, progress, lambda: conclude(folder), ownership)


def _print(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
