"""Protects the order of training: every image as often as every other, whole batches, resumed to the bit."""

import math
from itertools import chain, islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import Tensor

from sweeper.errors import UsageError
from sweeper.training.data import Batches

sizes = st.integers(1, 40).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size)))


def batches(size: int, batch_size: int, seed: int = 0) -> Batches:
    return Batches(size, batch_size, torch.Generator().manual_seed(seed))


def epochs(row: Batches, count: int) -> list[Tensor]:
    return list(chain.from_iterable(row.epoch() for _ in range(count)))


@given(sizes=sizes, count=st.integers(1, 4))
@settings(deadline=None)
def test_every_image_is_seen_once_per_epoch_in_whole_batches(sizes: tuple[int, int], count: int) -> None:
    size, batch_size = sizes
    row = batches(size, batch_size)
    drawn = epochs(row, count)
    assert {tuple(batch.shape) for batch in drawn} == {(batch_size,)}
    assert len(drawn) == row.steps == row.steps_after(count) == math.ceil(count * size / batch_size)
    seen = torch.cat(drawn).bincount(minlength=size)
    assert seen.min() == count
    assert seen.max() <= count + 1
    assert (seen - count).sum() == len(drawn) * batch_size - count * size < batch_size
    for permutation in torch.cat(drawn)[: count * size].view(count, size):
        assert permutation.sort().values.equal(torch.arange(size))


@given(sizes=sizes, stop=st.integers(0, 60), seed=st.integers(0, 2**32))
@settings(deadline=None)
def test_resumed_batches_equal_those_never_interrupted(sizes: tuple[int, int], stop: int, seed: int) -> None:
    straight, interrupted = batches(*sizes, seed=seed), batches(*sizes, seed=seed)
    for _ in islice(chain.from_iterable(interrupted.epoch() for _ in range(stop)), stop):
        pass
    resumed = batches(*sizes, seed=seed + 1)
    resumed.restore(load(save(interrupted.state())))
    assert resumed.steps == interrupted.steps == stop

    complete = stop * sizes[1] // sizes[0]
    expected = epochs(straight, complete + 3)[stop:]
    for found in (epochs(resumed, 3), epochs(interrupted, 3)):
        assert torch.stack(found).equal(torch.stack(expected))


def test_a_state_is_not_changed_by_the_batches_that_follow() -> None:
    row = batches(10, 3)
    next(row.epoch())
    state = row.state()
    before = {name: value.clone() for name, value in state.items()}
    epochs(row, 3)
    assert all(state[name].equal(value) for name, value in before.items())


def test_an_epoch_left_early_is_finished_by_the_next_call() -> None:
    row = batches(10, 3)
    next(row.epoch())
    assert len(list(row.epoch())) == 3
    assert row.steps == row.steps_after(1)


def test_epochs_are_shuffled_anew_and_by_their_generator() -> None:
    first, second = torch.cat(epochs(batches(100, 50), 2)).view(2, 100)
    assert not first.equal(second)
    assert torch.cat(epochs(batches(100, 50), 2)).equal(torch.cat([first, second]))
    assert not torch.cat(epochs(batches(100, 50, seed=1), 1)).equal(first)


@pytest.mark.parametrize(("size", "batch_size"), [(10, 11), (10, 0), (10, -1), (0, 1)])
def test_an_impossible_batch_size_is_told_in_one_line(size: int, batch_size: int) -> None:
    with pytest.raises(UsageError, match=f"^a batch of {batch_size} cannot be drawn from {size} images") as raised:
        batches(size, batch_size)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("size", "batch_size"), [(11, 3), (10, 4), (5, 3)])
def test_the_state_of_other_batches_is_refused(size: int, batch_size: int) -> None:
    saved = batches(10, 3)
    next(saved.epoch())
    row = batches(size, batch_size)
    before = row.state()
    with pytest.raises(
        UsageError, match=f"for batches of 3 from 10 images, not for batches of {batch_size} from {size}$"
    ):
        row.restore(saved.state())
    assert all(before[name].equal(value) for name, value in row.state().items())
