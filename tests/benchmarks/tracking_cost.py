"""What tracking costs per result: our mirror, no tracking, and one request per metric as Ray Tune's callback has it.

The driver never speaks to MLflow, so that its share is the difference between a sweep with and without tracking.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import no_op_sweep
from scoreboard import Measured, Promise, announce

from sweeper.curve_line import METRICS
from sweeper.search import TrialRecord, read_records
from sweeper.tracking import default_uri
from sweeper.tracking.curve import read_curve
from sweeper.tracking.mirror import sync


def wall(trials: int, epochs: int, seed: int, tracked: bool) -> float:
    """Return seconds per result of a sweep, from the first trial begun to the last result, with or without tracking."""
    with tempfile.TemporaryDirectory() as home:
        uri = default_uri(Path(home)) if tracked else None
        spec = no_op_sweep.no_op_spec(trials, epochs, seed)
        watch = no_op_sweep.run(spec, Path(home) / "sweep", uri)
        return watch.seconds / len(watch.reported_at)


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def mirror_seconds(folder: Path, home: Path) -> float:
    """Return processor seconds of the mirror for a finished sweep, MLflow imported and the schema there."""
    started = processor_seconds()
    sync(folder, default_uri(home))
    return processor_seconds() - started


def callback_seconds(folder: Path, records: list[TrialRecord], home: Path) -> float:
    """Return processor seconds of logging the same results as ray.air's MLflowLoggerCallback: one call per metric."""
    from mlflow import MlflowClient

    client = MlflowClient(default_uri(home))
    experiment = client.create_experiment(f"callback-{time.time_ns()}", str(home / "artifacts"))
    started = processor_seconds()
    for record in records:
        run = client.create_run(experiment, run_name=record.folder).info.run_id
        for name, value in record.parameters.items():
            client.log_param(run, name, value)
        for line in read_curve(folder / "trials" / record.folder / METRICS):
            for name, value in {**line.metrics, "seconds": line.seconds, "images": float(line.images)}.items():
                client.log_metric(run, name, value, step=line.epoch)
        client.set_terminated(run)
    return processor_seconds() - started


def compare_logging(trials: int, epochs: int, rounds: int) -> tuple[Measured, Measured, int]:
    """Return mirror and callback, processor seconds per result, on the results of one sweep, and their number."""
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "sweep"
        no_op_sweep.run(no_op_sweep.no_op_spec(trials, epochs), folder, None)
        records = read_records(folder)
        results = sum(len(record.curve) for record in records)
        for number in range(rounds + 1):  # The first imports MLflow and makes the schema; it does not count.
            store = Path(home) / f"store-{number and 1}"
            store.mkdir(exist_ok=True)
            renamed = folder.rename(Path(home) / f"sweep-{number}")  # A new name is a new sweep to MLflow.
            folder = renamed
            ours.append(mirror_seconds(folder, store) / results)
            theirs.append(callback_seconds(folder, records, store) / results)
    return Measured("mirror", tuple(ours[2:])), Measured("one call per metric", tuple(theirs[2:])), results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    size = (arguments.trials, arguments.epochs)
    pairs = [(wall(*size, seed, tracked=False), wall(*size, seed, tracked=True)) for seed in range(arguments.rounds)]
    without, tracked = (
        Measured(name, tuple(seconds))
        for name, seconds in zip(("without tracking", "tracked"), zip(*pairs, strict=True), strict=True)
    )
    code = announce("tracking, wall", "s per result", [without, tracked], without, [])
    mirror, callback, results = compare_logging(*size, arguments.rounds + 1)
    promise = Promise("mirror's share of one call per metric", mirror.median / callback.median, "at most", 1.0)
    title = f"tracking, processor ({results} results of {arguments.trials} trials)"
    return max(code, announce(title, "s per result", [mirror, callback], callback, [promise]))


if __name__ == "__main__":
    sys.exit(main())
