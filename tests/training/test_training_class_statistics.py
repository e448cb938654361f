"""Protects what is said of the classes of samples: which are covered, how uneven they are, and how sure that is."""

import math

import pytest
import torch
from torch import Tensor

from sweeper.training.measures.classes import class_statistics, divergence

EVEN = torch.full((10,), 100)


def sure(counts: list[int]) -> Tensor:
    """Logits of so many samples of each class, beyond doubt."""
    decided = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return 1000 * torch.nn.functional.one_hot(decided, len(counts)).float()


def test_all_classes_evenly() -> None:
    assert class_statistics(sure([50] * 10), EVEN) == {"modes": 10, "class_kl": 0, "confidence": 1}


def test_half_of_the_classes() -> None:
    found = class_statistics(sure([100] * 5 + [0] * 5), EVEN)
    assert found["modes"] == 5
    assert found["class_kl"] == pytest.approx(math.log(10 / 5))


def test_the_shares_are_compared_with_those_of_the_data_and_not_with_even_ones() -> None:
    data = torch.tensor([300, 100])
    assert class_statistics(sure([30, 10]), data)["class_kl"] == pytest.approx(0, abs=1e-12)
    even = class_statistics(sure([20, 20]), data)["class_kl"]
    assert even == pytest.approx(0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))


@pytest.mark.parametrize(("rare", "covered"), [(9, 1), (10, 2)])
def test_a_class_is_covered_from_a_tenth_of_its_share_on(rare: int, covered: int) -> None:
    assert class_statistics(sure([1000 - rare, rare] + [0] * 8), EVEN)["modes"] == covered


def test_confidence_is_the_mean_of_the_greatest_probability() -> None:
    logits = torch.tensor([[0.9, 0.1], [0.4, 0.6]]).log()
    assert class_statistics(logits, EVEN[:2])["confidence"] == pytest.approx(0.75)


def test_samples_that_are_not_finite_are_in_no_class() -> None:
    broken = torch.full((400, 10), math.nan)
    found = class_statistics(torch.cat([sure([10] * 10), broken]), EVEN)
    assert found == {"modes": 10, "class_kl": 0, "confidence": 1}
    none = class_statistics(broken, EVEN)
    assert none["modes"] == 0
    assert math.isnan(none["class_kl"])
    assert math.isnan(none["confidence"])


def test_a_class_that_neither_has_does_not_matter_and_one_that_the_data_lack_is_infinitely_far() -> None:
    assert divergence(torch.tensor([5, 5, 0]), torch.tensor([7, 7, 0])) == 0
    assert divergence(torch.tensor([5, 5, 1]), torch.tensor([7, 7, 0])) == math.inf
