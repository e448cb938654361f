"""Protects `sweeper prune`: it removes what it says and no more, and nothing at all where it is refused."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Sweeper, contents

from sweeper.execution.ownership import owned
from sweeper.search import TrialRecord, read_records
from sweeper.search.keeping import keep
from sweeper.spec import read_spec

Refused = Callable[..., str]

WEIGHTS, STATE = 1000, 2000
BEST = "best/model.safetensors"
LAST = "last/model.safetensors"


@pytest.fixture
def folder(home: Path) -> Path:
    """A finished sweep without a policy until now: every trial has its best weights and its last state."""
    for record in read_records(home / "first"):
        for part in ("best", "last"):
            (trial(home / "first", record) / part).mkdir()
        (trial(home / "first", record) / BEST).write_bytes(bytes(WEIGHTS))
        os.link(trial(home / "first", record) / BEST, trial(home / "first", record) / LAST)
        (trial(home / "first", record) / "last" / "state.safetensors").write_bytes(bytes(STATE))
    return home / "first"


def trial(folder: Path, record: TrialRecord) -> Path:
    return folder / "trials" / record.folder


def numbers(folder: Path, name: str) -> list[int]:
    """Return the trials that have a file."""
    return [record.number for record in read_records(folder) if (trial(folder, record) / name).exists()]


def test_by_default_the_policy_of_the_sweep_applies(sweeper: Sweeper, folder: Path) -> None:
    records, settings = read_records(folder), read_spec(folder / "sweep.yaml").settings
    ended = sweeper("prune", "first", "--home", "home")
    assert (ended.code, ended.err) == (0, "")
    assert numbers(folder, BEST) == [number for number, parts in keep(records, settings).items() if parts]
    assert numbers(folder, LAST) == []
    assert len(numbers(folder, "metrics.jsonl")) == len(records), "nothing else may go"
    heading, *rows, total = ended.out.splitlines()
    assert heading.split("  ")[0] == "trial"
    assert [int(row.split()[0]) for row in rows] == [record.number for record in records]
    dropped = len(records) - len(numbers(folder, BEST))
    bytes_freed = len(records) * STATE + dropped * WEIGHTS
    assert total == f"freed {bytes_freed / 1024:.4g} KiB of {len(records)} trials"


def test_a_second_time_nothing_is_left_to_remove(sweeper: Sweeper, folder: Path) -> None:
    sweeper("prune", "first", "--home", "home")
    assert sweeper("prune", "first", "--home", "home").out == "freed 0 B of 0 trials\n"


@pytest.mark.parametrize(
    ("keeps", "best", "last"),
    [
        (["best_of_sweep=null", "last=all"], 8, 8),
        (["best_of_sweep=null"], 8, 0),
        (["best_of_sweep=6", "last=running"], 6, 0),
        (["best_of_sweep=1"], 2, 0),
        (["best_of_sweep=null", "last=all", "quota=1 GiB"], 8, 8),
        (["best_of_sweep=null", "last=all", "quota=0.01 MB"], 8, 1),
        (["best_of_sweep=null", "quota=3 KB"], 3, 0),
    ],
)
def test_another_policy_can_be_asked_for(
    sweeper: Sweeper, folder: Path, keeps: list[str], best: int, last: int
) -> None:
    ended = sweeper("prune", "first", "--home", "home", *(word for keep in keeps for word in ("--keep", keep)))
    assert (ended.code, ended.err) == (0, "")
    assert (len(numbers(folder, BEST)), len(numbers(folder, LAST))) == (best, last)


def test_a_quota_that_cannot_be_kept_is_told_in_one_line(sweeper: Sweeper, folder: Path) -> None:
    ended = sweeper("prune", "first", "--home", "home", "--keep", "quota=1 B")
    assert ended.code == 0
    assert ended.err.startswith(
        "warning: checkpoints take 1.953 KiB, more than the quota of 1 B: 0 running trials need"
    )
    assert len(ended.err.splitlines()) == 1
    assert len(numbers(folder, BEST)) == 2, "what export takes of each arm"


def test_a_dry_run_says_the_same_and_removes_nothing(sweeper: Sweeper, folder: Path) -> None:
    before = contents(folder / "trials")
    dry = sweeper("prune", "first", "--home", "home", "--dry-run")
    assert contents(folder / "trials") == before
    done = sweeper("prune", "first", "--home", "home")
    told = dry.out.replace("would remove", "removed").replace("would free", "freed")
    assert told != dry.out
    assert told.split() == done.out.split()


def test_json_says_what_was_removed_of_which_trial(sweeper: Sweeper, folder: Path) -> None:
    told = [
        json.loads(sweeper("prune", "first", "--home", "home", "--keep", "last=all", "--json", *words).out)
        for words in (["--dry-run"], [])
    ]
    assert [content.pop("dry_run") for content in told] == [True, False]
    assert told[0] == told[1]
    content = told[0]
    assert (content["sweep"], content["bytes"]) == ("first", 0)
    assert content["policy"] == {"best_of_sweep": 5, "last": "all", "quota": None}
    passed_over = [record for record in read_records(folder) if record.number not in numbers(folder, BEST)]
    assert content["trials"] == [
        {"trial": record.number, "folder": record.folder, "removed": ["best"], "bytes": 0} for record in passed_over
    ]


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ("best_of_sweep", "--keep best_of_sweep: must be NAME=VALUE, such as best_of_sweep=3"),
        (
            "best_of_sweeps=3",
            '--keep best_of_sweeps=3: found "best_of_sweeps"; must be one of best_of_sweep, last, quota; did you mean',
        ),
        ("best_of_trial=3", '--keep best_of_trial=3: found "best_of_trial"; must be one of best_of_sweep, last, quota'),
        (
            "best_of_sweep=0",
            "--keep best_of_sweep=0: sweep.checkpoints.best_of_sweep: found 0; must be an integer >= 1",
        ),
        ("last=some", '--keep last=some: sweep.checkpoints.last: found "some"; must be running or all'),
        (
            "quota=5 pounds",
            '--keep quota=5 pounds: sweep.checkpoints.quota: found "5 pounds"; must be such as "500 MiB"',
        ),
        ("quota=", "--keep quota=: must be NAME=VALUE, such as best_of_sweep=3"),
    ],
)
def test_a_bad_value_is_one_line_and_nothing_is_removed(
    refused: Refused, folder: Path, keep: str, message: str
) -> None:
    assert f"error: {message}" in refused("prune", "first", "--home", "home", "--keep", keep)


def test_a_sweep_outside_the_home_is_left_alone(refused: Refused, folder: Path) -> None:
    assert "must lie in the home" in refused("prune", str(folder))


def test_a_sweep_that_is_being_run_is_left_alone(sweeper: Sweeper, folder: Path) -> None:
    before = contents(folder / "trials")
    with owned(folder):
        ended = sweeper("prune", "first", "--home", "home")
    assert ended.code == 1
    assert ended.err.startswith("error: sweep first is being run by process ")
    assert contents(folder / "trials") == before
