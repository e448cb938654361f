"""Protects `sweeper models`: all that a file may name is listed, with the parameters that it really takes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from calling import Sweeper

from models import Model, names
from sweeper.spec.values import listed
from sweeper.training.catalogue import Entry, entries, entry, kinds, look_up
from sweeper.training.components import find_component, parse_config

Refused = Callable[..., str]
KINDS = {"model", "backbone", "condition", "likelihood", "objective", "optimizer", "regularizer", "schedule", "data"}


def table(out: str) -> dict[str, list[str]]:
    """Return the rows of a printed table by their first cell; cells are two blanks apart."""
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in out.splitlines()]
    return {cells[0]: cells[1:] for cells in rows if cells}


def test_every_model_is_listed_with_its_players_and_its_paper(sweeper: Sweeper) -> None:
    ended = sweeper("models")
    rows = table(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert set(names(Model)) <= rows.keys()
    assert rows["vae"][0] == "model"
    assert rows["gan"][0] == "generator, critic"
    assert rows["vae_gan"][0] == "encoder, generator, critic"
    assert "Goodfellow" in rows["gan"][1]


@pytest.mark.parametrize("name", names(Model))
def test_every_model_has_a_summary_and_players(sweeper: Sweeper, name: str) -> None:
    described = json.loads(sweeper("models", name, "--json").out)
    assert described["kind"] == "model"
    assert len(described["summary"]) > 20
    assert described["players"]
    assert described["objective"]
    assert described["schedule"]


def test_parameters_are_listed_with_defaults_and_what_is_allowed(sweeper: Sweeper) -> None:
    out = sweeper("models", "cvae").out
    rows = table(out)
    backbones = listed((*names(kinds()["backbone"]), "package.module:Class"))
    assert out.startswith("model cvae: ")
    assert rows["latent_dim"] == ["20", "an integer >= 1"]
    assert rows["backbone"] == ["fc", f"one of {backbones}"]
    assert rows["condition"][0] == "label"
    assert rows["prior"] == ["standard", "one of standard, learned"]


def test_a_default_that_is_no_plain_component_says_how_it_differs() -> None:
    (backbone,) = (parameter for parameter in entry("model", "m2").parameters if parameter.name == "backbone")
    assert backbone.default == {"name": "fc", "hidden": 500}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_lists_its_components(sweeper: Sweeper, kind: str) -> None:
    listed_in_json = json.loads(sweeper("models", kind, "--json").out)
    assert set(kinds()) == KINDS
    assert [each["name"] for each in listed_in_json] == [each.name for each in entries(kind)]
    assert {each["name"] for each in listed_in_json} <= table(sweeper("models", kind).out).keys()
    assert all(each["summary"] for each in listed_in_json)


EVERY = [each for kind in sorted(KINDS) for each in entries(kind)]


@pytest.mark.parametrize("each", EVERY, ids=lambda each: f"{each.kind}.{each.name}")
def test_the_listed_defaults_are_what_a_file_may_say(each: Entry) -> None:
    """Written out in a file, the defaults make the component that a file with its name alone makes."""
    written = {"name": each.name, **{parameter.name: parameter.default for parameter in each.parameters}}
    assert parsed(each.kind, written) == parsed(each.kind, each.name) == find_component(kinds()[each.kind], each.name)()


def parsed(kind: str, value: Any) -> Any:
    """Return the component that a file describes, put where a file may have one of its kind."""
    training = {"epochs": 1, "batch_size": 1, "optimizer": "adam"}
    config: dict[str, Any] = {"data": "digits", "model": "vae", "objective": "elbo", "training": training}
    match kind:
        case "optimizer" | "schedule":
            return getattr(parse_config(config | {"training": training | {kind: value}}).training, kind)
        case "regularizer":
            objective = {"name": "adversarial", "regularizer": value}
            return parse_config(config | {"objective": objective}).objective.regularizer
        case "backbone" | "condition" | "likelihood":
            return getattr(parse_config(config | {"model": {"name": "vae", kind: value}}).model, kind)
        case _:
            return getattr(parse_config(config | {kind: value}), kind)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("conv", "backbone.conv"),
        ("backbone.conv", "backbone.conv"),
        ("adam", "optimizer.adam"),
        ("iwae", "model.iwae"),  # An objective too: a name alone is a model's before all others.
        ("objective.iwae", "objective.iwae"),
        ("digits", "data.digits"),
    ],
)
def test_a_component_is_found_by_its_name(name: str, place: str) -> None:
    found = look_up(name)
    assert f"{found.kind}.{found.name}" == place


def test_what_cannot_be_set_is_said(sweeper: Sweeper) -> None:
    assert "nothing may be set of it" in sweeper("models", "condition.label").out


def test_unknown_names_are_one_line(refused: Refused) -> None:
    assert "did you mean vae?" in refused("models", "vea")
    assert "did you mean backbone?" in refused("models", "backbon")
    assert "did you mean backbone.conv?" in refused("models", "backbone.cnv")
    assert "must be one of condition.none, regularizer.none" in refused("models", "none")
