"""What a trial costs beyond its training: the whole system against Optuna's ask and tell alone.

Ours is everything a real sweep has: Ray Tune with its workers, the journal, the stopping rule, the trial's folder and
curve, and MLflow's mirror on SQLite beside it. Its start-up is not counted; `whole_sweep.py` counts it.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import no_op_sweep
import optuna
from scoreboard import Measured, Promise, announce

from sweeper.search.pruners import make_pruner
from sweeper.search.samplers import make_sampler
from sweeper.search.storage import open_storage, open_study
from sweeper.search.suggestions import suggester
from sweeper.spec import Spec
from sweeper.tracking import default_uri

MOST_SECONDS = 0.15


def whole_system(spec: Spec, folder: Path) -> float:
    """Return the seconds of all trials on Ray, tracked in MLflow."""
    return no_op_sweep.run(spec, folder / "sweep", default_uri(folder)).seconds


def ask_and_tell(spec: Spec, folder: Path) -> float:
    """Return the seconds of the same trials in a loop over Optuna: one study per arm in one journal."""
    storage = open_storage(folder)
    studies = [(spec.space(arm), open_study(storage, "search", arm, "minimize")) for arm in spec.arms]
    for _, study in studies:
        study.sampler = make_sampler(spec.settings.search, trial_seed=0, arm_seed=0)
        study.pruner = make_pruner(spec.settings.stopping, images_per_epoch=1000)
    started = time.perf_counter()
    for number in range(spec.settings.trials or 0):
        space, study = studies[number % len(studies)]
        trial = study.ask()
        value = no_op_sweep.quality(space.resolve(suggester(trial)).config, number, 1)
        trial.report(value, step=1000)
        study.tell(trial, value)
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    samples: dict[str, list[float]] = {"sweeper": [], "ask and tell": []}
    for seed in range(arguments.rounds):
        spec = no_op_sweep.no_op_spec(arguments.trials, seed=seed)
        for name, measure in (("ask and tell", ask_and_tell), ("sweeper", whole_system)):
            with tempfile.TemporaryDirectory() as folder:
                samples[name].append(measure(spec, Path(folder)) / arguments.trials)
    ours, theirs = (Measured(name, tuple(seconds)) for name, seconds in samples.items())
    promise = Promise("seconds per no-op trial", ours.median, "at most", MOST_SECONDS)
    return announce("trial cost", "s per trial", [ours, theirs], theirs, [promise])


if __name__ == "__main__":
    sys.exit(main())
