"""Protects a sweep from a clock that is set back and forth: what it says is written down, and decides nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import optuna.storages.journal._storage as optuna_journal
import pytest
from support.sweeps import make_spec, simulated

from sweeper.analysis import SweepResults, describe_sweep
from sweeper.search import TrialRecord
from sweeper.training import curves

DAY, YEAR = timedelta(days=1), timedelta(days=365)


def jumping() -> Iterator[datetime]:
    """Yield moments a second apart, between which the clock is set back by a day, and then ahead by a year."""
    begin = datetime.now().astimezone()
    for tick in count():
        jump = -DAY if 20 <= tick < 60 else YEAR if 60 <= tick < 100 else timedelta()
        yield begin + timedelta(seconds=tick) + jump


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps, for the studies and the curves."""
    moments = jumping()

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return next(moments)

    monkeypatch.setattr(optuna_journal, "datetime", Jumping)
    monkeypatch.setattr(curves.time, "time", lambda: next(moments).timestamp())


def without_moments(records: list[TrialRecord]) -> list[TrialRecord]:
    return [replace(record, started=None, ended=None) for record in records]


@pytest.fixture
def sweeps(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[list[TrialRecord], list[TrialRecord]]:
    """The trials of one sweep under a clock that goes on and on, and under one that jumps."""
    spec = make_spec(epochs=3)
    for name in ("steady", "jumping"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sweep.yaml").write_text(spec.to_yaml())
    steady = simulated(spec, tmp_path / "steady", workers=2)
    request.getfixturevalue("clock")
    return steady, simulated(spec, tmp_path / "jumping", workers=2)


def test_the_clock_does_jump_within_trials(sweeps: tuple[list[TrialRecord], list[TrialRecord]]) -> None:
    durations = [record.ended - record.started for record in sweeps[1] if record.ended and record.started]
    assert min(durations) < timedelta() < DAY < max(durations)


def test_the_trials_are_the_same_whatever_the_clock_says(
    sweeps: tuple[list[TrialRecord], list[TrialRecord]],
) -> None:
    steady, jumping = map(without_moments, sweeps)
    assert jumping == steady


def test_no_duration_is_the_difference_of_two_moments(
    sweeps: tuple[list[TrialRecord], list[TrialRecord]], tmp_path: Path
) -> None:
    described = [describe_sweep(SweepResults.load(tmp_path / name))["trials"] for name in ("steady", "jumping")]
    steady, jumping = ([trial["seconds"] for trial in trials] for trials in described)
    assert jumping == steady
    assert all(seconds > 0 for seconds in jumping)
