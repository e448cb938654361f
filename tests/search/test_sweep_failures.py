"""What a sweep makes of trials that fail: they are spent, and an arm of which all fail begins no more."""

import dataclasses
import math
from collections import Counter

from driven import drive
from support.sweeps import make_spec, quality, simulated

from sweeper.search import Report, Sweep, read_records


def fails_for_conv(config, seed, epoch):
    if config["model"]["backbone"]["name"] == "conv":
        raise RuntimeError("out of luck")
    return quality(config, seed, epoch)


def test_a_failed_trial_carries_its_reason_and_counts_as_spent(tmp_path):
    records = simulated(make_spec(trials=8), tmp_path, metric=fails_for_conv)
    conv = [record for record in records if record.arm == "conv"]
    assert [(record.state, record.reason) for record in conv] == [("failed", "RuntimeError: out of luck")] * 4
    assert {record.arm for record in records if record.phase == "finals"} == {"fc"}


def test_the_seconds_of_a_failed_trial_are_those_that_were_heard(tmp_path):
    sweep = Sweep(make_spec(trials=None, budget={"hours": 0.1}), tmp_path, 1)
    number = sweep.next().number
    sweep.report(number, Report(1, 100, 1.0, done=False, seconds=70.0))
    assert sweep.next().arm == "conv"
    sweep.fail(number, "RuntimeError: out of luck")
    sweep.fail(1, "RuntimeError: before the first epoch")
    assert [record.seconds for record in read_records(tmp_path)] == [70.0, None]


def test_an_arm_that_fails_everywhere_stops_early_and_the_others_go_on(tmp_path):
    spec = make_spec(trials=40)
    records = simulated(spec, tmp_path, metric=fails_for_conv)
    assert Counter((record.arm, record.phase) for record in records) == {
        ("fc", "search"): 20,
        ("conv", "search"): 5,
        ("fc", "finals"): 2,
    }
    sweep = Sweep(spec, tmp_path, 1)
    assert sweep.finished
    assert sweep.broken_arms() == {
        "conv": "the first 5 trials of arm conv all failed, the last one: RuntimeError: out of luck; "
        "it begins no more of its 20"
    }


def test_an_arm_of_which_any_trial_did_not_fail_is_not_broken(tmp_path):
    sweep = Sweep(make_spec(trials=None, budget={"hours": 1.0}, failures={"arm": 2}), tmp_path, 1)
    for _ in range(4):
        sweep.fail(sweep.next().number, "RuntimeError: no")
        number = sweep.next().number
        if number == 1:
            drive(sweep, sweep.records()[1], math.nan, 1)
        else:
            sweep.fail(number, "RuntimeError: no")
    assert sweep.broken_arms() == {
        "fc": "the first 2 trials of arm fc all failed, the last one: RuntimeError: no; it begins no more"
    }
    assert sweep.next().arm == "conv"


def test_a_sweep_of_which_all_arms_are_broken_is_finished(tmp_path):
    sweep = Sweep(make_spec(failures={"arm": 1}), tmp_path, 1)
    while (assignment := sweep.next()) is not None:
        sweep.fail(assignment.number, "ValueError: no")
    assert sweep.finished
    assert set(sweep.broken_arms()) == {"fc", "conv"}
    assert len(sweep.records()) == 2


def test_a_trial_that_ran_out_of_memory_is_handed_out_again_with_a_larger_share(tmp_path):
    sweep = Sweep(make_spec(), tmp_path, 2)
    first, _ = sweep.next(), sweep.next()
    assert first.scale == 1
    sweep.enlarge(first.number)
    assert sweep.next() == dataclasses.replace(first, scale=2)
    sweep.enlarge(first.number)
    resumed = Sweep(make_spec(), tmp_path, 2)
    assert resumed.next() == dataclasses.replace(first, scale=4)
    assert [record.scale for record in resumed.records()] == [4, 1]
