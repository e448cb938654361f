"""Protects the split: disjoint, complete, in proportion, and the same for ever."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.errors import UsageError
from sweeper.training.data.splits import hold_out


@given(
    labels=st.lists(st.integers(0, 3), min_size=2, max_size=60),
    share=st.floats(0, 1),
)
@settings(deadline=None)
def test_splits_are_disjoint_complete_and_in_proportion(labels: list[int], share: float) -> None:
    total = len(labels)
    count = 1 + int(share * (total - 2))
    classes = np.array(labels, dtype=np.uint8)
    kept, held = hold_out(classes, count)
    assert len(held) == count
    assert sorted([*kept, *held]) == list(range(total)), "an image is in both parts, or in none"
    for label in range(4):
        expected = (classes == label).sum() * count / total
        assert abs((classes[held] == label).sum() - expected) < 1, f"class {label} is not in proportion"


def test_the_split_never_changes() -> None:
    _, held = hold_out((np.arange(60_000) % 10).astype(np.uint8), 5000)
    checksum = hashlib.md5(held.astype("<i8").tobytes()).hexdigest()
    assert checksum == "fb55219595de1c0665c9bc8d10aae184", "results with the old split are no longer comparable"


@pytest.mark.parametrize("count", [-1, 0, 10, 11])
def test_a_split_without_images_on_one_side_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match=f"^cannot hold out {count} of 10 images: 1 to 9 are possible$"):
        hold_out(np.zeros(10, dtype=np.uint8), count)
