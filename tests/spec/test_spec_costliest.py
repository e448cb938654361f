"""Protects the search for the costliest configuration: all parameters together, where corners vary one at a time."""

from collections.abc import Callable
from typing import Any

from sweeper.spec import Spec

BRANCHES = "{a: {width: {int: [1, 9]}}, b: {k: {choice: [5, 4]}}}"
MODEL = f"{{layers: {{int: [1, 3]}}, hidden: {{int: [64, 512]}}, choose: {BRANCHES}}}"


def cost(config: dict[str, Any]) -> float:
    model = config["model"]
    return float(model["layers"] * model["hidden"] * (model["width"] if model["name"] == "a" else model["k"]))


def test_every_parameter_is_at_its_costliest_beside_the_others(make_spec: Callable[..., Spec]) -> None:
    found = make_spec(model=MODEL).space("all").costliest(cost)
    assert found.config["model"] == {"layers": 3, "hidden": 512, "name": "a", "width": 9}
    assert found.parameters == {"model.layers": 3, "model.hidden": 512, "model": "a", "model.a.width": 9}


def test_what_costs_nothing_stays_at_its_first_value(make_spec: Callable[..., Spec]) -> None:
    found = make_spec(model=MODEL).space("all").costliest(lambda _: 0.0)
    assert found.parameters == {"model.layers": 1, "model.hidden": 64, "model": "a", "model.a.width": 1}


def test_an_arm_is_fixed(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(model=MODEL, sweep="{arms: model, trials: 4}")
    assert spec.space("b").costliest(cost).config["model"] == {"layers": 3, "hidden": 512, "k": 5, "name": "b"}


def test_no_configuration_is_costed_that_has_nothing_to_choose(make_spec: Callable[..., Spec]) -> None:
    costed: list[dict[str, Any]] = []

    def noting(config: dict[str, Any]) -> float:
        costed.append(config)
        return 0.0

    make_spec(model="{a: {choice: [1]}, b: {choice: [1, 2]}}").space("all").costliest(noting)
    assert [config["model"] for config in costed] == [{"a": 1, "b": 1}, {"a": 1, "b": 2}]
