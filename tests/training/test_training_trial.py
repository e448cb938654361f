"""Protects what a trial measures and when, and what its folder holds."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
import yaml
from running import CLOCKS, lines, run
from safetensors.torch import load_file

from sweeper.training import trial as trial_module
from sweeper.training.data import Images, Split, resident
from sweeper.training.evaluation import Evaluator
from sweeper.training.job import Job, Precision
from sweeper.training.trial import Trial

MakeJob = Callable[..., Job]


def test_the_folder_of_a_trial(make_job: MakeJob) -> None:
    job = make_job()
    job = replace(job, evaluation=replace(job.evaluation, share=1.0))
    run(job)
    assert sorted(str(path.relative_to(job.folder)) for path in job.folder.rglob("*") if path.is_file()) == [
        "best/model.safetensors",
        "config.yaml",
        "interpolation.png",
        "last/model.safetensors",
        "last/state.json",
        "last/state.safetensors",
        "latents.png",
        "metrics.jsonl",
        *(f"pictures/interpolation/{epoch:04d}.png" for epoch in (1, 2, 3)),
        *(f"pictures/latents/{epoch:04d}.png" for epoch in (1, 2, 3)),
        *(f"pictures/reconstructions/{epoch:04d}.png" for epoch in (1, 2, 3)),
        *(f"pictures/samples/{epoch:04d}.png" for epoch in (1, 2, 3)),
        "reconstructions.png",
        "samples.png",
    ]
    assert yaml.safe_load((job.folder / "config.yaml").read_text()) == {**job.config, "seed": job.seed}
    assert [line["images"] for line in lines(job.folder)] == [97, 194, 291]
    named = set(lines(job.folder)[0]["metrics"])
    assert {name for name in named if not name.startswith("val/")} == {
        *("train/loss", "train/reconstruction", "train/kl", "train/gradient_norm/model", "train/lr/model"),
        *CLOCKS,
    }
    assert {"val/nll", "val/reconstruction", "val/kl"} <= named


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
    with pytest.raises(AssertionError, match=r"read (images|labels) of the test split"):
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
