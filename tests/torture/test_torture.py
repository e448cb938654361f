"""Protects that a real sweep whose processes are killed at random moments comes to the same as one left alone.

A few kills in a short sweep; `torture.py` beside this makes as many as one likes. The moments are drawn from the seed
in SWEEPER_TORTURE_SEED, which is printed.
"""

import os

import pytest
from ordeal import GONE, STUCK
from subject import Size
from swept import OF_A_REAL_SWEEP
from torture import Outcome, killed_sweep, report, whole_sweep

pytestmark = OF_A_REAL_SWEEP

SHORT = Size(trials=8, epochs=3)
KILLS = 3
ASPECTS = ("trials", "metrics", "weights", "verdict", "MLflow", "files")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A sweep after its kills, held against the same one left alone."""
    seed = int(os.environ.get("SWEEPER_TORTURE_SEED", "14"))
    whole, expected = whole_sweep(tmp_path_factory.mktemp("torture"), SHORT)
    outcome = killed_sweep(whole, expected, "killed", seed, KILLS, "any")
    print(f"SWEEPER_TORTURE_SEED={seed}", *report(outcome), sep="\n")
    return outcome


def test_it_was_killed(outcome: Outcome) -> None:
    assert outcome.ordeal.kills


def test_every_command_ends_well_and_takes_its_processes_with_it(outcome: Outcome) -> None:
    assert outcome.ordeal.faults == [], f"after {STUCK} s without a line, or {GONE} s with processes left"


@pytest.mark.parametrize("aspect", ASPECTS)
def test_nothing_tells_it_from_a_sweep_that_was_left_alone(outcome: Outcome, aspect: str) -> None:
    assert outcome.differences[aspect] == []
