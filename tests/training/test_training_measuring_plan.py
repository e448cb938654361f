"""Protects the plan of measuring: the same for all trials and on every machine, within its share, and open about it."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.sweeps import make_spec, simulated

from models import Batch, LatentVariableModel, Loss
from models.objectives import ELBO, LossFunction
from sweeper.spec import Spec, parse_spec
from sweeper.training.forecast import Forecast
from sweeper.training.job import Job, final_evaluation, search_evaluation
from sweeper.training.measuring_plan import LEAST_IMAGES, MeasuringPlan
from sweeper.training.trial import Trial

SMALL = {"choose": {"fc": {"hidden": 16}, "conv": {"channels": 4}}}
LARGE = {"choose": {"fc": {"hidden": 16}, "conv": {"channels": {"int": [4, 32]}}}}
VALIDATION = 250
AUTO = {"every": "auto", "images": "auto"}
ASHA = {"name": "asha", "grace": 3, "factor": 3}


def small(**sweep: Any) -> Spec:
    """Return a sweep of small models."""
    return make_spec(**{"backbone": SMALL, "stopping": ASHA, "evaluation": AUTO, **sweep})


def planned(spec: Spec) -> Spec:
    return MeasuringPlan(spec, None).spec


def images_of(spec: Spec) -> int | None:
    images = planned(spec).settings.evaluation.images
    assert images != "auto"
    return images


class TestForecast:
    FORECAST = Forecast(epochs=10, epoch=3.0, image=0.01, validation=1000)

    def test_the_last_epoch_is_measured_in_any_case(self) -> None:
        assert self.FORECAST.share(300, every=10) == pytest.approx(3 / 33)
        assert self.FORECAST.share(300, every=4) == pytest.approx(9 / 39)

    def test_no_more_images_are_measured_than_there_are(self) -> None:
        assert self.FORECAST.share(5000, every=10) == self.FORECAST.share(1000, every=10)

    @pytest.mark.parametrize("every", [1, 3, 10])
    def test_the_most_images_take_the_share_and_no_more(self, every: int) -> None:
        most = self.FORECAST.most_images(0.2, every)
        assert self.FORECAST.share(most, every) <= 0.2 < self.FORECAST.share(most + 1, every)


class TestEvery:
    @pytest.mark.parametrize("name", ["asha", "median"])
    def test_is_the_grace_of_the_stopping_rule(self, name: str) -> None:
        assert planned(small(stopping={"name": name, "grace": 4})).settings.evaluation.every == 4

    @pytest.mark.parametrize(("epochs", "every"), [(9, 1), (10, 1), (29, 2), (30, 3)])
    def test_is_a_tenth_of_the_epochs_where_no_rule_stops(self, epochs: int, every: int) -> None:
        assert planned(small(epochs=epochs, stopping="none")).settings.evaluation.every == every

    def test_the_steps_of_the_study_are_the_rungs_and_what_lies_between_them(self, tmp_path: Path) -> None:
        spec = planned(small(epochs=10, evaluation={"every": "auto", "images": 100}))
        records = simulated(spec, tmp_path)
        whole = [record for record in records if record.state == "complete"]
        assert whole
        assert {tuple(step for step, _ in record.curve) for record in whole} == {(3000, 6000, 9000, 10000)}
        pruned = [record for record in records if record.state == "pruned"]
        assert pruned
        assert {record.curve[-1][0] for record in pruned} <= {3000, 9000}


class TestImages:
    def test_are_as_many_as_the_costliest_configuration_allows(self) -> None:
        of_both, of_costly = images_of(small(backbone=LARGE)), images_of(small())
        assert of_both is not None
        assert of_costly is not None
        assert LEAST_IMAGES <= of_both < of_costly <= VALIDATION

    def test_keep_the_share_of_every_arm(self) -> None:
        plan = MeasuringPlan(small(), None)
        shares = [plan.share(arm) for arm in plan.file.arms]
        assert all(share is not None and 0 < share <= 0.2 for share in shares)
        assert plan.warnings == []

    def test_are_fewer_for_a_smaller_share_and_for_more_samples(self) -> None:
        usual = images_of(small())
        assert usual is not None
        for changed in ({"share": 0.1}, {"k": 200}):
            fewer = images_of(small(evaluation={**AUTO, **changed}))
            assert fewer is not None
            assert fewer < usual
            assert fewer % 10 == 0

    def test_are_all_there_are_where_that_costs_little(self) -> None:
        assert images_of(small(evaluation={**AUTO, "k": 1})) == VALIDATION

    def test_are_all_there_are_where_the_metric_is_not_costly_by_image(self) -> None:
        plan = MeasuringPlan(small(metric="val/fld"), None)
        assert plan.spec.settings.evaluation.images == VALIDATION
        assert {plan.share(arm) for arm in plan.file.arms} == {None}
        assert plan.warnings == []


class TestPlan:
    def test_is_the_same_whenever_it_is_made(self) -> None:
        first, second = planned(small()), planned(small())
        assert first == second
        assert first.digest == second.digest
        assert first.digest != small().digest

    def test_is_written_down_in_numbers_and_kept_from_there(self) -> None:
        spec = planned(small())
        again = parse_spec(spec.to_yaml())
        assert again.settings.evaluation == spec.settings.evaluation
        assert MeasuringPlan(again, None).spec is again

    def test_keeps_what_the_file_says(self) -> None:
        evaluation = planned(small(evaluation={"every": 1, "images": 70})).settings.evaluation
        assert (evaluation.every, evaluation.images) == (1, 70)
        assert planned(small(evaluation={"images": None})).settings.evaluation.images is None

    def test_is_followed_by_search_and_finals_alike(self) -> None:
        spec = planned(small())
        evaluation = search_evaluation(spec.settings)
        assert (evaluation.every, evaluation.validation.images) == (3, spec.settings.evaluation.images)
        assert replace(final_evaluation(spec.settings), test=None) == evaluation

    def test_warns_where_even_the_fewest_images_take_more_than_the_share(self) -> None:
        plan = MeasuringPlan(small(stopping="asha", evaluation={**AUTO, "k": 1000}), None)
        (warning,) = plan.warnings
        assert plan.spec.settings.evaluation.images == LEAST_IMAGES
        assert "sweep.evaluation: measuring val/nll on 50 images with k=1000 every 1 epochs may take" in warning
        assert warning.endswith("a larger grace of the stopping rule makes it less, and so does a smaller k")


@dataclass(frozen=True, kw_only=True)
class Broken(ELBO):
    """An objective that cannot be computed."""

    def losses(self) -> dict[str, LossFunction]:
        def loss(model: LatentVariableModel, batch: Batch, generator: torch.Generator, epoch: float) -> Loss:
            raise RuntimeError("broken\nfor ever")

        return dict.fromkeys(super().losses(), loss)


def test_what_cannot_be_forecast_is_told_and_left_out() -> None:
    text = small().to_yaml().replace("objective: {name: elbo}", f"objective: {{name: '{__name__}:Broken'}}")
    plan = MeasuringPlan(parse_spec(text), None)
    assert plan.spec.settings.evaluation.images == VALIDATION
    assert [warning.partition("configuration of ")[2] for warning in plan.warnings] == [
        "fc: RuntimeError: broken",
        "conv: RuntimeError: broken",
    ]


def test_a_trial_is_measured_where_it_is_planned_and_its_best_checkpoint_is_of_such_an_epoch(tmp_path: Path) -> None:
    spec = planned(small(epochs=4, lr=1e-3))
    config = next(spec.space("fc").corners()).config
    trial = Trial(Job(0, dict(config), 0, tmp_path, search_evaluation(spec.settings)))
    results = [trial.advance(), trial.advance()]
    assert [result.epoch for result in results] == [3, 4]
    assert results[-1].done
    images = spec.settings.evaluation.images
    assert results[-1].keys["val/nll"].images == f"val, the first {images}"
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if "val/nll" in line["metrics"]] == [3, 4]
    assert len(lines) == 4
    assert json.loads((tmp_path / "last" / "state.json").read_text())["best"][0][0] in (3, 4)
