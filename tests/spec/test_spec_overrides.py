"""Protects overrides: any value, domain or mapping of a file can be set from the command line."""

from collections.abc import Callable
from typing import Any

import pytest

from sweeper.spec import FloatDomain, Spec, TPESearch

MODEL = "{latent_dim: {choice: [2, 4]}, backbone: {choose: {fc: {hidden: 64}, conv: }, norm: batch}}"


@pytest.mark.parametrize(
    ("overrides", "backbone"),
    [
        (["model.backbone.fc.hidden=9"], {"name": "fc", "hidden": 9, "norm": "batch"}),
        (["model.backbone.choose.fc.hidden=9"], {"name": "fc", "hidden": 9, "norm": "batch"}),
        (["model.backbone.norm=none"], {"name": "fc", "hidden": 64, "norm": "none"}),
        (["model.backbone.depth.a.b=1"], {"name": "fc", "hidden": 64, "norm": "batch", "depth": {"a": {"b": 1}}}),
        (["model.backbone.conv.kernel=3", "model.backbone.fc=null"], {"name": "fc", "norm": "batch"}),
        (["model.backbone={name: x, k: [1]}"], {"name": "x", "k": [1]}),
        (["model.backbone=fc", "model.backbone=conv"], "conv"),
        (["model.backbone.fc.lr=1e-3"], {"name": "fc", "hidden": 64, "norm": "batch", "lr": 1e-3}),
    ],
)
def test_values_are_set_through_branches(make_spec: Callable[..., Spec], overrides: list[str], backbone: Any) -> None:
    spec = make_spec(*overrides, model=MODEL)
    assert next(spec.space("all").corners()).config["model"]["backbone"] == backbone


def test_an_empty_branch_can_be_filled(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec("model.backbone.conv.kernel=3", "sweep.arms=model.backbone", model=MODEL)
    assert next(spec.space("conv").corners()).config["model"]["backbone"]["kernel"] == 3


def test_a_value_can_become_a_domain_and_a_domain_a_value(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec("training.lr={float: [1e-4, 1e-2], log: true}", "model.latent_dim=3", model=MODEL)
    assert spec.tree["training"] == {"lr": FloatDomain(1e-4, 1e-2, log=True)}
    assert spec.tree["model"]["latent_dim"] == 3


def test_a_bare_name_is_expanded_where_it_stands_for_a_mapping(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec("objective.k=5", "sweep.search.startup=3", objective="iwae", sweep="{trials: 1, search: tpe}")
    assert spec.tree["objective"] == {"name": "iwae", "k": 5}
    assert spec.settings.search == TPESearch(startup=3)


def test_defaults_of_the_sweep_can_be_set_and_unset(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(
        "sweep.search.startup=3", "sweep.finals=null", "sweep.trials=null", "sweep.budget.hours=2", "sweep.workers=2"
    )
    settings = spec.settings
    assert settings.search == TPESearch(startup=3)
    assert settings.finals is None
    assert (settings.trials, settings.budget and settings.budget.hours, settings.workers) == (None, 2.0, 2)


def test_sections_left_out_of_the_file_can_be_given(make_spec: Callable[..., Spec]) -> None:
    assert make_spec("question='Why: not?'").question == "Why: not?"


def test_errors_under_an_override_name_it_and_others_still_name_their_line(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec("model.backbone.fc={hidden: 9}", model=MODEL)
    fc = ("model", "backbone", "choose", "fc")
    assert str(spec.error((*fc, "hidden"), "is bad")) == (
        "--set model.backbone.fc={hidden: 9}: model.backbone.fc.hidden: is bad"
    )
    assert str(spec.error(("model", "backbone", "norm"), "is bad")) == "<text>:3: model.backbone.norm: is bad"
