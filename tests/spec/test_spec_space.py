"""Protects the search space: parameters exist only where they were chosen, named and ordered as in the file."""

from collections.abc import Callable

import pytest

from sweeper.errors import UsageError
from sweeper.spec import ChoiceDomain, Domain, FloatDomain, IntDomain, Spec, Value, parse_spec

NESTED = """\
name: test
data: digits
model:
  latent_dim: {choice: [2, 4]}
  backbone:
    norm: {choice: [none, batch]}
    choose:
      fc: {hidden: {int: [64, 512], log: true}}
      conv:
        choose:
          plain:
          gated: {name: conv_gated, gate: {float: [0, 1], step: 0.5}}
        kernel: {int: [3, 5], step: 2}
    dropout: 0.1
objective: elbo
training:
  choose:
    short: {epochs: 2}
    long: {epochs: 4, optimizer: {choose: {adam: , sgd: {momentum: 0.9}}}}
sweep: {trials: 1}
"""


def first(_: str, domain: Domain) -> Value:
    """Pick the first value of every domain."""
    return domain.extremes[0]


def picking(**choices: Value) -> Callable[[str, Domain], Value]:
    """Return a function that picks by the last word of a parameter's name, and else the first value."""
    return lambda name, domain: choices.get(name.rpartition(".")[2], domain.extremes[0])


def test_each_active_parameter_is_asked_for_once_in_the_order_of_the_file() -> None:
    asked: list[tuple[str, Domain]] = []

    def suggest(name: str, domain: Domain) -> Value:
        asked.append((name, domain))
        return picking(backbone="conv", conv="gated", training="long")(name, domain)

    parse_spec(NESTED).space("all").resolve(suggest)
    assert asked == [
        ("model.latent_dim", ChoiceDomain((2, 4))),
        ("model.backbone.norm", ChoiceDomain(("none", "batch"))),
        ("model.backbone", ChoiceDomain(("fc", "conv"))),
        ("model.backbone.conv", ChoiceDomain(("plain", "gated"))),
        ("model.backbone.conv.gated.gate", FloatDomain(0.0, 1.0, step=0.5)),
        ("model.backbone.conv.kernel", IntDomain(3, 5, step=2)),
        ("training", ChoiceDomain(("short", "long"))),
        ("training.long.optimizer", ChoiceDomain(("adam", "sgd"))),
    ]


def test_a_configuration_is_plain_and_complete() -> None:
    space = parse_spec(NESTED).space("all")
    resolved = space.resolve(picking(backbone="conv", conv="gated", training="long", optimizer="sgd"))
    assert resolved.config == {
        "data": {"name": "digits"},
        "model": {
            "latent_dim": 2,
            "backbone": {"norm": "none", "name": "conv_gated", "gate": 0.0, "kernel": 3, "dropout": 0.1},
        },
        "objective": {"name": "elbo"},
        "training": {"epochs": 4, "optimizer": {"name": "sgd", "momentum": 0.9}},
    }
    assert resolved.parameters == {
        "model.latent_dim": 2,
        "model.backbone.norm": "none",
        "model.backbone": "conv",
        "model.backbone.conv": "gated",
        "model.backbone.conv.gated.gate": 0.0,
        "model.backbone.conv.kernel": 3,
        "training": "long",
        "training.long.optimizer": "sgd",
    }


def test_a_branch_is_named_by_its_innermost_label_unless_a_name_is_given(make_spec: Callable[..., Spec]) -> None:
    names = [corner.config["model"] for corner in parse_spec(NESTED).space("all").corners()]
    assert {model["backbone"]["name"] for model in names} == {"fc", "plain", "conv_gated"}
    shared = make_spec(model="{name: vae, choose: {a: , b: }}").space("all")
    assert [corner.config["model"] for corner in shared.corners()] == [{"name": "vae"}] * 2


def test_the_section_training_is_no_component_and_gets_no_name() -> None:
    corners = parse_spec(NESTED).space("all").corners()
    assert not [corner for corner in corners if "name" in corner.config["training"]]


def test_configurations_share_nothing_with_the_specification(make_spec: Callable[..., Spec]) -> None:
    space = make_spec(model="{layers: [{channels: [8]}]}").space("all")
    space.resolve(first).config["model"]["layers"][0]["channels"].append(16)
    assert space.resolve(first).config["model"] == {"layers": [{"channels": [8]}]}


def test_every_part_of_a_configuration_knows_its_place_in_the_file() -> None:
    spec = parse_spec(NESTED, "s.yaml")
    resolved = spec.space("all").resolve(picking(backbone="conv", conv="gated"))
    gate = ("model", "backbone", "gate")
    assert resolved.origins[gate] == ("model", "backbone", "choose", "conv", "choose", "gated", "gate")
    assert str(spec.error(resolved.origins[gate], "is bad")) == "s.yaml:12: model.backbone.conv.gated.gate: is bad"
    assert str(spec.error(resolved.origin(("model", "backbone", "name")), "is bad")).startswith("s.yaml:12: ")
    missing = resolved.origin(("model", "backbone", "depth", "x"))
    assert str(spec.error(missing, "is missing")) == "s.yaml:5: model.backbone.depth.x: is missing"


def test_a_name_taken_from_a_label_is_found_at_the_label(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(model="{choose: {vae: }}")
    origin = spec.space("all").resolve(first).origins["model", "name"]
    assert str(spec.error(origin, "is unknown")) == "<text>:3: model.vae.name: is unknown"


@pytest.mark.parametrize("value", ["batch2", None, 3])
def test_a_value_outside_its_domain_is_refused(value: Value) -> None:
    space = parse_spec(NESTED).space("all")
    with pytest.raises(ValueError, match=r"model\.backbone\.norm: suggested .*; must be in ChoiceDomain"):
        space.resolve(picking(norm=value))


def test_an_arm_fixes_its_branch_which_is_no_parameter() -> None:
    spec = parse_spec(NESTED, overrides=["sweep.arms=model.backbone"])
    assert spec.arms == ("fc", "conv")
    resolved = spec.space("fc").resolve(first)
    assert resolved.config["model"]["backbone"] == {"norm": "none", "name": "fc", "hidden": 64, "dropout": 0.1}
    assert list(resolved.parameters) == [
        "model.latent_dim",
        "model.backbone.norm",
        "model.backbone.fc.hidden",
        "training",
    ]


def test_corners_visit_every_branch_and_every_extreme_without_a_product() -> None:
    corners = list(parse_spec(NESTED).space("all").corners())
    visited: dict[str, set[Value]] = {}
    for corner in corners:
        for name, value in corner.parameters.items():
            visited.setdefault(name, set()).add(value)
    assert visited == {
        "model.latent_dim": {2, 4},
        "model.backbone.norm": {"none", "batch"},
        "model.backbone": {"fc", "conv"},
        "model.backbone.fc.hidden": {64, 512},
        "model.backbone.conv": {"plain", "gated"},
        "model.backbone.conv.gated.gate": {0.0, 1.0},
        "model.backbone.conv.kernel": {3, 5},
        "training": {"short", "long"},
        "training.long.optimizer": {"adam", "sgd"},
    }
    assert len(corners) == 1 + len(visited), "each parameter has two extremes here, so adds one configuration"


def test_a_space_without_parameters_is_one_configuration(make_spec: Callable[..., Spec]) -> None:
    space = make_spec().space("all")
    assert [corner.parameters for corner in space.corners()] == [{}]
    assert list(space.grid()) == [{}]
    assert space.count() == 1


def test_a_grid_holds_every_assignment_once_the_last_parameter_fastest(make_spec: Callable[..., Spec]) -> None:
    model = "{a: {int: [1, 2]}, choose: {x: {b: {float: [0, 0.2], step: 0.1}}, y: }, c: {choice: [p, q]}}"
    space = make_spec(model=model).space("all")
    assert [tuple(parameters.values()) for parameters in space.grid()][:8] == [
        (1, "x", 0.0, "p"),
        (1, "x", 0.0, "q"),
        (1, "x", 0.1, "p"),
        (1, "x", 0.1, "q"),
        (1, "x", 0.2, "p"),
        (1, "x", 0.2, "q"),
        (1, "y", "p"),
        (1, "y", "q"),
    ]
    assert len(list(space.grid())) == space.count() == 16


def test_a_grid_of_one_arm_counts_only_what_the_arm_can_reach(make_spec: Callable[..., Spec]) -> None:
    model = "{choose: {a: {x: {float: [0, 1]}}, b: {y: {int: [1, 5]}}}, n: {choice: [c, d]}}"
    spec = make_spec(model=model, sweep="{trials: 1, arms: model}")
    assert spec.space("a").count() is None
    assert spec.space("b").count() == len(list(spec.space("b").grid())) == 10


def test_a_grid_of_a_continuous_space_is_refused_at_once(make_spec: Callable[..., Spec]) -> None:
    space = make_spec(model="{choose: {a: , b: {x: {float: [0, 1]}}}}").space("all")
    assert space.count() is None
    with pytest.raises(UsageError) as caught:
        space.grid()
    assert str(caught.value) == "<text>:3: model.b.x: found a float range without a step; a grid needs a finite space"


def test_a_huge_grid_is_counted_and_begun_without_listing_it(make_spec: Callable[..., Spec]) -> None:
    model = "{" + ", ".join(f"p{i}: {{int: [1, 1000000000]}}" for i in range(9)) + "}"
    space = make_spec(model=model).space("all")
    assert space.count() == 10**81
    assert next(iter(space.grid())) == {f"model.p{i}": 1 for i in range(9)}
