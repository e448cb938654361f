"""Protects nominal costs: they count what is computed, and do not depend on a clock, on values or on gradients."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sweeper.training.nominal_cost import CACHED, Cost, cost_of, touching

FLOAT = 4
N = 16


def matrix(side: int = N) -> Tensor:
    return torch.zeros(side, side)


def test_an_operator_costs_its_flops_and_the_memory_it_touches() -> None:
    a, b = matrix(), matrix()
    assert cost_of(lambda: a @ b) == Cost(operators=1, flops=2 * N**3, cached=3 * FLOAT * N**2)


def test_large_tensors_are_further_away() -> None:
    large = torch.zeros(CACHED // FLOAT + 1)
    cost = cost_of(lambda: large + 1)
    assert (cost.cached, cost.distant) == (0, 2 * (CACHED + FLOAT))
    assert Cost(cached=CACHED).seconds < Cost(distant=CACHED).seconds


def test_views_cost_nothing() -> None:
    a = matrix()
    assert cost_of(lambda: a.t()[0:1].expand(N, N)) == Cost()


@pytest.mark.parametrize("layer", [nn.Linear(N, N), nn.Conv2d(N, N, 3)], ids=["linear", "conv"])
def test_without_gradients_the_same_is_counted(layer: nn.Module) -> None:
    x = torch.zeros(N, N) if isinstance(layer, nn.Linear) else torch.zeros(1, N, 4, 4)
    recorded = cost_of(lambda: layer(x))

    def inference() -> None:
        with torch.inference_mode():
            layer(x)

    assert recorded.flops > 0
    assert cost_of(inference).flops == recorded.flops


def test_the_way_back_costs_as_well() -> None:
    weight = matrix().requires_grad_()
    forth = cost_of(lambda: (matrix() @ weight).sum())
    there_and_back = cost_of(lambda: (matrix() @ weight).sum().backward())
    assert there_and_back.flops > forth.flops > 0


@pytest.mark.parametrize("make", [torch.zeros, torch.ones])
def test_values_do_not_matter(make: Callable[..., Tensor]) -> None:
    x = make(N, N)
    assert cost_of(lambda: (x @ x).exp().sum()) == cost_of(lambda: (matrix() @ matrix()).exp().sum()) + Cost(
        operators=-2, cached=-2 * FLOAT * N**2
    )


def test_costs_add_up() -> None:
    a = matrix()
    once = cost_of(lambda: a + a)
    assert cost_of(lambda: (a + a, a + a)) == once + once
    assert (once + once).seconds == pytest.approx(2 * once.seconds)
    assert touching(3, [a]) == Cost(operators=3, cached=6 * FLOAT * N**2)
