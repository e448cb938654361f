"""The sweep of `whole_sweep.yaml` with Optuna alone: `with_optuna.py FOLDER`.

Two processes on one storage, as Optuna's documentation runs them: the same script, started twice.
"""

import subprocess
import sys
from pathlib import Path

import mlflow
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from plain_training import TRIALS, WORKERS, sampler, suggest, train

STUDY = "whole-sweep"


def objective(trial: optuna.Trial) -> float:
    suggest(trial)
    values = []
    with mlflow.start_run(run_name=f"trial-{trial.number}"):
        mlflow.log_params(trial.params)
        for epoch, metrics in enumerate(train(trial.params), start=1):
            mlflow.log_metrics(metrics, step=epoch)
            values.append(metrics["val_nll"])
            trial.report(values[-1], step=epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
    return min(values)


def open_study(folder: Path) -> optuna.Study:
    return optuna.create_study(
        study_name=STUDY,
        storage=JournalStorage(JournalFileBackend(str(folder / "optuna.journal"))),
        sampler=sampler(),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
        load_if_exists=True,
    )


def work(folder: Path) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment(STUDY)
    open_study(folder).optimize(objective, n_trials=TRIALS // WORKERS)


def main(folder: Path) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.create_experiment(STUDY, artifact_location=(folder / "artifacts").as_uri())
    study = open_study(folder)
    command = [sys.executable, __file__, str(folder), "--work"]
    workers = [subprocess.Popen(command) for _ in range(WORKERS)]
    codes = [worker.wait() for worker in workers]
    if any(codes):
        sys.exit("a worker failed")
    epochs = sum(len(trial.intermediate_values) for trial in study.trials)
    print(f"trials={len(study.trials)} epochs={epochs} best={study.best_value:.3f} {study.best_params}")


if __name__ == "__main__":
    (work if "--work" in sys.argv else main)(Path(sys.argv[1]))
