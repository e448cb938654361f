"""Protects what the policy keeps: never too little for `export` or for going on, never more than was asked for.

PITFALLS 13: checkpoints are collected per sweep, by how good they are and by their bytes.
"""

import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records import made_record as trial
from support.sweeps import make_spec

from sweeper.analysis import SweepResults, best_trial
from sweeper.errors import SweeperError
from sweeper.search import TrialRecord
from sweeper.search.keeping import Parts, keep, keep_within_quota
from sweeper.search.ranking import Ranking
from sweeper.spec import Checkpoints, SweepSettings

ARMS = ("conv", "fc")
BOTH, BEST, LAST, NEITHER = (frozenset(parts) for parts in (("best", "last"), ("best",), ("last",), ()))
VALUES = st.one_of(st.none(), st.just(math.nan), st.sampled_from([1.0, 2.0, 3.0]), st.floats(allow_nan=False))


SPEC = make_spec()


def policy(*, mode: str = "minimize", **checkpoints: object) -> SweepSettings:
    return SPEC.settings.model_copy(update={"mode": mode, "checkpoints": Checkpoints(**checkpoints)})


@st.composite
def sweeps(draw: st.DrawFn) -> list[TrialRecord]:
    """Return the trials of a sweep in the order in which they ended."""
    states = st.sampled_from(["complete", "pruned"])
    searched = [
        trial(number, draw(VALUES), arm=draw(st.sampled_from(ARMS)), state=draw(states))
        for number in range(draw(st.integers(1, 6)))
    ]
    finals = []
    for number in range(len(searched), len(searched) + draw(st.integers(0, 8))):
        source = draw(st.sampled_from(searched))
        test = draw(st.sampled_from([{}, {"test/nll": 1.0}, {"test/nll": math.nan}]))
        finals.append(trial(number, draw(VALUES), arm=source.arm, source=source.number, test=test))
    ended = [*searched, *draw(st.permutations(finals))]
    return [replace(record, state="failed", value=None) if draw(st.integers(0, 9)) == 0 else record for record in ended]


POLICIES = st.builds(
    policy,
    mode=st.sampled_from(["minimize", "maximize"]),
    best_of_sweep=st.one_of(st.none(), st.integers(1, 4)),
    last=st.sampled_from(["running", "all"]),
    quota=st.sampled_from([None, "0 B", "3 B", "10 B"]),
)


def exportable(records: list[TrialRecord], asked: SweepSettings) -> frozenset[int]:
    return Ranking(asked, records).exportable()


def size(record: TrialRecord, parts: Parts) -> int:
    """Return bytes of made-up checkpoints, whose two parts share their weights."""
    weights, state = 1 + record.number % 3, 2
    return (weights if parts else 0) + (state if "last" in parts else 0)


def numbers(kept: object, part: str) -> list[int]:
    return [number for number, parts in kept.items() if part in parts]


def chosen_for_export(records: list[TrialRecord], asked: SweepSettings) -> set[int]:
    """Return the trials that `export` takes, for each arm and for the one ahead."""
    spec = replace(SPEC, settings=asked)
    results = SweepResults(Path("sweeps/test"), spec, tuple(sorted(records, key=lambda record: record.number)))
    chosen = set()
    for arm in (None, *ARMS):
        with suppress(SweeperError):  # An arm without a trial that was trained to its end.
            chosen.add(best_trial(results, arm).number)
    return chosen


@settings(deadline=None)
@given(records=sweeps(), asked=POLICIES)
def test_what_export_takes_at_any_moment_was_dropped_at_none_before(records, asked):
    """After each trial that ends the policy drops what it does not keep; what was dropped once is gone."""
    left = {record.number for record in records}
    for ended in range(len(records) + 1):
        now = [*records[:ended], *(replace(record, state="running", value=None, test={}) for record in records[ended:])]
        kept, _ = keep_within_quota(now, asked, size)
        left &= set(numbers(kept, "best"))
        assert chosen_for_export(now, asked) <= left


@given(records=sweeps(), asked=POLICIES)
def test_trials_that_have_not_ended_keep_everything_whatever_the_quota(records, asked):
    running = [replace(record, state=state) for record, state in zip(records, ("running", "waiting"), strict=False)]
    kept, _ = keep_within_quota([*running, *records[2:]], asked, size)
    assert all(kept[record.number] == BOTH for record in running)


@given(records=sweeps(), asked=POLICIES)
def test_the_order_in_which_trials_are_told_does_not_matter(records, asked):
    assert keep_within_quota(records, asked, size) == keep_within_quota(records[::-1], asked, size)


@given(records=sweeps(), asked=POLICIES)
def test_either_the_quota_holds_or_nothing_is_left_to_drop_and_the_line_says_so(records, asked):
    records = [replace(records[0], state="running"), *records[1:]]
    kept, too_much = keep_within_quota(records, asked, size)
    by_count, quota = keep(records, asked), asked.checkpoints.quota_bytes
    taken = sum(size(record, kept[record.number]) for record in records)
    assert all(kept[number] <= parts for number, parts in by_count.items())
    if quota is None or sum(size(record, by_count[record.number]) for record in records) <= quota:
        assert (kept, too_much) == (by_count, None)
    elif too_much is None:
        assert taken <= quota
    else:
        assert taken > quota
        ended = {record.number for record in records if record.finished}
        assert set(numbers(kept, "best")) & ended == exportable(records, asked)
        assert set(numbers(kept, "last")) & ended == set()


def test_the_best_of_the_sweep_are_finals_first_then_the_best_values_and_none_without_a_value():
    records = [
        trial(0, 5.0),
        trial(1, 1.0),
        trial(2, math.nan, state="pruned"),
        trial(3, None, state="failed"),
        trial(4, 2.0, state="pruned"),
        trial(5, 9.0, source=1, test={}),
        trial(6, 8.0, source=1),
        trial(7, 7.0, source=0),
    ]
    kept = [numbers(keep(records, policy(best_of_sweep=count)), "best") for count in (1, 2, 3, 4, 5, None)]
    assert kept == [[6, 7], [6, 7], [5, 6, 7], [1, 5, 6, 7], [1, 4, 5, 6, 7], [0, 1, 4, 5, 6, 7]]


def test_where_more_is_better_the_largest_are_kept():
    records = [trial(number, float(number)) for number in range(4)]
    assert numbers(keep(records, policy(mode="maximize", best_of_sweep=2)), "best") == [2, 3]


def test_export_takes_the_best_of_a_search_only_until_a_final_was_measured():
    search = [trial(0, 1.0), trial(1, 2.0), trial(2, 3.0, arm="conv")]
    assert exportable(search, policy()) == {0, 2}
    assert exportable([*search, trial(3, 9.0, source=1, test={})], policy()) == {0, 2}
    assert exportable([*search, trial(3, 9.0, source=1)], policy()) == {3, 2}
    assert exportable([*search, trial(3, 9.0, source=1), trial(4, 9.5, source=0)], policy()) == {3, 4, 2}


@pytest.mark.parametrize(("last", "of_ended", "of_passed_over"), [("running", BEST, NEITHER), ("all", BOTH, LAST)])
def test_the_state_to_go_on_from_is_kept_of_running_trials_or_of_all(last, of_ended, of_passed_over):
    records = [trial(0, 1.0), trial(1, 2.0), trial(2, None, state="running")]
    assert keep(records, policy(best_of_sweep=1, last=last)) == {0: of_ended, 1: of_passed_over, 2: BOTH}


def test_a_quota_drops_states_first_and_then_weights_the_worst_first():
    records = [trial(number, float(number)) for number in range(3)]
    sizes = {"best": 1, "last": 10}

    def kept(quota: int) -> list[Parts]:
        asked = policy(last="all", quota=f"{quota} B")
        return list(keep_within_quota(records, asked, lambda _, parts: sum(sizes[part] for part in parts))[0].values())

    assert kept(33) == [BOTH, BOTH, BOTH]
    assert kept(32) == [BOTH, BOTH, BEST]
    assert kept(13) == [BOTH, BEST, BEST]
    assert kept(3) == [BEST, BEST, BEST]
    assert kept(2) == [BEST, BEST, NEITHER]
    assert kept(0) == [BEST, NEITHER, NEITHER]


def test_the_line_about_a_quota_that_cannot_be_kept_says_the_numbers():
    records = [trial(0, 1.0), trial(1, 2.0), *(trial(number, None, state="running") for number in (2, 3))]
    _, line = keep_within_quota(records, policy(quota="500 MiB"), lambda _, parts: 300 * 2**20 if parts else 0)
    assert line == (
        "checkpoints take 900 MiB, more than the quota of 500 MiB: "
        "2 running trials need 600 MiB, what export takes 300 MiB"
    )
    _, line = keep_within_quota(records[1:3], policy(quota="500 MiB"), lambda *_: 300 * 2**20)
    assert line.endswith(": 1 running trial needs 300 MiB, what export takes 300 MiB")
