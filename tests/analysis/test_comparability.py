"""Protects the keys: which values may be ranked against each other, and what a line says where they may not."""

from dataclasses import fields, replace

import pytest
from support.keyed import BOUND, DISTANCE, keys

from sweeper.comparability import Key, advice, decided_by, difference, differences, instead, shared

PARTS = [field.name for field in fields(Key)]


def test_equal_keys_do_not_differ():
    assert differences([("a", BOUND), ("b", replace(BOUND))]) == []
    assert differences([]) == []


@pytest.mark.parametrize("part", PARTS)
def test_every_part_makes_a_difference(part):
    (found,) = differences([("a", BOUND), ("b", replace(BOUND, **{part: "other"})), ("c", BOUND)])
    value = getattr(BOUND, part)
    assert (found.part, found.holders) == (part, {value: ("a", "c"), "other": ("b",)})
    assert str(found) == f"{part}: {value or 'none'} (a, c), other (b)"


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_something_that_decides_on_it(part):
    found = differences([("a", BOUND), ("b", replace(BOUND, **{part: "other"}))])
    assert decided_by(found, "val/nll")
    assert advice(found, "val/nll") == f"give all of them the same {decided_by(found, 'val/nll')}"


def test_what_decides_on_a_value_on_test_is_set_for_finals():
    found = differences([("a", BOUND), ("b", replace(BOUND, k="1", images="test, all"))])
    assert decided_by(found, "val/nll") == "sweep.evaluation.images and sweep.evaluation.k"
    assert decided_by(found, "test/nll") == "sweep.evaluation.final_images and sweep.evaluation.final_k"


def test_of_many_holders_a_few_are_named():
    found = difference("k", [*((f"trial {number}", "100") for number in range(20)), ("trial 20", "50")])
    assert str(found) == "k: 100 (trial 0, trial 1, trial 2 and 17 more), 50 (trial 20)"


def test_a_metric_is_shared_where_all_have_it_with_one_key():
    ours, theirs = {"val/nll": BOUND, "val/fld": DISTANCE}, {"val/fld": DISTANCE, "val/error": BOUND}
    assert shared([ours, theirs]) == ("val/fld",)
    assert shared([ours, keys(likelihood="beta")]) == ("val/fld",)
    assert shared([ours, {"val/fld": replace(DISTANCE, binarization="none")}]) == ()


def test_another_metric_is_no_help_where_only_the_measuring_differs():
    held = [keys(), keys(likelihood="beta")], [keys(), keys(k="50")]
    found = [differences((str(number), each["val/nll"]) for number, each in enumerate(pair)) for pair in held]
    assert "val/fld" in instead(found[0], held[0])
    assert instead(found[1], held[1]) == ()


def test_the_advice_names_every_metric_that_would_do():
    assert advice([], "val/nll", ["val/fld"]) == "rank by val/fld, which all of them share"
    assert advice([], "val/nll", ["val/a", "val/b", "val/c"]).startswith("rank by val/a, val/b or val/c, ")


def test_a_key_survives_the_journal():
    assert Key.from_json(BOUND.to_json()) == BOUND
    assert Key.from_json({"k": "5"}) == Key("", "", "", "", "", "", "5")
