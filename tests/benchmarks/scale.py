"""What the driver of a large sweep takes as the sweep grows: ours, and Optuna's loop alone with the same trials.

The real search, stopping rule, journal and collector of checkpoints, with simulated workers, whose own work is not
counted. The journal is on a file system in memory where there is one: `study_places.py` measures waiting for a disk.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import no_op_sweep
import optuna
from optuna.storages.journal import JournalFileBackend
from rich.console import Console
from rich.table import Table
from scoreboard import Measured, Promise, announce
from simulated_sweep import EPOCHS, Drive, drive, large_spec

from sweeper.search.pruners import make_pruner
from sweeper.search.samplers import make_sampler
from sweeper.search.suggestions import suggester
from sweeper.seeds import derive_seed

MEMORY = Path("/dev/shm")
MOST_OF_OPTUNA = 2.0
"""Of what a result takes in the largest sweep: Optuna's own reading of all trials grows, and nothing else may."""
IMAGES_PER_EPOCH = 1000

T = TypeVar("T")


def ours(trials: int, search: str, workers: int) -> Drive:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        return drive(large_spec(trials, search), Path(folder) / "sweep", workers)


def optuna_alone(trials: int, search: str, workers: int) -> float:
    """Return milliseconds of processor per result of Optuna's own loop: a study per arm, its own journal file.

    As many trials as there are ``workers`` run at once, each an epoch at a time, in turn.
    """
    spec = large_spec(trials, search)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        storage = optuna.storages.JournalStorage(JournalFileBackend(f"{folder}/optuna.journal"))
        pruner = make_pruner(spec.settings.stopping, IMAGES_PER_EPOCH)
        studies = [optuna.create_study(storage=storage, study_name=arm, pruner=pruner) for arm in spec.arms]
        began, results, running, begun = time.process_time(), 0, [], 0
        while running or begun < trials:
            while len(running) < workers and begun < trials:
                arm, study = spec.arms[begun % len(studies)], studies[begun % len(studies)]
                study.sampler = make_sampler(spec.settings.search, derive_seed(0, "trial", begun), arm_seed=0)
                trial = study.ask()
                config = spec.space(arm).resolve(suggester(trial)).config
                running.append((study, trial, config, 1))
                begun += 1
            study, trial, config, epoch = running.pop(0)
            value = no_op_sweep.quality(config, trial.number, epoch)
            trial.report(value, step=epoch * IMAGES_PER_EPOCH)
            results += 1
            if epoch == EPOCHS:
                study.tell(trial, value)
            elif trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            else:
                running.append((study, trial, config, epoch + 1))
        return 1000 * (time.process_time() - began) / results


def alone(function: Callable[..., T], *arguments: object) -> T:
    """Return what a function comes to in a process of its own, whose memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def table(drives: list[tuple[str, Drive]]) -> Table:
    columns = (
        "search",
        "trials",
        "results",
        "ms/result",
        "2nd tenth",
        "9th tenth",
        "peak MiB",
        "changes",
        "journal",
    )
    shown = Table(*columns, title="driver")
    for search, one in drives:
        times = (f"{figure:.2f}" for figure in (one.milliseconds, one.early, one.late))
        size = (f"{one.memory:.0f}", f"{one.changes:,}", f"{one.journal / 2**20:.1f} MiB")
        shown.add_row(search, f"{one.trials:,}", f"{one.results:,}", *times, *size)
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 3000, 10000])
    parser.add_argument("--search", nargs="+", default=["random", "tpe"])
    parser.add_argument("--workers", type=int, default=64)
    arguments = parser.parse_args()
    codes, drives = [], []
    for search in arguments.search:
        ours_ms, optuna_ms = [], []
        for trials in arguments.trials:
            one = alone(ours, trials, search, arguments.workers)
            drives.append((search, one))
            print(search, one, file=sys.stderr, flush=True)
            ours_ms.append(one.milliseconds)
            optuna_ms.append(alone(optuna_alone, trials, search, arguments.workers))
        contenders = [Measured("sweeper", tuple(ours_ms)), Measured("Optuna alone", tuple(optuna_ms))]
        ratio = ours_ms[-1] / optuna_ms[-1]
        promises = [Promise(f"ratio to Optuna alone, {trials:,} trials", ratio, "at most", MOST_OF_OPTUNA)]
        title = f"driver with {search} search, {arguments.trials} trials, {arguments.workers} workers"
        codes.append(announce(title, "ms of processor per result", contenders, contenders[1], promises))
    Console(width=120).print(table(drives))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
