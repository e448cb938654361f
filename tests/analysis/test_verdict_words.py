"""The verdict in words: the text of every kind of answer. Whoever changes a sentence reads it here first."""

import pytest
from fabricated import Arm, fabricate

from sweeper.analysis import judge, verdict_lines, verdict_text

FC = Arm([96.4, 97.0, 99.0, "pruned", "failed"], {0: [96.1, 96.6, 96.3], 1: [96.5, 97.0, 96.9]})
CONV = Arm([95.0, 96.0, 101.0], {0: [(94.9, 95.2), (94.8, 95.0), (95.3, 95.6)]})
ONE_SEED = Arm([96.4], {0: [96.1]})
CONSTANT = Arm([96.4], {0: [96.1, 96.1, 96.1]})
LOST = Arm([96.4], {0: ["failed", "failed"]})

GOLDEN = """\
Question: Which one?
Answer: conv is better than fc by 1.07 nats (95 % interval 0.42 to 1.71, test/nll, 3 seeds each).
conv: test/nll 95.27 nats (95 % interval 94.51 to 96.03, 3 seeds, spread 0.31) with latent_dim=13, lr=0.00125 \
(trial 5; mean val/nll 95.00 nats; chosen from 1 configuration)
fc: test/nll 96.33 nats (95 % interval 95.71 to 96.96, 3 seeds, spread 0.25) with latent_dim=8, lr=0.00125 \
(trial 0; mean val/nll 96.33 nats; chosen from 2 configurations)
Search of conv: 3 trials (3 at full length); val/nll at full length: best 95.00, median 96.00.
Search of fc: 5 trials (3 at full length, 1 stopped early, 1 failed); val/nll at full length: best 96.40, median 97.00.
Tuning: 2 of conv's 3 trials at full length beat the best of fc in val/nll.
"""


def lines(arms: dict[str, Arm], **settings) -> list[str]:
    return list(verdict_lines(judge(fabricate(arms, **settings))))


def answers(arms: dict[str, Arm], **settings) -> list[str]:
    """Return what a verdict answers, without what it rests on."""
    return [line.removeprefix("Answer: ") for line in lines(arms, **settings) if line.startswith("Answer: ")]


def test_the_whole_text_of_a_verdict():
    assert verdict_text(judge(fabricate({"fc": FC, "conv": CONV}, question="Which\none?"))) == GOLDEN


def test_no_line_is_empty_or_broken():
    text = verdict_text(judge(fabricate({"fc": FC, "conv": CONV, "lost": LOST, "constant": CONSTANT})))
    assert all(line.strip() == line and line for line in text.splitlines())


def test_too_little_to_tell_says_what_it_would_take():
    (answer,) = answers({"fc": Arm([96.4], {0: [96.1, 97.0, 98.6]}), "conv": Arm([95.0], {0: [95.2, 96.0, 97.6]})})
    assert answer == (
        "conv and fc are not distinguishable yet: difference 1.0 nats in favour of conv (95 % interval -1.9 to 3.8, "
        "test/nll, 3 seeds each); about 28 to 65 seeds per arm would tell a difference of this size (80 % power)."
    )


def test_a_difference_too_small_to_be_told_by_any_affordable_sweep():
    (answer,) = answers({"fc": Arm([1.0], {0: [1.001, 2.001, 3.001]}), "conv": Arm([1.0], {0: [1.0, 2.0, 3.0]})})
    assert answer.endswith("; more than 1000 seeds per arm would be needed to tell a difference of this size.")


def test_a_difference_that_only_many_seeds_might_tell():
    (answer,) = answers({"fc": Arm([1.0], {0: [1.15, 2.15, 3.15]}), "conv": Arm([1.0], {0: [1.0, 2.0, 3.0]})})
    assert answer.endswith(
        "; about 699 to more than 1000 seeds per arm would tell a difference of this size (80 % power)."
    )


def test_arms_that_do_not_differ_at_all():
    (answer,) = answers({"fc": Arm([1.0], {0: [1.0, 2.0]}), "conv": Arm([1.0], {0: [2.0, 1.0]})})
    assert "difference 0.0 nats (95 % interval" in answer
    assert answer.endswith("2 seeds each); no number of seeds tells apart what does not differ.")


def test_the_arm_that_is_better_on_test_is_named_even_if_validation_preferred_the_other():
    arms = {
        "fc": Arm([1.0], {0: [96.1, 97.0, 97.0]}),
        "conv": Arm([1.0], {0: [(97.0, 95.0), (97.5, 95.1), (98.0, 95.3)]}),
    }
    (answer,) = answers(arms)
    assert answer == (
        "conv is better than fc by 1.6 nats (95 % interval 0.4 to 2.7, test/nll, 3 seeds each), "
        "although fc was ahead on validation."
    )


def test_a_metric_of_which_more_is_better_and_which_has_no_unit():
    arms = {"fc": Arm([0.9], {0: [0.91, 0.92, 0.93]}), "conv": Arm([0.9], {0: [0.81, 0.82, 0.82]})}
    assert answers(arms, metric="val/accuracy") == [
        "fc is better than conv by 0.103 (95 % interval 0.083 to 0.124, test/accuracy, 3 seeds each)."
    ]


def test_one_arm_has_nothing_to_be_compared_with():
    assert lines({"all": CONV}) == [
        "Answer: all is the only arm, so there is nothing to compare it with.",
        GOLDEN.splitlines()[2].replace("conv", "all").replace("13", "8").replace("trial 5", "trial 0"),
        "Search of all: 3 trials (3 at full length); val/nll at full length: best 95.00, median 96.00.",
    ]


@pytest.mark.parametrize(
    ("fc", "conv", "seeds", "why"),
    [
        (ONE_SEED, ONE_SEED, "one seed each", "one seed each says nothing about spread"),
        (ONE_SEED, CONV, "3 and 1 seeds", "fc has one seed, which says nothing about spread"),
        (CONSTANT, CONV, "3 seeds each", "the 3 seeds of fc gave the same value, which shows no spread to judge by"),
    ],
)
def test_without_spread_there_is_no_claim(fc, conv, seeds, why):
    (answer,) = answers({"fc": fc, "conv": conv})
    assert answer.startswith(
        ("conv and fc cannot be told apart: difference ", "fc and conv cannot be told apart: difference ")
    )
    assert answer.endswith(f"(test/nll, {seeds}); {why}.")


def test_an_arm_without_spread_has_no_interval():
    arm_lines = [line for arm in (ONE_SEED, CONSTANT) for line in lines({"fc": arm}) if line.startswith("fc: ")]
    assert arm_lines[0].startswith("fc: test/nll 96.10 nats (one seed, which says nothing about spread) with ")
    assert arm_lines[1].startswith("fc: test/nll 96.10 nats (no interval, 3 seeds gave the same value) with ")


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        (Arm(["failed", "pruned"]), "no search trial of fc has been trained to its end"),
        (Arm([96.0]), "no final of fc has ended yet"),
        (Arm([96.0], {0: ["waiting", "failed"]}), "no final of fc has ended yet"),
        (LOST, "none of fc's 2 finals gave a value on validation and on test"),
    ],
)
def test_an_arm_without_a_measured_final_cannot_be_compared(arm, why):
    assert answers({"fc": arm, "conv": CONV}) == [f"conv and fc cannot be compared; {why}."]


@pytest.mark.parametrize(
    ("arms", "settings", "why"),
    [
        ({"fc": Arm(["failed"]), "conv": Arm([])}, {}, "no search trial has been trained to its end"),
        ({"fc": Arm([96.0]), "conv": Arm([95.0])}, {}, "no final has ended yet"),
        ({"fc": Arm([96.0], {0: ["running"]}), "conv": LOST}, {}, "no final has ended yet"),
        ({"fc": LOST, "conv": LOST}, {}, "none of 4 finals gave a value on validation and on test"),
        (
            {"fc": Arm([96.0]), "conv": Arm([95.0])},
            {"finals": None},
            "finals are switched off, and a single search value, the best of many, supports no claim",
        ),
    ],
)
def test_without_finals_there_is_no_answer(arms, settings, why):
    assert answers(arms, **settings) == [f"none; {why}."]


def test_without_finals_the_single_values_are_called_what_they_are():
    assert lines({"fc": Arm([96.0, "pruned"]), "conv": Arm(["failed"])}, finals=None)[1:] == [
        "fc: single search value val/nll 96.00 nats with latent_dim=8, lr=0.00125 (trial 0)",
        "conv: no result",
        "Search of fc: 2 trials (1 at full length, 1 stopped early); val/nll at full length: best 96.00, median 96.00.",
        "Search of conv: 1 trial (1 failed).",
    ]


def test_finals_that_were_lost_or_are_open_are_counted_and_named():
    arm = Arm([96.0], {0: [96.0, 96.5, "failed", (96.0, float("nan")), "running"]})
    assert lines({"fc": arm})[-2:] == [
        "Lost finals of fc: 2 of 5 (trial 3: RuntimeError: out of luck; trial 4: no finite value).",
        "Open finals of fc: 1 of 5.",
    ]


def test_more_than_two_arms_are_each_compared_with_the_first_and_corrected_for_all_pairs():
    arms = {
        arm: Arm([95.0], {0: [95.0 + lead, 95.2 + lead, 95.4 + lead]})
        for arm, lead in zip("abc", (0.4, 0, 2), strict=True)
    }
    found = lines(arms)
    assert found[0].startswith("Answer: b and a are not distinguishable yet: difference 0.40 nats in favour of b")
    assert found[1].startswith(
        "Answer: b is better than c by 2.00 nats (95 % interval 1.35 to 2.65, test/nll, 3 seeds each)."
    )
    assert found[2] == (
        "Intervals and claims are corrected by Holm's method for all 3 pairs of arms, "
        "because the one ahead was picked by looking at all of them."
    )


def test_tuning_is_told_for_the_arm_with_the_better_best():
    arms = {"fc": Arm([94.0, 97.0, 99.0], {0: [97.0]}), "conv": Arm([95.0, 96.0], {0: [95.0]})}
    assert lines(arms)[-1] == "Tuning: 1 of fc's 3 trials at full length beat the best of conv in val/nll."
