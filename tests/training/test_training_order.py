"""Protects the order of training: labelled images in every batch where labels are rare, nothing added elsewhere."""

import pytest
import torch
from torch import Tensor

from models import UNKNOWN
from sweeper.errors import UsageError
from sweeper.training.data import Batches, Split
from sweeper.training.order import TrainingOrder

SIZE, BATCH, ADDED = 50, 8, 3
KNOWN = [4, 11, 17, 30, 49]


def split(known: list[int] | None) -> Split:
    """Images with labels where they are known; None for a data set without."""
    images = torch.zeros(SIZE, 1, 2, 2, dtype=torch.uint8)
    if known is None:
        return Split(images, None)
    labels = torch.full((SIZE,), UNKNOWN)
    labels[known] = torch.arange(len(known)) % 10
    return Split(images, labels)


def order_of(known: list[int] | None, labelled: int = ADDED, seed: int = 3) -> TrainingOrder:
    return TrainingOrder(split(known), BATCH, labelled, torch.Generator().manual_seed(seed))


def epochs(order: TrainingOrder, count: int) -> list[Tensor]:
    return [index for _ in range(count) for index in order.epoch()]


def equal(left: list[Tensor], right: list[Tensor]) -> bool:
    return len(left) == len(right) and all(map(torch.equal, left, right))


def test_every_batch_ends_with_labelled_images() -> None:
    batches = epochs(order_of(KNOWN), 3)
    assert {len(index) for index in batches} == {BATCH + ADDED}
    assert all(set(index[BATCH:].tolist()) <= set(KNOWN) for index in batches)


def test_labelled_images_come_equally_often() -> None:
    added = torch.cat([index[BATCH:] for index in epochs(order_of(KNOWN), 5)])
    counts = torch.bincount(added, minlength=SIZE)[KNOWN]
    assert counts.max() - counts.min() <= 1
    assert counts.sum() == len(added)


def test_all_images_are_seen_in_each_epoch_whatever_is_added() -> None:
    order = order_of(KNOWN)
    seen = torch.cat([index[:BATCH] for index in order.epoch()])
    assert set(seen.tolist()) == set(range(SIZE))
    assert (order.steps, order.epochs) == (-(-SIZE // BATCH), 1)


def test_few_labels_are_all_added() -> None:
    for index in epochs(order_of(KNOWN[:2], labelled=10), 2):
        assert len(index) == BATCH + 2
        assert sorted(index[BATCH:].tolist()) == KNOWN[:2]


@pytest.mark.parametrize(
    ("known", "labelled"),
    [(None, ADDED), ([], ADDED), (list(range(SIZE)), ADDED), (KNOWN, 0)],
    ids=["no labels", "none known", "all known", "none wanted"],
)
def test_without_partial_labels_the_order_is_that_of_all_images(known: list[int] | None, labelled: int) -> None:
    plain = Batches(SIZE, BATCH, torch.Generator().manual_seed(3))
    order = order_of(known, labelled)
    assert equal(epochs(order, 2), [index for _ in range(2) for index in plain.epoch()])
    assert order.state().keys() == plain.state().keys()


def test_the_seed_decides_on_both_parts() -> None:
    assert equal(epochs(order_of(KNOWN), 2), epochs(order_of(KNOWN), 2))
    first, other = (torch.stack(epochs(order_of(KNOWN, seed=seed), 2)) for seed in (3, 4))
    assert not torch.equal(first[:, :BATCH], other[:, :BATCH])
    assert not torch.equal(first[:, BATCH:], other[:, BATCH:])


@pytest.mark.parametrize("known", [KNOWN, None], ids=["partial labels", "no labels"])
def test_it_goes_on_to_the_bit_after_any_step(known: list[int] | None) -> None:
    whole = epochs(order_of(known), 2)
    for steps in (0, 1, 5, 7, 9):
        order = order_of(known)
        taken = [next(order.epoch()) for _ in range(steps)]
        resumed = order_of(known, seed=99)
        resumed.restore(order.state())
        assert resumed.steps == steps
        assert equal(whole, taken + epochs(resumed, 2 - resumed.epochs))


def test_the_state_of_another_order_is_refused() -> None:
    state = order_of(KNOWN).state()
    with pytest.raises(UsageError, match="batches of 3 from 5 images, not for batches of 3 from 4"):
        order_of(KNOWN[:4]).restore(state)


def test_time_is_counted_in_epochs_of_all_images() -> None:
    order = order_of(KNOWN)
    assert [order.time(step) for step in (0, 1, 25)] == pytest.approx([0, BATCH / SIZE, 4])
