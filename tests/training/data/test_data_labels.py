"""Protects which images keep their label in semi-supervised training: so many, balanced, nested, in train alone."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models import UNKNOWN
from sweeper.errors import UsageError
from sweeper.training.data.digits import Digits
from sweeper.training.data.splits import told
from sweeper.training.data.synthetic import Synthetic

TEN_CLASSES = np.arange(2000) * 7 % 10


@pytest.mark.parametrize("count", [10, 100, 600, 1000, 2000])
def test_equally_many_of_each_class_are_told(count: int) -> None:
    few = told(TEN_CLASSES, count)
    assert np.bincount(few[few != UNKNOWN]).tolist() == [count // 10] * 10
    assert (few[few != UNKNOWN] == TEN_CLASSES[few != UNKNOWN]).all()


def test_a_remainder_goes_to_the_first_classes() -> None:
    few = told(TEN_CLASSES, 103)
    assert np.bincount(few[few != UNKNOWN]).tolist() == [11] * 3 + [10] * 7


def test_where_a_class_has_too_few_the_others_have_more() -> None:
    labels = np.array([0] * 3 + [1] * 50 + [2] * 50)
    few = told(labels, 43)
    assert np.bincount(few[few != UNKNOWN]).tolist() == [3, 20, 20]


@given(labels=st.lists(st.integers(0, 3), max_size=60), data=st.data())
@settings(deadline=None)
def test_so_many_are_told_and_a_smaller_choice_is_a_part_of_a_larger(labels: list[int], data: st.DataObject) -> None:
    truth = np.array(labels, dtype=np.int64)
    larger = data.draw(st.integers(0, len(labels)))
    smaller = data.draw(st.integers(0, larger))
    few, more = told(truth, smaller), told(truth, larger)
    assert ((few != UNKNOWN).sum(), (more != UNKNOWN).sum()) == (smaller, larger)
    assert (few == more)[few != UNKNOWN].all()
    assert (more == truth)[more != UNKNOWN].all()


def test_the_choice_never_changes() -> None:
    checksum = hashlib.md5(told(np.arange(60_000) % 10, 1000).astype("<i8").tobytes()).hexdigest()
    assert checksum == "3dc9914c33f130f916d44cc23c9b0cd5", "results with the old choice are no longer comparable"


@pytest.mark.parametrize("dataset", [Digits, Synthetic])
def test_training_alone_is_told_fewer_and_a_yardstick_is_told_all(dataset: type[Digits | Synthetic]) -> None:
    whole, few = dataset().load(), dataset(labels=100).load()
    assert whole.train.labels is not None
    assert few.train.labels is not None
    known = few.train.labels != UNKNOWN
    assert few.train.labels[known].bincount().tolist() == [10] * 10
    assert few.train.labels[known].equal(whole.train.labels[known])
    for split, reference in (
        (few.yardstick, whole.train),
        (whole.yardstick, whole.train),
        (few.validation, whole.validation),
        (few.test, whole.test),
    ):
        assert split.labels is not None
        assert reference.labels is not None
        assert split.labels.equal(reference.labels)
        assert split.images.equal(reference.images)
    assert few.train.images.equal(whole.train.images)


def test_hidden_labels_go_to_the_device_with_the_images() -> None:
    moved = Synthetic(labels=100).load().to(torch.device("meta")).yardstick
    assert moved.labels is not None
    assert moved.labels.is_meta


def test_more_labels_than_training_images_are_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match=r"^labels is 98; the training images have 97$"):
        Digits(validation=1450, labels=98).load()
