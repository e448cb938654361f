"""Protects what is shown beside the metric that ranks: the floor of a distance, what else was measured, early signs."""

import dataclasses
import math

import pytest
from fabricated import Arm, fabricate

from sweeper.analysis import SweepResults, arm_table, describe_sweep, judge, sweeps_table, trials_table, verdict_text
from sweeper.analysis.beside import cell, columns, with_floor
from sweeper.comparability import Key
from sweeper.search import TrialRecord

ARMS = {"gan": Arm([20.0, "failed"], {0: [19.0, 21.5]}), "wgan": Arm([230.0, "pruned"], {0: [225.0, 235.0]})}
SIGN = {"mode_collapsed": "2 of 10 classes covered, fewer than half, after epoch 15"}
KEY = Key.from_json({"data": "digits", "estimator": "features"})


def sample_quality(split: str, record: TrialRecord) -> dict[str, float]:
    """Return what a sweep of GANs measures of a trial: the samples of one arm are of few classes."""
    modes = 10.0 if record.arm == "gan" else 1.0 + record.number % 2
    return {f"{split}/fld_floor": 2.685, f"{split}/modes": modes, f"{split}/confidence": 0.9}


def measured(record: TrialRecord) -> TrialRecord:
    """Return a record with all that its trial measured, and the signs of a collapse in one arm."""
    if record.value is None:
        return record
    return dataclasses.replace(
        record,
        measured={"val/fld": record.value, **sample_quality("val", record)},
        test=record.test and {**record.test, **sample_quality("test", record)},
        keys={"val/fld": KEY},
        signs=SIGN if record.arm == "wgan" else {},
    )


@pytest.fixture
def results() -> SweepResults:
    """A sweep by val/fld whose second arm has collapsed."""
    results = fabricate(ARMS, metric="val/fld")
    return dataclasses.replace(results, records=tuple(map(measured, results.records)))


TRIALS = """\
trial  phase   arm   state     value  fld_floor  modes  epochs  seconds  signs           parameters                 reason
0      search  gan   complete  20.00  2.685      10     5       30.0     -               latent_dim=8, lr=0.00125   -
1      search  gan   failed    -      -          -      0       -        -               latent_dim=9, lr=0.00125   RuntimeError: out of luck
2      search  wgan  complete  230.0  2.685      1      5       30.0     mode_collapsed  latent_dim=10, lr=0.00125  -
"""  # noqa: E501  (as it is printed)


def test_the_trials_are_shown_with_what_else_was_measured_and_their_signs(results):
    assert trials_table(results.records[:3], "val/fld").plain() == TRIALS


ARM_TABLE = """\
rank  arm   test/fld  95 % interval  seeds  fld_floor  modes  val/fld  best of search  signs
1     gan   20        4 to 36        2      2.685      10     20       20.00           -
2     wgan  230       166 to 294     2      2.685      1.500  230      230.0           mode_collapsed 2/2
"""


def test_the_collapse_of_the_loser_is_in_the_table_of_the_arms(results):
    assert arm_table(judge(results)).plain() == ARM_TABLE


def test_without_finals_an_arm_has_the_signs_of_the_best_of_its_search(results):
    search = tuple(record for record in results.records if record.phase == "search")
    table = arm_table(judge(dataclasses.replace(results, records=search)))
    assert [row[-1] for row in table.rows] == ["-", "mode_collapsed"]


def test_the_floor_stands_beside_every_value_of_the_verdict(results):
    text = verdict_text(judge(results))
    assert "gan: test/fld 20 (floor 2.685; 95 % interval 4 to 36, 2 seeds, spread 1.8) with" in text
    assert "mean val/fld 20 (floor 2.685); chosen from" in text
    assert "val/fld at full length: best 20.00 (floor 2.685), median 20.00." in text


def test_the_floor_stands_beside_a_single_search_value(results):
    search = tuple(record for record in results.records if record.phase == "search")
    text = verdict_text(judge(dataclasses.replace(results, records=search)))
    assert "single search value val/fld 20.00 (floor 2.685) with latent_dim=8" in text


def test_the_floor_stands_beside_the_best_of_a_list(results):
    described = describe_sweep(results)
    assert described["ahead"] == {"arm": "gan", "trial": 0, "value": 20.0, "floor": 2.685}
    (row,) = sweeps_table([described]).rows
    assert "20.00 (floor 2.685)" in row


def test_a_trial_is_described_with_all_that_was_measured_its_keys_and_its_signs(results):
    trial = describe_sweep(results)["trials"][2]
    assert trial["measured"] == {"val/fld": 230.0, "val/fld_floor": 2.685, "val/modes": 1.0, "val/confidence": 0.9}
    assert trial["keys"] == {"val/fld": KEY.to_json()}
    assert trial["signs"] == SIGN


def test_a_sweep_without_anything_else_has_no_more_columns():
    table = trials_table(fabricate({"fc": Arm([96.4])}).records, "val/nll")
    assert table.headings == (
        *("trial", "phase", "arm", "state", "value", "epochs", "seconds", "parameters", "reason"),
    )


def test_columns_are_known_names_on_the_same_split_but_for_the_metric_itself():
    first = {"val/modes": 3.0, "val/fld": 1.0, "test/kid": 0.0}
    second = {"val/kid": 0.1, "val/confidence": 0.9, "val/fld_floor": 0.5}
    assert columns("val/fld", [first, second]) == ("val/fld_floor", "val/modes", "val/kid")
    assert columns("val/kid", [first, second]) == ("val/fld", "val/fld_floor", "val/modes")
    assert columns("val/nll", [{"val/active_units": 4.0, "val/bits_per_dim": 3.1}]) == (
        "val/bits_per_dim",
        "val/active_units",
    )


@pytest.mark.parametrize(
    ("value", "shown"), [(3.0, "3"), (9.5, "9.500"), (0.01234, "0.01234"), (math.nan, "nan"), (math.inf, "inf")]
)
def test_counts_have_no_decimals(value, shown):
    assert cell("val/modes", {"val/modes": value}, "-") == shown
    assert cell("val/kid", {"val/modes": value}, "-") == "-"


def test_a_value_without_a_floor_is_shown_alone():
    assert with_floor("12.3", None) == "12.3"
    assert with_floor("12.3", 0.0) == "12.3 (floor 0.000)"
