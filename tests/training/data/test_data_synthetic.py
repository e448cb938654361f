"""Protects the computed data set: any shape, the same at every call, balanced, with classes that can be told apart."""

import pytest

from sweeper.training.data.synthetic import Synthetic


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64), (3, 5, 9)])
def test_every_shape_can_be_had(shape: tuple[int, int, int]) -> None:
    channels, height, width = shape
    images = Synthetic(channels=channels, height=height, width=width, train=20, validation=6, test=4).load()
    assert images.shape == shape
    assert [len(split) for split in (images.train, images.validation, images.test)] == [20, 6, 4]
    assert int(images.train.images.max()) > 200
    assert images.train.images.float().std() > 20, "the images are flat"


def test_it_is_the_same_at_every_call_and_its_splits_are_not_alike() -> None:
    first, second = Synthetic().load(), Synthetic().load()
    assert first.train.images.equal(second.train.images)
    assert not first.train.images[:250].equal(first.validation.images)
    assert not first.validation.images.equal(first.test.images)


def test_the_size_of_one_split_does_not_change_another() -> None:
    small, large = Synthetic(train=10).load(), Synthetic(train=2000).load()
    assert small.validation.images.equal(large.validation.images)


@pytest.mark.parametrize("classes", [2, 7, 10])
def test_classes_are_equally_frequent(classes: int) -> None:
    images = Synthetic(classes=classes, train=classes * 5).load()
    assert images.classes == classes
    assert images.train.labels is not None
    assert images.train.labels.bincount().tolist() == [5] * classes


@pytest.mark.parametrize("channels", [1, 3])
def test_the_nearest_class_mean_tells_most_classes(channels: int) -> None:
    images = Synthetic(channels=channels).load()
    train, test = images.train, images.test
    assert train.labels is not None
    assert test.labels is not None
    means = [train.images[train.labels == label].float().mean(0).flatten() for label in range(10)]
    distances = [(test.images.flatten(1).float() - mean).square().sum(1) for mean in means]
    nearest = [
        min(range(10), key=lambda label: row[label]) for row in zip(*(d.tolist() for d in distances), strict=True)
    ]
    right = sum(found == label for found, label in zip(nearest, test.labels.tolist(), strict=True))
    assert right / len(test) > 0.8
