"""`run` and `resume`: a sweep begun or gone on with, watched, and concluded."""

from datetime import datetime
from functools import partial
from pathlib import Path

import typer
from rich.console import Console

from sweeper.analysis import SweepResults, check_resumable
from sweeper.cli import exits
from sweeper.cli.defects import traceback_of
from sweeper.cli.ending import VERDICT_FILE, conclude, print_results
from sweeper.cli.extent import ended_trials, expected_trials
from sweeper.cli.finding import find_own
from sweeper.cli.progress import Progress
from sweeper.cli.surroundings import Surroundings
from sweeper.cli.unfinished import unfinished_like
from sweeper.cli.warning import warn
from sweeper.disk import DiskError, described
from sweeper.errors import SweeperError
from sweeper.execution.copies import Driven, driven
from sweeper.execution.home import SWEEP_FILE, new_folder
from sweeper.execution.runner import RAY_LOG, run_sweep
from sweeper.execution.signals import taken_for_ctrl_c
from sweeper.execution.site import Site
from sweeper.execution.widening import made_under, widen
from sweeper.remote.objects import StoreError
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
    spec = read_spec(file, surroundings.overridden(overrides))
    allow(spec, workers=1)
    warn(check_components(spec, surroundings.data_dir))
    plan = MeasuringPlan(spec, surroundings.data_dir)
    warn(plan.warnings)
    warn(unfinished_like(plan.spec, surroundings))
    replicate = partial(surroundings.replica, plan.spec)
    _run(plan.spec, new_folder(surroundings.home, plan.spec, datetime.now(), replicate).name, surroundings)


def go_on(name: str, file: Path | None, overrides: list[str], surroundings: Surroundings) -> None:
    """Go on with a sweep of the home from what its studies say, under ``file`` where one is given.

    Nothing is written before all checks have passed.
    """
    folder = find_own(surroundings.home, name)
    old = made_under(folder).spec
    spec = keep_plan(old, read_spec(file or folder / SWEEP_FILE, surroundings.overridden(overrides)))
    allow(spec, workers=1)
    records = read_records(folder)
    check_widening(old, spec, records)
    doubts = check_components(spec, surroundings.data_dir)
    warn(doubts if spec != old else ())
    planned = MeasuringPlan(spec, surroundings.data_dir).spec
    check_resumable(SweepResults(folder, planned, tuple(records)), ranking_keys(planned, surroundings.data_dir))
    _run(planned, folder.name, surroundings)


def _run(spec: Spec, sweep: str, surroundings: Surroundings) -> None:
    console, folder = Console(), surroundings.home.workplace(sweep)
    resume = f"go on with: {surroundings.resume_command(sweep)}"
    try:
        with taken_for_ctrl_c(), driven(surroundings.home, sweep) as work, work.pushed():
            finished = _run_owned(spec, work, surroundings, console)
    except KeyboardInterrupt:  # Before the trials or after them; in between, the runner takes it.
        finished = False
    except (DiskError, StoreError) as error:
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


def _run_owned(spec: Spec, work: Driven, surroundings: Surroundings, console: Console) -> bool:
    """Take in what has changed since the sweep was left, and run it; return whether it has finished."""
    folder, took_over = work.folder, work.ownership.took_over
    tracked = "nowhere" if surroundings.store is None else mask(surroundings.store)
    place = surroundings.home.place(folder.name)
    _print(console, f"sweep {place}", f"tracked in {tracked}", *([took_over] if took_over else ()))
    with surroundings.replica(spec, folder.name) as replica:
        changes = widen(folder, spec, datetime.now(), replica, work.push)
        if changes:
            work.remove(VERDICT_FILE)  # It was on what the sweep was until now.
            _print(console, *(f"changed {change}" for change in changes))
        site = Site(
            folder=folder,
            data_dir=data_dir_of_trials(surroundings),
            address=surroundings.address,
            tracking_uri=surroundings.store,
            store=work.store,
            replica=replica,
        )
        with Progress(spec, folder, console, expected_trials(spec), ended_trials(read_records(folder))) as progress:
            return run_sweep(spec, site, Trial, progress, lambda: _conclude(work), work.ownership)


def data_dir_of_trials(surroundings: Surroundings) -> Path | None:
    """Return the folder of the data sets; ``None`` where every machine of a cluster has one of its own."""
    is_local = surroundings.address is None or surroundings.data_dir is not None
    return data_folder(surroundings.data_dir) if is_local else None


def _conclude(work: Driven) -> None:
    """Write the verdict where others look for it."""
    conclude(work.folder)
    work.push()


def _print(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
