"""Protects the frozen classifier: right, the same for every trial and process, and whole in its cache."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from sweeper.cache import cache_folder
from sweeper.training import classifier_cache
from sweeper.training.classifier import Classifier, Recipe, fingerprint, train_classifier
from sweeper.training.classifier_cache import classifier_of
from sweeper.training.data import Images, Split
from sweeper.training.data.digits import Digits
from sweeper.training.data.synthetic import Synthetic

QUICK = Recipe(steps=20)


@pytest.fixture(scope="module")
def digits() -> Images:
    return Digits().load()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    return tmp_path / "classifiers"


def another(images: Images) -> Images:
    """The same data set as another trial's process would load it."""
    return replace(images)


def same(first: Classifier, second: Classifier) -> bool:
    weights, others = first.state_dict(), second.state_dict()
    return weights.keys() == others.keys() and all(weights[name].equal(others[name]) for name in weights)


def test_it_tells_the_classes_of_held_out_digits_grey_and_binarized(digits: Images) -> None:
    found = classifier_of(digits)
    x, y = (torch.cat([split.images for split in (digits.validation, digits.test)]) / 255, digits.test.labels)
    assert digits.validation.labels is not None
    assert y is not None
    labels = torch.cat([digits.validation.labels, y])
    black_and_white = torch.bernoulli(x, generator=torch.Generator().manual_seed(0))
    assert (found(x).argmax(-1) == labels).float().mean() > 0.97
    assert (found(black_and_white).argmax(-1) == labels).float().mean() > 0.88
    assert found.features(x).shape == (500, 32)
    assert not found.training
    assert not any(parameter.requires_grad for parameter in found.parameters())


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64), (1, 5, 9), (3, 4, 4)])
def test_every_shape_has_one(shape: tuple[int, int, int]) -> None:
    channels, height, width = shape
    images = Synthetic(channels=channels, height=height, width=width, classes=3, train=20, validation=6, test=4).load()
    found = train_classifier(images, Recipe(steps=1))
    assert found(torch.rand(2, *shape)).shape == (2, 3)


def test_it_is_the_same_to_the_bit_whatever_was_drawn_before_and_with_any_threads(digits: Images) -> None:
    first = train_classifier(digits, QUICK)
    threads = torch.get_num_threads()
    torch.rand(3)
    try:
        torch.set_num_threads(2)
        with torch.no_grad():
            assert same(train_classifier(digits, QUICK), first)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_it_learns_from_all_training_labels_also_from_those_that_trials_are_not_told(digits: Images) -> None:
    few = Digits(labels=100).load()
    assert fingerprint(few, QUICK) == fingerprint(digits, QUICK)
    assert same(train_classifier(few, QUICK), train_classifier(digits, QUICK))


def test_images_without_a_label_are_left_out(digits: Images) -> None:
    assert digits.train.labels is not None
    unlabelled = torch.full((5, 1, 8, 8), 200, dtype=torch.uint8)
    labels = torch.cat([digits.train.labels, torch.full((5,), -1)])
    train = Split(torch.cat([digits.train.images, unlabelled]), labels)
    assert fingerprint(replace(digits, train=train), QUICK) == fingerprint(digits, QUICK)


def test_it_depends_on_nothing_held_out_but_on_the_training_images_and_the_recipe(digits: Images) -> None:
    name = fingerprint(digits, QUICK)
    blank = Split(torch.zeros(3, 1, 8, 8, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))
    assert fingerprint(replace(digits, validation=blank, test=blank), QUICK) == name
    assert fingerprint(digits, Recipe(steps=21)) != name
    assert fingerprint(Digits(validation=251).load(), QUICK) != name


def test_images_without_labels_have_none(digits: Images) -> None:
    unlabelled = replace(digits, train=Split(digits.train.images, None), classes=0)
    with pytest.raises(ValueError, match="images without labels have no classifier"):
        classifier_of(unlabelled)


def test_it_is_trained_once_and_read_afterwards(digits: Images, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = classifier_of(another(digits), QUICK)
    assert [path.name for path in cache.iterdir()] == [f"{fingerprint(digits, QUICK)}.safetensors"]
    monkeypatch.setattr(classifier_cache, "train_classifier", lambda *_: pytest.fail("it is trained again"))
    images = another(digits)
    read = classifier_of(images, QUICK)
    assert same(read, trained)
    assert not read.training
    assert not any(parameter.requires_grad for parameter in read.parameters())
    next(cache.iterdir()).unlink()
    assert classifier_of(images, QUICK) is read, "it is not kept in memory"


def flipped(content: bytes) -> bytes:
    """A file in which one bit of the last weight is another."""
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("damage", [flipped, lambda content: content[:-100], lambda _: b"", lambda _: b"\0" * 99])
def test_a_damaged_file_is_replaced(digits: Images, cache: Path, damage: object) -> None:
    trained = classifier_of(another(digits), QUICK)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    assert callable(damage)
    path.write_bytes(damage(whole))
    assert same(classifier_of(another(digits), QUICK), trained)
    assert path.read_bytes() == whole


def test_a_file_of_an_older_version_is_replaced(digits: Images, cache: Path) -> None:
    trained = classifier_of(another(digits), QUICK)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(save(trained.state_dict(), {"sha256": "0" * 64}))
    assert same(classifier_of(another(digits), QUICK), trained)
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_time_alone(
    digits: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "file"))
    assert same(classifier_of(another(digits), QUICK), train_classifier(digits, QUICK))


def test_processes_that_train_it_at_once_agree_and_leave_one_file(digits: Images, cache: Path) -> None:
    code = (
        "from sweeper.training.classifier import Recipe\n"
        "from sweeper.training.classifier_cache import classifier_of\n"
        "from sweeper.training.data.digits import Digits\n"
        "from sweeper.training.tensor_files import TensorFile, apart\n"
        "print(TensorFile(apart(classifier_of(Digits().load(), Recipe(steps=20)).state_dict())).checksum)"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    found = {worker.communicate(timeout=120)[0] for worker in workers}
    assert [worker.returncode for worker in workers] == [0, 0]
    assert len(found) == 1
    assert [path.name for path in cache.iterdir()] == [f"{fingerprint(digits, QUICK)}.safetensors"]


def test_the_cache_is_the_environments_else_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SWEEPER_CACHE", "~/mine")
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("SWEEPER_CACHE", "")
    assert cache_folder() == tmp_path / ".cache" / "sweeper"
