"""Protects the settings of a sweep: defaults, short forms, and which way a metric is better."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from sweeper.spec import (
    ASHAStopping,
    Evaluation,
    Finals,
    GridSearch,
    MedianStopping,
    NoStopping,
    QMCSearch,
    RandomSearch,
    Resources,
    Spec,
    SweepSettings,
    TPESearch,
)


def test_defaults() -> None:
    settings = SweepSettings(trials=1)
    assert (settings.metric, settings.direction, settings.arms, settings.budget) == ("val/nll", "minimize", None, None)
    assert (settings.seed, settings.workers) == (0, "auto")
    assert settings.search == TPESearch(startup=10)
    assert settings.stopping == ASHAStopping(grace=1, factor=3)
    assert settings.finals == Finals(top=2, seeds=3)
    assert settings.evaluation == Evaluation(every="auto", images="auto", share=0.2, k=100, final_k=5000)
    assert settings.resources == Resources(cpu=1.0, gpu=0.0)


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("tpe", TPESearch()),
        ("{startup: 5}", TPESearch(startup=5)),
        ("{name: random}", RandomSearch()),
        ("grid", GridSearch()),
        ("qmc", QMCSearch()),
    ],
)
def test_searches(make_spec: Callable[..., Spec], text: str, search: object) -> None:
    assert make_spec(sweep=f"{{trials: 1, search: {text}}}").settings.search == search


@pytest.mark.parametrize(
    ("text", "stopping"),
    [
        ("none", NoStopping()),
        ("asha", ASHAStopping()),
        ("{factor: 4}", ASHAStopping(factor=4)),
        ("{name: median, grace: 2, startup: 7}", MedianStopping(grace=2, startup=7)),
        ("{also: [diverged, collapsed]}", ASHAStopping(also=("diverged", "collapsed"))),
        ("{name: none, also: [critic_stopped]}", NoStopping(also=("critic_stopped",))),
    ],
)
def test_stoppings(make_spec: Callable[..., Spec], text: str, stopping: object) -> None:
    assert make_spec(sweep=f"{{trials: 1, stopping: {text}}}").settings.stopping == stopping


def test_a_collapse_is_one_of_the_posterior_or_of_the_modes() -> None:
    stopping = MedianStopping(also=("diverged", "collapsed"))
    assert stopping.signs == ("diverged", "posterior_collapsed", "mode_collapsed")
    assert ASHAStopping().signs == ()


@pytest.mark.parametrize("text", ["none", "null"])
def test_finals_can_be_left_out(make_spec: Callable[..., Spec], text: str) -> None:
    assert make_spec(sweep=f"{{trials: 1, finals: {text}}}").settings.finals is None


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        ("val/nll", "minimize"),
        ("train/loss", "minimize"),
        ("val/error", "minimize"),
        ("val/fld", "minimize"),
        ("val/kid", "minimize"),
        ("val/accuracy", "maximize"),
        ("val/coverage", "maximize"),
    ],
)
def test_the_direction_follows_from_the_metric(metric: str, direction: str) -> None:
    assert SweepSettings(trials=1, metric=metric).direction == direction


def test_a_mode_overrules_the_metric_and_is_required_for_an_unknown_one() -> None:
    assert SweepSettings(trials=1, metric="val/elbo", mode="maximize").direction == "maximize"
    assert SweepSettings(trials=1, metric="val/nll", mode="maximize").direction == "maximize"
    with pytest.raises(ValidationError, match="must be minimize or maximize, as val/elbo is none of"):
        SweepSettings(trials=1, metric="val/elbo")


def test_settings_are_frozen() -> None:
    settings = SweepSettings(trials=1)
    with pytest.raises(ValidationError, match="frozen"):
        settings.trials = 2


def test_numbers_of_resources_may_be_written_as_integers(make_spec: Callable[..., Spec]) -> None:
    settings = make_spec(sweep="{budget: {usd: 20, usd_per_hour: 2}, resources: {cpu: 2, gpu: 0.25}}").settings
    assert settings.resources == Resources(cpu=2.0, gpu=0.25)
    assert settings.budget is not None
    assert settings.budget.usd == 20.0
