"""Protects a trial's share of its machine."""

import pytest
import torch

from sweeper.training.devices import CONTEXT_BYTES, memory_fraction, occupy

GIB = 2**30


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 1.0])
def test_trials_side_by_side_fit_into_a_gpu_with_what_cuda_takes_itself(share: float) -> None:
    total = 16 * GIB
    processes = round(1 / share)
    assert processes * (memory_fraction(total, share) * total + CONTEXT_BYTES) <= total * 1.0001
    assert 0 < memory_fraction(total, share) <= share


@pytest.mark.parametrize("share", [0.0, 1.0, 2.0])
def test_a_trial_alone_may_have_all_of_its_gpu(share: float) -> None:
    assert memory_fraction(16 * GIB, share) == 1 - CONTEXT_BYTES / (16 * GIB)


def test_a_small_share_of_a_small_gpu_is_still_some_memory() -> None:
    assert memory_fraction(2 * GIB, 0.1) == 0.05


def test_threads_are_those_of_the_trial() -> None:
    before = torch.get_num_threads()
    try:
        occupy(torch.device("cpu"), 2, 1.0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
