"""Protects what a sweep asks of its trials, and when one epoch is better than another."""

import json
import math
from dataclasses import replace

import pytest

from sweeper.spec import SweepSettings
from sweeper.training.job import Evaluation, Precision, final_evaluation, search_evaluation
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
            "evaluation": {"every": 3, "images": 11, "k": 7, "final_k": 13, "final_images": 17},
        }
    )
    search, final = search_evaluation(settings), final_evaluation(settings)
    assert search == Evaluation("val/nll", "minimize", Precision(7, 11), None, every=3)
    assert final == replace(search, test=Precision(13, 17))
    assert final.test_metric == "test/nll"


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
        assert progress.best_is_last == (progress.best_epoch == progress.epoch)
    assert best_epochs == [0, 2, 2, 4, 4, 4, 4, 8]
    assert (progress.epoch, progress.seconds, progress.evaluating, progress.best) == (8, 4.0, 2.0, 3.0)


@pytest.mark.parametrize("value", [1 / 3, NAN, INF])
def test_progress_comes_back_from_strict_json_to_the_bit(value: float) -> None:
    progress = Progress().after(0.1, 0.2, {"val/nll": value, "train/loss": 0.1 + 0.2}, LESS)
    text = progress.to_json()
    assert repr(Progress.from_json(text)) == repr(progress)
    assert "NaN" not in text.replace('"NaN"', "")
    json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"epoch": "x"}', "{"])
def test_what_is_no_progress_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Progress.from_json(text)
