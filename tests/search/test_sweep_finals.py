"""The finals of a sweep: which trials come to them, and that they are repeated with fresh seeds and tested."""

import math
from collections import Counter

from support.sweeps import make_spec, quality, simulated


def test_finals_repeat_the_best_of_the_arm_with_fresh_seeds_and_are_tested(tmp_path):
    records = simulated(make_spec(finals={"top": 2, "seeds": 3}), tmp_path)
    for arm in ("fc", "conv"):
        search = [record for record in records if record.arm == arm and record.phase == "search"]
        finals = [record for record in records if record.arm == arm and record.phase == "finals"]
        complete = sorted((record for record in search if record.state == "complete"), key=lambda r: r.value)
        sources = [record.number for record in complete[:2]]
        assert Counter(record.source for record in finals) == dict.fromkeys(sources, 3)
        by_number = {record.number: record for record in search}
        assert all(record.config == by_number[record.source].config for record in finals)
        seeds = {record.seed for record in records}
        assert len(seeds) == len(records)
        assert all(set(record.test) == {"test/nll"} and len(record.curve) == 9 for record in finals)
        assert not any(record.test for record in search)


def test_trials_that_were_stopped_latest_make_up_the_number_of_finalists(tmp_path):
    records = simulated(make_spec(epochs=4, trials=8, finals={"top": 4, "seeds": 1}), tmp_path)
    for arm in ("fc", "conv"):
        search = [record for record in records if record.arm == arm and record.phase == "search"]
        lengths = {record.number: len(record.curve) for record in search}
        chosen = [lengths[record.source] for record in records if record.arm == arm and record.phase == "finals"]
        assert chosen == sorted(lengths.values(), reverse=True)
        assert min(chosen) < 4


def test_a_trial_whose_metric_was_no_number_is_no_finalist(tmp_path):
    def metric(config, seed, epoch):
        diverges = config["model"]["backbone"]["name"] == "conv" and epoch == 3
        return math.nan if diverges else quality(config, seed, epoch)

    records = simulated(make_spec(epochs=4, trials=8, stopping="none"), tmp_path, metric=metric)
    assert {record.state for record in records if record.arm == "conv"} == {"pruned"}
    assert {record.arm for record in records if record.phase == "finals"} == {"fc"}


def test_without_finals_a_sweep_ends_with_its_search(tmp_path):
    records = simulated(make_spec(finals=None), tmp_path)
    assert {record.phase for record in records} == {"search"}
