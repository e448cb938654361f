"""Protects precision, recall, density and coverage: right on sets whose answer is known, and without an exception."""

import math

import pytest
import torch
from torch import Tensor

from sweeper.training.measures import neighbours
from sweeper.training.measures.neighbours import NEIGHBOURS, Manifold, compare


def found(real: Tensor, samples: Tensor) -> dict[str, float]:
    return compare(Manifold.of(real), Manifold.of(samples))


def drawn(count: int, seed: int, centre: float = 0.0) -> Tensor:
    return centre + torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def test_by_hand_on_a_line_with_one_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real balls are [-1, 1], [0, 2] and [1, 5]; those of the samples reach 9 around 0.5 and 9.5."""
    monkeypatch.setattr(neighbours, "NEIGHBOURS", 1)
    real, samples = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[0.5], [9.5]])
    assert found(real, samples) == {"precision": 0.5, "recall": 1, "density": 1, "coverage": pytest.approx(2 / 3)}
    assert found(samples, real) == {"precision": 1, "recall": 0.5, "density": pytest.approx(5 / 3), "coverage": 1}


def test_a_set_is_precise_and_covers_itself() -> None:
    """Each ball holds its centre and its neighbours."""
    same = drawn(200, 0)
    assert found(same, same) == {
        "precision": 1,
        "recall": 1,
        "density": pytest.approx((NEIGHBOURS + 1) / NEIGHBOURS),
        "coverage": 1,
    }


def test_sets_far_from_each_other_share_nothing() -> None:
    assert found(drawn(200, 0), drawn(300, 1, centre=100)) == dict.fromkeys(
        ("precision", "recall", "density", "coverage"), 0
    )


def test_draws_of_one_distribution_cover_what_they_should_on_average() -> None:
    real, samples = 100, 150
    runs = [found(drawn(real, seed), drawn(samples, 1000 + seed)) for seed in range(40)]
    expected = 1 - math.prod((real - i) / (real + samples - i) for i in range(1, NEIGHBOURS + 1))
    means = {name: sum(run[name] for run in runs) / len(runs) for name in runs[0]}
    assert means["coverage"] == pytest.approx(expected, abs=0.01)
    assert means["density"] == pytest.approx(1, abs=0.05)


def test_a_mode_that_is_missing_lowers_recall_and_coverage_alone() -> None:
    real = torch.cat([drawn(100, 0), drawn(100, 1, centre=50)])
    whole = found(real, torch.cat([drawn(200, 2), drawn(200, 3, centre=50)]))
    half = found(real, drawn(400, 2))
    assert half["precision"] == pytest.approx(whole["precision"], abs=0.05)
    assert half["density"] == pytest.approx(whole["density"], abs=0.2)
    assert half["recall"] == pytest.approx(whole["recall"] / 2, abs=0.05)
    assert half["coverage"] == pytest.approx(whole["coverage"] / 2, abs=0.05)


def test_samples_of_nothing_real_lower_precision_and_density_alone() -> None:
    real, right = drawn(200, 0), drawn(200, 1)
    whole, half = found(real, right), found(real, torch.cat([right, drawn(200, 2, centre=50)]))
    assert half["precision"] == pytest.approx(whole["precision"] / 2)
    assert half["density"] == pytest.approx(whole["density"] / 2)
    assert half["coverage"] == whole["coverage"]
    assert half["recall"] == whole["recall"]


def test_one_image_again_and_again_recalls_nothing() -> None:
    real = drawn(200, 0)
    again = real.mean(0, keepdim=True).repeat(300, 1)
    result = found(real, again)
    assert result["precision"] == 1
    assert result["recall"] == 0
    assert result["coverage"] < 1


def test_vectors_that_are_not_finite_lie_nowhere_and_have_no_ball() -> None:
    real, samples = drawn(200, 0), drawn(200, 1)
    broken = torch.cat([samples, torch.full((200, 6), math.nan), torch.full((100, 6), math.inf)])
    whole, part = found(real, samples), found(real, broken)
    assert part["precision"] == pytest.approx(0.4 * whole["precision"])
    assert part["coverage"] == whole["coverage"]
    assert part["recall"] == whole["recall"]
    assert not any(found(real, broken[200:]).values())


@pytest.mark.parametrize("count", [1, 2, NEIGHBOURS, NEIGHBOURS + 1])
def test_few_images_have_balls_as_well(count: int) -> None:
    same = drawn(count, 0)
    assert found(same, same)["coverage"] == 1


def test_distances_in_parts_make_up_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    real, samples = drawn(50, 0), drawn(70, 1)
    whole = found(real, samples)
    monkeypatch.setattr(neighbours, "AT_ONCE", 7)
    assert found(real, samples) == whole
