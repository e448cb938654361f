"""What `--json` prints: the same keys always, and numbers that every reader of JSON takes."""

import json
import math

import pytest
from fabricated import BEGIN, Arm, fabricate
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.analysis import describe_home, describe_sweep, strict, sweeps_table, trials_table

RESULTS = fabricate(
    {
        "fc": Arm([96.4, "pruned"], {0: [96.1, 96.6]}),
        "conv": Arm([95.0, (math.nan, math.nan)], {0: [95.2, (95.0, math.inf), "waiting"]}),
        "draw": Arm(["failed", "running"]),
    },
    question="Which?",
)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


@given(plain)
@settings(deadline=None)
def test_anything_becomes_strict_json(value):
    assert json.loads(json.dumps(strict(value), allow_nan=False)) == strict(value)


def test_numbers_that_json_has_not_become_null():
    assert strict({"a": [math.nan, math.inf, -math.inf, 1.5], "b": BEGIN}) == {
        "a": [None, None, None, 1.5],
        "b": "2025-11-21T12:00:00",
    }


def test_a_sweep_is_described_by_these_keys():
    described = describe_sweep(RESULTS)
    assert list(described) == [
        *("sweep", "path", "error", "refused", "name", "question", "digest", "metric", "direction", "arms", "states"),
        *("ahead", "started", "ended", "changes", "verdict", "trials"),
    ]
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert described["states"] == {"complete": 7, "pruned": 1, "failed": 1, "running": 1, "waiting": 1}
    assert described["ahead"] == {"arm": "conv", "trial": 2, "value": 95.0, "floor": None}
    assert (described["started"], described["ended"]) == ("2025-11-21T12:00:00", "2025-11-21T12:09:30")


def test_a_trial_is_described_by_these_keys():
    trials = describe_sweep(RESULTS)["trials"]
    assert [trial["trial"] for trial in trials] == list(range(11))
    assert trials[6] == {
        "trial": 6,
        "phase": "finals",
        "arm": "fc",
        "state": "complete",
        "value": 96.1,
        "measured": {},
        "test": {"test/nll": 96.1},
        "keys": {},
        "signs": {},
        "epochs": 5,
        "curve": [[1000, 105.1], [2000, 100.1], [3000, 97.1], [4000, 96.1], [5000, 97.1]],
        "parameters": {"model.latent_dim": 8, "training.optimizer.lr": 0.00125},
        "seed": 1006,
        "source": 0,
        "reason": None,
        "folder": RESULTS.records[6].folder,
        "started": "2025-11-21T12:06:00",
        "ended": "2025-11-21T12:06:30",
        "seconds": 30.0,
    }
    assert {tuple(trial) for trial in trials} == {tuple(trials[0])}


def test_a_trial_that_waits_has_nothing_yet():
    waiting = describe_sweep(RESULTS)["trials"][-1]
    assert waiting["state"] == "waiting"
    assert [waiting[key] for key in ("value", "folder", "started", "ended", "seconds")] == [None] * 5
    assert (waiting["parameters"], waiting["curve"]) == ({}, [])


def test_the_verdict_is_described_by_these_keys():
    verdict = describe_sweep(RESULTS)["verdict"]
    assert list(verdict) == ["metric", "test_metric", "arms", "comparisons", "tested", "text"]
    assert [arm["arm"] for arm in verdict["arms"]] == ["conv", "fc", "draw"]
    conv, fc, draw = verdict["arms"]
    assert conv["chosen"]["test"] == {"mean": 95.2, "spread": None, "interval": None, "values": [95.2]}
    assert conv["lost"] == [{"trial": 9, "reason": None}]
    assert fc["best"] == {"trial": 0, "value": 96.4, "parameters": RESULTS.records[0].parameters}
    assert fc["chosen"]["finals"] == [6, 7]
    assert (fc["search"]["pruned"], fc["finals"]["complete"], fc["median"]) == (1, 2, 96.4)
    assert (draw["best"], draw["chosen"], draw["median"]) == (None, None, None)
    assert {tuple(arm) for arm in verdict["arms"]} == {tuple(conv)}


def test_a_comparison_is_described_by_these_keys():
    arms = {"fc": Arm([96.4], {0: [96.1, 97.0, 98.6]}), "conv": Arm([95.0], {0: [95.2, 96.0, 97.6]})}
    (comparison,) = describe_sweep(fabricate(arms))["verdict"]["comparisons"]
    assert comparison["interval"] == pytest.approx([-1.856, 3.789], abs=1e-3)
    assert comparison["lead"] == pytest.approx(0.967, abs=1e-3)
    assert comparison["p_value"] == pytest.approx(0.3953, abs=1e-4)
    assert {key: comparison[key] for key in ("first", "other", "level", "better", "seeds_needed")} == {
        "first": "conv",
        "other": "fc",
        "level": 0.05,
        "better": None,
        "seeds_needed": {"likely": 28, "cautious": 65},
    }


def test_the_table_of_trials_has_a_row_for_each():
    table = trials_table(RESULTS.records, RESULTS.metric)
    assert len(table.rows) == len(RESULTS.records)
    assert table.rows[6][:7] == ("6", "finals", "fc", "complete", "96.10", "5", "30.0")
    assert table.rows[4][-2:] == ("latent_dim=12, lr=0.00125", "RuntimeError: out of luck")


def test_a_sweep_that_cannot_be_read_hides_no_other(tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sweep.yaml").write_text("name: [")
    (broken / "study.journal").touch()
    (entry,) = describe_home(tmp_path)
    assert list(entry) == ["sweep", "path", "error"] == list(describe_sweep(RESULTS))[:3]
    assert (entry["sweep"], entry["path"]) == ("broken", str(broken))
    assert str(broken / "sweep.yaml") in entry["error"]
    (row,) = sweeps_table([entry]).rows
    assert (row[0], row[-1]) == ("broken", entry["error"])
