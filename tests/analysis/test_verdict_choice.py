"""Which configuration stands for an arm and which arm is ahead: by validation alone, and not by who survived."""

import math

import pytest
from fabricated import Arm, fabricate

from sweeper.analysis import judge
from sweeper.analysis.standing import rank_arms


def chosen(arm: Arm, **settings):
    (standing,) = rank_arms(fabricate({"fc": arm}, **settings))
    return standing.chosen


def test_the_configuration_is_chosen_on_validation_and_not_on_test():
    found = chosen(Arm([1.0, 2.0], {0: [(10.0, 99.0), (12.0, 99.0)], 1: [(13.0, 5.0), (14.0, 5.0)]}))
    assert found.source.number == 0
    assert found.validation.mean == 11.0
    assert found.test.values == (99.0, 99.0)


def test_the_luck_of_one_search_trial_does_not_choose():
    found = chosen(Arm([1.0, 2.0], {0: [12.0, 13.0], 1: [10.0, 11.0]}))
    assert found.source.number == 1


def test_the_first_arm_is_the_one_ahead_on_validation():
    verdict = judge(fabricate({"fc": Arm([1.0], {0: [(9.0, 1.0)]}), "conv": Arm([1.0], {0: [(8.0, 2.0)]})}))
    assert [standing.arm for standing in verdict.standings] == ["conv", "fc"]
    assert verdict.comparisons[0].lead == -1.0


def test_more_is_better_where_the_metric_says_so():
    arms = {"fc": Arm([0.8], {0: [0.81, 0.83]}), "conv": Arm([0.7, 0.9], {0: [0.5, 0.6], 1: [0.91, 0.93]})}
    verdict = judge(fabricate(arms, metric="val/accuracy"))
    first = verdict.standings[0]
    assert (first.arm, first.chosen.source.number, first.records.best.value) == ("conv", 2, 0.9)
    assert verdict.test_metric == "test/accuracy"
    assert verdict.comparisons[0].lead == pytest.approx(0.1)


def test_a_configuration_that_lost_finals_comes_after_one_that_lost_none():
    """Its mean is over the seeds that went well."""
    found = chosen(Arm([1.0, 2.0], {0: [10.0, "failed", "failed"], 1: [11.0, 11.5, 12.0]}))
    assert found.source.number == 1


@pytest.mark.parametrize("useless", [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan), (1.0, -math.inf), "pruned"])
def test_finals_without_finite_values_are_lost_and_not_averaged(useless):
    (standing,) = rank_arms(fabricate({"fc": Arm([1.0], {0: [10.0, useless, 12.0]})}))
    assert standing.chosen.test.values == (10.0, 12.0)
    assert [record.number for record in standing.lost] == [2]
    assert standing.finals_open == 0


@pytest.mark.parametrize("state", ["running", "waiting"])
def test_finals_that_have_not_ended_are_open_and_not_lost(state):
    (standing,) = rank_arms(fabricate({"fc": Arm([1.0], {0: [10.0, state]})}))
    assert standing.chosen.test.values == (10.0,)
    assert (standing.lost, standing.finals_open) == ((), 1)


def test_search_values_never_beat_finals():
    """The best of many looks is better than what it repeats as."""
    arms = {"a": Arm(["failed"]), "b": Arm([1.0], {0: ["failed"]}), "c": Arm([2.0]), "d": Arm([3.0], {0: [30.0]})}
    assert [standing.arm for standing in rank_arms(fabricate(arms))] == ["d", "b", "c", "a"]


def test_a_nan_in_the_search_is_never_best():
    (standing,) = rank_arms(fabricate({"fc": Arm([math.nan, 3.0, math.inf, 2.0, "pruned"])}))
    assert [record.number for record in standing.records.full_length] == [3, 1]
    assert standing.records.median == 2.5


def test_of_two_equal_trials_the_earlier_is_best():
    (standing,) = rank_arms(fabricate({"fc": Arm([2.0, 1.0, 1.0])}))
    assert standing.records.best.number == 1


@pytest.mark.parametrize(("metric", "beating"), [("val/nll", 2), ("val/accuracy", 1)])
def test_beating_counts_the_trials_that_are_strictly_better(metric, beating):
    (standing,) = rank_arms(fabricate({"fc": Arm([1.0, 2.0, 3.0, 4.0, "pruned"])}, metric=metric))
    assert standing.records.beating(3.0) == beating


def test_arms_are_ranked_the_same_whatever_order_trials_are_told_in():
    results = fabricate({"fc": Arm([1.0, 2.0], {0: [4.0, 5.0], 1: [4.5]}), "conv": Arm([3.0], {0: [3.0, 6.0]})})
    shuffled = type(results)(results.folder, results.spec, results.records[::-1])
    names = [[(s.arm, s.chosen.source.number) for s in rank_arms(found)] for found in (results, shuffled)]
    assert names[0] == names[1]
