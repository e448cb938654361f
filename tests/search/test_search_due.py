"""Protects how many trials are said to be able to begin, by which a cluster grows and shrinks: the bill goes by it."""

import math
from pathlib import Path
from typing import Any

import pytest
from support.sweeps import make_spec

from sweeper.search import Report, Sweep


@pytest.fixture
def make(tmp_path: Path) -> Any:
    def make(**sweep: Any) -> Sweep:
        return Sweep(make_spec(stopping="none", **sweep), tmp_path, 2)

    return make


def end(sweep: Sweep, number: int) -> None:
    sweep.report(number, Report(9, 900, 1.0 + number, done=True))


def test_it_is_what_the_search_has_left_and_then_the_finals(make: Any) -> None:
    sweep = make(trials=4, finals={"top": 1, "seeds": 2})
    due = [sweep.due()]
    for _ in range(4):
        sweep.next()
        due.append(sweep.due())
    assert due == [4, 3, 2, 1, 0], "finals cannot begin while the search is at work"
    for number in range(4):
        end(sweep, number)
    assert sweep.due() == 4
    sweep.next()
    assert sweep.due() == 3


def test_what_was_lost_can_go_on(make: Any) -> None:
    sweep = make(trials=2, finals=None)
    sweep.next()
    sweep.requeue(0)
    assert sweep.due() == 2


def test_a_budget_of_time_has_no_number_of_trials(make: Any) -> None:
    assert make(trials=None, budget={"hours": 1}).due() == math.inf
