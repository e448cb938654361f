"""Protects what a sweep asks of its trials, and when one epoch is better than another."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper import strict_json
from sweeper.spec import SweepSettings
from sweeper.training.job import Evaluation, Job, Measured, Precision, final_evaluation, search_evaluation
from sweeper.training.progress import Progress

LESS = Evaluation("val/nll", "minimize", Precision(1, None))
MORE = replace(LESS, metric="val/accuracy", direction="maximize")
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("evaluation", "value", "best", "improves"),
    [
        (LESS, 1.0, 2.0, True),
        (LESS, 2.0, 1.0, False),
        (LESS, 1.0, 1.0, False),
        (MORE, 2.0, 1.0, True),
        (MORE, 1.0, 2.0, False),
        (LESS, 5.0, NAN, True),
        (LESS, NAN, 5.0, False),
        (LESS, NAN, NAN, False),
        (LESS, -INF, 5.0, False),
        (MORE, INF, 5.0, False),
        (LESS, INF, NAN, False),
    ],
)
def test_improvement(evaluation: Evaluation, value: float, best: float, improves: bool) -> None:
    assert evaluation.improves(value, best) is improves


def test_search_trials_have_no_test_and_finals_have_that_of_the_file() -> None:
    settings = SweepSettings.model_validate(
        {
            "trials": 1,
            "stopping": {"grace": 6},
            "checkpoints": {"best_of_trial": 4},
            "evaluation": {"every": 3, "images": 11, "k": 7, "final_k": 13, "final_images": 17},
        }
    )
    search, final = search_evaluation(settings), final_evaluation(settings)
    assert search == Evaluation("val/nll", "minimize", Precision(7, 11), None, every=3, best_epochs=4)
    assert final == replace(search, test=Precision(13, 17))
    assert settings.test_metric == "test/nll"


@pytest.mark.parametrize("evaluation", [{}, {"every": 1}, {"images": 10}, {"images": None}])
def test_what_is_left_to_auto_is_planned_before_it_is_measured(evaluation: dict[str, object]) -> None:
    settings = SweepSettings.model_validate({"trials": 1, "evaluation": evaluation})
    with pytest.raises(ValueError, match=r"auto.* in sweep\.evaluation; must be planned"):
        search_evaluation(settings)


def test_progress_keeps_the_first_of_equal_bests_and_never_one_that_is_not_finite() -> None:
    progress, best_epochs = Progress(), []
    for value in (NAN, 5.0, 6.0, 4.0, 4.0, -INF, NAN, 3.0):
        progress = progress.after(0.25, 0.25, {"val/nll": value}, LESS)
        best_epochs.append(progress.best_epoch)
    assert best_epochs == [0, 2, 2, 4, 4, 4, 4, 8]
    assert (progress.epoch, progress.seconds, progress.evaluating, progress.best) == (8, 4.0, 2.0, ((8, 3.0),))


@pytest.mark.parametrize(
    ("evaluation", "best"),
    [
        (replace(LESS, best_epochs=3), [(7, 2.0), (4, 3.0), (2, 4.0)]),
        (replace(LESS, best_epochs=9), [(7, 2.0), (4, 3.0), (2, 4.0), (5, 4.0), (1, 5.0)]),
        (replace(MORE, best_epochs=2), [(1, 5.0), (2, 4.0)]),
    ],
)
def test_the_best_epochs_follow_from_the_curve_alone(evaluation: Evaluation, best: list[tuple[int, float]]) -> None:
    curve = [5.0, 4.0, NAN, 3.0, 4.0, INF, 2.0, -INF]
    progress = Progress()
    for value in curve:
        progress = progress.after(1.0, 1.0, {evaluation.metric: value}, evaluation)
    assert list(progress.best) == best
    assert progress.best == evaluation.best(Measured(*one) for one in enumerate(curve, start=1))


def test_a_trial_is_the_same_in_every_process_and_another_with_another_seed() -> None:
    job = Job(0, {"model": {"name": "vae", "latent_dim": 2}, "data": {"name": "digits"}}, 5, Path("trial"), LESS)
    other_order = {"data": {"name": "digits"}, "model": {"latent_dim": 2, "name": "vae"}}
    assert job.identity == replace(job, config=other_order, folder=Path("moved"), threads=2, scale=2).identity
    assert job.identity != replace(job, seed=6).identity
    assert job.identity != replace(job, config={**job.config, "data": {"name": "mnist"}}).identity


@pytest.mark.parametrize("value", [1 / 3, NAN, INF])
def test_progress_comes_back_from_strict_json_to_the_bit(value: float) -> None:
    progress = Progress().after(0.1, 0.2, {"val/nll": value, "train/loss": 0.1 + 0.2}, LESS)
    text = strict_json.dumps(progress.to_values())
    assert repr(Progress.from_values(json.loads(text))) == repr(progress)
    assert "NaN" not in text.replace('"NaN"', "")
    json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "change", [{"epoch": "x"}, {"epoch": None}, {"metrics": 3}, {"metrics": {"a": []}}, {"best": [1]}, {"best": 1}]
)
def test_what_is_no_progress_is_refused(change: dict[str, object]) -> None:
    values = Progress().to_values()
    for broken in (values | change, {name: values[name] for name in values if name not in change}):
        with pytest.raises((ValueError, KeyError, TypeError)):
            Progress.from_values(broken)
