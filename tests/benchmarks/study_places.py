"""What a change of a study costs in each place that it can be in, and in Optuna's own database storage.

A change is what the driver waits for: a trial is asked for, or an epoch is told and decided upon. Trials cost nothing
and are drawn at random, so that what is left is mostly writing. PostgreSQL runs on this machine with its files synced;
the object store is moto, which is slower than S3's servers and nearer.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from uuid import uuid4

import no_op_sweep
import optuna
from optuna.storages import BaseStorage, RDBStorage
from scoreboard import Measured, Promise, announce, paired_ratio

sys.path.append(str(Path(__file__).parents[1]))

from support.moto import environment, moto_server
from support.postgres import Postgres, postgres_server

from sweeper.remote.s3 import S3Objects, _client
from sweeper.search import Report, Sweep
from sweeper.search.pieces import Pieces
from sweeper.search.postgres import PostgresReplica
from sweeper.search.pruners import make_pruner
from sweeper.search.replica import Replica
from sweeper.search.samplers import make_sampler
from sweeper.search.storage import open_study
from sweeper.search.suggestions import suggester
from sweeper.spec import Spec, parse_spec

EPOCHS = 5
OPTUNA = "Optuna's RDBStorage"
LEAST = 4


def spec_of(trials: int, seed: int) -> Spec:
    return parse_spec(no_op_sweep.no_op_spec(trials, EPOCHS, seed).to_yaml(), overrides=["sweep.search=random"])


def in_place(spec: Spec, replica: Replica | None) -> int:
    """Run all trials one after the other; return the number of changes."""
    changes = 0
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(spec, Path(folder), 1, replica)
        while (assignment := sweep.next()) is not None:
            changes += 1
            for epoch in range(1, EPOCHS + 1):
                value = no_op_sweep.quality(assignment.config, assignment.number, epoch)
                changes += 1
                if sweep.report(assignment.number, Report(epoch, 1000 * epoch, value, epoch == EPOCHS)).value == "stop":
                    break
    return changes


def in_optuna(spec: Spec, storage: BaseStorage) -> int:
    """Run as many trials in a loop over Optuna, with the same rule and the same search spaces."""
    changes = 0
    for arm in spec.arms:
        study = open_study(storage, "search", arm, "minimize")
        study.sampler = make_sampler(spec.settings.search, trial_seed=0, arm_seed=0)
        study.pruner = make_pruner(spec.settings.stopping, images_per_epoch=1000)
        for number in range((spec.settings.trials or 0) // len(spec.arms)):
            changes += 1 + _told(spec, study, arm, number)
    return changes


def _told(spec: Spec, study: optuna.Study, arm: str, number: int) -> int:
    trial = study.ask()
    config = spec.space(arm).resolve(suggester(trial)).config
    trial.set_user_attr("config", config)
    for epoch in range(1, EPOCHS + 1):
        value = no_op_sweep.quality(config, number, epoch)
        trial.report(value, step=1000 * epoch)
        if trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return epoch
    study.tell(trial, value)
    return EPOCHS


@contextmanager
def ways(server: Postgres) -> Iterator[dict[str, Callable[[Spec], int]]]:
    """Yield each way to run a sweep, in a place of its own."""
    with ExitStack() as stack:
        url = stack.enter_context(server.new_database())
        theirs = stack.enter_context(server.new_database())
        name = f"s{uuid4().hex}"
        _client().create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
        )
        database = stack.enter_context(closing(PostgresReplica(url, name)))
        storage = RDBStorage(theirs.replace("postgresql://", "postgresql+psycopg://"))
        stack.callback(storage.engine.dispose)
        yield {
            "file": lambda spec: in_place(spec, None),
            "pieces": lambda spec: in_place(spec, Pieces(S3Objects.at(f"s3://{name}/sweep"))),
            "PostgreSQL": lambda spec: in_place(spec, database),
            OPTUNA: lambda spec: in_optuna(spec, storage),
        }


def measured(trials: int, rounds: int) -> dict[str, Measured]:
    """Return the changes per second of each way, in rounds in which they take turns."""
    samples: dict[str, list[float]] = {}
    with (
        postgres_server(is_durable=True) as server,
        tempfile.TemporaryDirectory() as folder,
        moto_server(Path(folder)) as url,
    ):
        os.environ.update(environment(url))
        for seed in range(rounds):
            with ways(server) as each:
                for name, run in each.items():
                    started = time.perf_counter()
                    changes = run(spec_of(trials, seed))
                    samples.setdefault(name, []).append(changes / (time.perf_counter() - started))
    return {name: Measured(name, tuple(rates)) for name, rates in samples.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = measured(arguments.trials, arguments.rounds)
    theirs = found[OPTUNA]
    promise = Promise("PostgreSQL against it", paired_ratio(found["PostgreSQL"], theirs), "at least", LEAST)
    return announce("places of a study", "changes per s", list(found.values()), theirs, [promise])


if __name__ == "__main__":
    sys.exit(main())
