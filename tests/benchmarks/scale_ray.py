"""Trials of one second on 16 workers: how far from the ideal the whole system is; plain Ray Tune too, where asked for.

The row of Ray's own table (https://docs.ray.io/en/latest/tune/tutorials/tune-scalability.html): 10,000 trials of one
second on a machine with 16 CPUs in 715 s, 625 ideal. The trials wait and do not compute, so that fewer cores than
workers are no limit to them; they are one to the processes around them. Plain Tune starts a process for each trial.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import no_op_sweep
from scoreboard import Measured, Promise, announce

from sweeper.execution.ray_environment import set_switches
from sweeper.spec import parse_spec
from sweeper.training.job import Job, Outcome
from sweeper.training.simulated import SimulatedRun, Simulation

SECONDS = 1.0
RAYS_OWN = 715 / 625
MOST_OF_IDEAL = 1.5
MOST_OF_TUNE = 1.0


@dataclass(frozen=True)
class Waiting(Simulation):
    """Makes runs whose epochs take their time."""

    def __call__(self, job: Job) -> SimulatedRun:
        return WaitingRun(self, job)


class WaitingRun(SimulatedRun):
    def advance(self) -> Outcome:
        time.sleep(SECONDS)
        return super().advance()


def ours(trials: int, workers: int, seed: int) -> float:
    """Return seconds from the first trial begun to the last result, workers' start included."""
    spec = no_op_sweep.no_op_spec(trials, seed=seed, search="random")
    spec = parse_spec(spec.to_yaml(), overrides=(f"sweep.workers={workers}", "sweep.resources.cpu=1"))
    with tempfile.TemporaryDirectory() as folder:
        return no_op_sweep.run(spec, Path(folder) / "sweep", None, Waiting(no_op_sweep.quality)).seconds


def plain_tune(trials: int, workers: int, seed: int) -> float:
    """Return the seconds of `Tuner.fit` with a function that waits and reports, at its defaults."""
    set_switches(None)
    import ray
    from ray import tune

    def wait(config: dict[str, Any]) -> None:
        time.sleep(SECONDS)
        tune.report({"value": config["lr"]})

    ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            tuner = tune.Tuner(
                wait,
                param_space={"lr": tune.loguniform(1e-4, 1e-2)},
                tune_config=tune.TuneConfig(num_samples=trials),
                run_config=tune.RunConfig(storage_path=folder, verbose=0),
            )
            began = time.perf_counter()
            tuner.fit()
            return time.perf_counter() - began
    finally:
        ray.shutdown()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--beside-tune", action="store_true", help="measure plain Ray Tune first")
    arguments = parser.parse_args()
    ideal = arguments.trials * SECONDS / arguments.workers
    found = {}
    for name, measure in (*((("Ray Tune", plain_tune),) if arguments.beside_tune else ()), ("sweeper", ours)):
        found[name] = Measured(name, (measure(arguments.trials, arguments.workers, 0),))
        print(f"{name}: {found[name].median:.1f} s, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    best = Measured("ideal", (ideal,))
    promises = [Promise("of the ideal", found["sweeper"].median / ideal, "at most", MOST_OF_IDEAL)]
    if "Ray Tune" in found:
        beside = found["sweeper"].median / found["Ray Tune"].median
        promises.append(Promise("of plain Ray Tune", beside, "at most", MOST_OF_TUNE))
    title = f"{arguments.trials:,} trials of {SECONDS:g} s on {arguments.workers} workers"
    return announce(f"{title}; Ray's own table: {RAYS_OWN:.2f} x ideal", "s", [*found.values(), best], best, promises)


if __name__ == "__main__":
    sys.exit(main())
