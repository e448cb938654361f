"""The sweep of `whole_sweep.yaml` as Ray Tune's documentation writes it: `with_ray_tune.py [--reuse-actors] FOLDER`."""

import sys
from pathlib import Path
from typing import Any

from plain_training import EPOCHS, TRIALS, sampler, suggest, train
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch


def trainable(config: dict[str, Any]) -> None:
    for metrics in train(config):
        tune.report(metrics)


def main(folder: Path, reuse_actors: bool) -> None:
    callback = MLflowLoggerCallback(
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", experiment_name="whole-sweep", save_artifact=False
    )
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        tune_config=tune.TuneConfig(
            metric="val_nll",
            mode="min",
            num_samples=TRIALS,
            search_alg=OptunaSearch(space=suggest, metric="val_nll", mode="min", sampler=sampler()),
            scheduler=ASHAScheduler(max_t=EPOCHS, grace_period=1, reduction_factor=3),
            reuse_actors=reuse_actors,
        ),
        run_config=tune.RunConfig(storage_path=str(folder), name="tune", callbacks=[callback]),
    )
    results = tuner.fit()
    best = results.get_best_result()
    epochs = sum(len(result.metrics_dataframe) for result in results)
    print(f"trials={len(results)} epochs={epochs} best={best.metrics['val_nll']:.3f} {best.config}")


if __name__ == "__main__":
    main(Path(sys.argv[-1]), reuse_actors="--reuse-actors" in sys.argv)
