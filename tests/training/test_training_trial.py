"""Protects that a trial killed after any epoch goes on to the bit, and what its folder holds."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor

from sweeper.errors import SweeperError
from sweeper.training import trial as trial_module
from sweeper.training.data import Images, Split, resident
from sweeper.training.evaluation import Evaluator
from sweeper.training.job import EpochResult, Job, Precision
from sweeper.training.trial import Trial

EPOCHS = 3
MakeJob = Callable[..., Job]
CLOCKS = ("images_per_second", "evaluation_share")

VARIANTS: dict[str, dict[str, Any]] = {
    "dynamic": {},
    "static": {"likelihood": {"name": "bernoulli", "binarization": "static"}},
    "none": {"likelihood": {"name": "bernoulli", "binarization": "none"}},
    "rmsprop": {"optimizer": {"name": "rmsprop", "momentum": 0.5}},
    "sgd": {"optimizer": {"name": "sgd", "lr": 1e-4}},
    "sgd with momentum": {"optimizer": {"name": "sgd", "lr": 1e-4, "momentum": 0.9, "weight_decay": 0.1}},
    "warm-up": {"objective": {"name": "elbo", "beta": 2.0, "warmup": 2.5, "k": 2}},
    "iwae": {"objective": {"name": "iwae", "k": 3}},
    "batch norm and dropout": {"backbone": {"norm": "batch", "dropout": 0.3}},
}


def run(job: Job, epochs: int = EPOCHS) -> list[EpochResult]:
    trial = Trial(job)
    results = [trial.advance() for _ in range(epochs)]
    trial.close()
    return results


def measured(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in CLOCKS}


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def tensors(folder: Path) -> dict[str, Tensor]:
    """Everything that a trial's checkpoints hold: weights, moments, generators, the rest of the order."""
    return {
        f"{path.relative_to(folder)}:{name}": value
        for path in sorted(folder.rglob("*.safetensors"))
        for name, value in load_file(path).items()
    }


def assert_same(found: Path, expected: Path) -> None:
    left, right = tensors(found), tensors(expected)
    assert left.keys() == right.keys()
    differing = [name for name in left if not left[name].equal(right[name])]
    assert differing == []
    for mine, other in zip(lines(found), lines(expected), strict=True):
        assert mine["epoch"] == other["epoch"]
        assert mine["images"] == other["images"]
        assert measured(mine["metrics"]) == measured(other["metrics"])
    for name in ("samples.png", "reconstructions.png", "config.yaml"):
        assert (found / name).read_bytes() == (expected / name).read_bytes()


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_a_trial_killed_after_every_epoch_equals_one_never_interrupted(
    make_job: MakeJob, variant: dict[str, Any]
) -> None:
    whole, killed = make_job("whole", test=True, **variant), make_job("killed", test=True, **variant)
    expected = run(whole)
    results = [Trial(killed).advance()]
    for _ in range(EPOCHS - 1):
        resumed = Trial(killed)
        assert resumed.advance() == results[-1], "a resumed trial does not say again what may not have been heard"
        results.append(resumed.advance())
    resumed.close()
    assert [measured(result.metrics) for result in results] == [measured(result.metrics) for result in expected]
    assert [(r.epoch, r.images, r.done, r.test) for r in results] == [
        (r.epoch, r.images, r.done, r.test) for r in expected
    ]
    assert_same(killed.folder, whole.folder)


@pytest.mark.parametrize("lost", ["save_last", "keep_as_best"])
def test_a_kill_between_curve_checkpoint_and_best_changes_nothing(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    whole, killed = make_job("whole"), make_job("killed")
    run(whole)
    trial = Trial(killed)
    for _ in range(EPOCHS - 1):
        trial.advance()

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(trial_module, lost, die)
        with pytest.raises(Killed):
            trial.advance()
    resumed = Trial(killed)
    results = [resumed.advance()]
    while not results[-1].done:
        results.append(resumed.advance())
    resumed.close()
    assert [result.epoch for result in results] == ([2, 3] if lost == "save_last" else [3])
    assert_same(killed.folder, whole.folder)


def test_training_draws_on_nothing_but_the_seed(make_job: MakeJob) -> None:
    state = torch.get_rng_state()
    run(make_job("first"))
    torch.manual_seed(12345)
    run(make_job("second"))
    assert_same(make_job("second").folder, make_job("first").folder)
    torch.set_rng_state(state)
    run(make_job("other", seed=6))
    assert not tensors(make_job("other").folder)["last/state.safetensors:batches.ahead"].equal(
        tensors(make_job("first").folder)["last/state.safetensors:batches.ahead"]
    )


def test_the_folder_of_a_trial(make_job: MakeJob) -> None:
    job = make_job()
    run(job)
    assert sorted(str(path.relative_to(job.folder)) for path in job.folder.rglob("*") if path.is_file()) == [
        "best/model.safetensors",
        "config.yaml",
        "last/model.safetensors",
        "last/state.json",
        "last/state.safetensors",
        "metrics.jsonl",
        "reconstructions.png",
        "samples.png",
    ]
    assert yaml.safe_load((job.folder / "config.yaml").read_text()) == {**job.config, "seed": job.seed}
    assert [line["images"] for line in lines(job.folder)] == [97, 194, 291]
    assert set(lines(job.folder)[0]["metrics"]) == {
        *("train/loss", "train/reconstruction", "train/kl", "val/nll", "val/reconstruction", "val/kl"),
        *CLOCKS,
    }


def test_the_best_weights_are_those_of_the_best_epoch(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter([3.0, 1.0, math.nan, 2.0, 1.0])
    monkeypatch.setattr(Evaluator, "validate", lambda self: {"val/nll": next(values)})
    job, weights = make_job(epochs=5), []
    trial = Trial(job)
    for _ in range(5):
        trial.advance()
        weights.append(load_file(job.folder / "last" / "model.safetensors"))
    best = load_file(job.folder / "best" / "model.safetensors")
    assert [all(best[name].equal(epoch[name]) for name in best) for epoch in weights] == [False, True, *[False] * 3]


@pytest.mark.parametrize("killed_after_test", [False, True])
def test_the_test_set_is_measured_once_even_if_the_answer_was_lost(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, killed_after_test: bool
) -> None:
    measurements = []
    monkeypatch.setattr(Evaluator, "test", lambda self, precision: {"test/nll": measurements.append(precision) or 7.5})
    job = make_job(test=True)
    if killed_after_test:
        expected = run(job)[-1]
    else:  # between the last checkpoint and the measurement
        with monkeypatch.context() as patch:
            patch.setattr(Trial, "_test", interrupt)
            with pytest.raises(KeyboardInterrupt):
                run(job)
    again = Trial(job).advance()
    assert again.done
    assert again.test == {"test/nll": 7.5}
    assert len(measurements) == 1
    assert [line["epoch"] for line in lines(job.folder)] == [1, 2, 3, 3]
    assert lines(job.folder)[-1]["metrics"] == {"test/nll": 7.5}
    if killed_after_test:
        assert again == expected


def interrupt(_: Trial) -> dict[str, float]:
    raise KeyboardInterrupt


def test_the_test_set_is_measured_with_the_best_weights(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter([1.0, 2.0, 3.0])
    monkeypatch.setattr(Evaluator, "validate", lambda self: {"val/nll": next(values)})
    seen = []

    def test(evaluator: Evaluator, _: object) -> dict[str, float]:
        seen.append({name: value.clone() for name, value in evaluator._model.state_dict().items()})
        return {"test/nll": 0.0}

    monkeypatch.setattr(Evaluator, "test", test)
    job = make_job(test=True)
    run(job)
    best = load_file(job.folder / "best" / "model.safetensors")
    assert all(seen[0][name].equal(value) for name, value in best.items())


class Poisoned(Split):
    """A split that fails when anything of it is looked at."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"a search trial read {name} of the test split")


def test_a_search_trial_never_looks_at_the_test_split(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def poisoned(*arguments: Any) -> Images:
        images = resident(*arguments)
        return Images(images.train, images.validation, Poisoned.__new__(Poisoned), images.classes)

    monkeypatch.setattr(trial_module, "resident", poisoned)
    assert run(make_job("search"))[-1].done
    with pytest.raises(AssertionError, match="read images of the test split"):
        run(make_job("final", test=True))


def test_trials_of_one_process_share_the_data(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    def remember(*arguments: Any) -> Images:
        loaded.append(resident(*arguments))
        return loaded[-1]

    monkeypatch.setattr(trial_module, "resident", remember)
    Trial(make_job("first"))
    Trial(make_job("second", backbone={"hidden": 4}))
    assert loaded[0] is loaded[1]


def test_a_metric_that_was_never_finite_leaves_strict_json_pictures_and_no_best(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Evaluator, "validate", lambda self: {"val/nll": math.nan})
    job = make_job(test=True)
    trial = Trial(job)
    trial.advance()
    trial = Trial(job)
    assert math.isnan(trial.advance().metrics["val/nll"])
    trial.advance()
    last = trial.advance()
    with torch.no_grad():
        for parameter in trial._model.parameters():
            parameter.fill_(math.nan)
    trial.close()
    assert (last.done, last.test) == (True, {})
    assert not (job.folder / "best").exists()
    assert (job.folder / "samples.png").exists()
    for text in (
        *(job.folder / "metrics.jsonl").read_text().splitlines(),
        (job.folder / "last/state.json").read_text(),
    ):
        json.loads(text, parse_constant=pytest.fail)


def test_a_trial_stopped_early_shows_its_best_epoch(make_job: MakeJob) -> None:
    job = make_job()
    trial = Trial(job)
    trial.advance()
    trial.close()
    assert (job.folder / "samples.png").exists()
    assert (job.folder / "reconstructions.png").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"backbone": {"hidden": 9}},
            r"last: a checkpoint of another model: encoder\.\S+ is \[9, 64\]; must be \[8, 64",
        ),
        ({"backbone": {"layers": 2}}, "last: a checkpoint of another model: .* is only in one of the two"),
    ],
)
def test_a_checkpoint_of_another_model_is_told_in_one_line(
    make_job: MakeJob, source: dict[str, Any], message: str
) -> None:
    job, other = make_job(), make_job("other", **source)
    Trial(other).advance()
    shutil.copytree(other.folder, job.folder)
    with pytest.raises(SweeperError, match=message) as raised:
        Trial(job)
    assert "\n" not in str(raised.value)


def test_a_state_of_another_training_is_told_in_one_line(make_job: MakeJob) -> None:
    job = make_job()
    Trial(job).advance()
    for state in ({}, {"noise": torch.zeros(3, dtype=torch.uint8)}):
        trial_module.save_last(
            job.folder,
            trial_module.Checkpoint(
                load_file(job.folder / "last" / "model.safetensors"), state, trial_module.Progress(1)
            ),
        )
        with pytest.raises(SweeperError, match="last: no state to go on from ") as raised:
            Trial(job)
        assert "\n" not in str(raised.value)


def test_a_trial_computes_on_its_own_cores_alone(make_job: MakeJob) -> None:
    before = torch.get_num_threads()
    try:
        Trial(replace(make_job(), threads=2))
        assert torch.get_num_threads() == 2
        Trial(make_job())
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_the_model_learns_digits_in_seconds(make_job: MakeJob) -> None:
    """Independent pixels with the mean image as their probabilities take 26.9 nats; a VAE must know more than that."""
    job = make_job(epochs=6, backbone={"hidden": 64})
    job.config["data"] = {"name": "digits"}
    job.config["model"]["latent_dim"] = 8
    job = replace(job, evaluation=replace(job.evaluation, validation=Precision(50, None)))
    assert run(job, 6)[-1].metrics["val/nll"] < 25.0
