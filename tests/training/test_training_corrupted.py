"""Protects that corrupted checkpoints and curves are never taken for whole: the true content is found, or one line says
what is damaged, and no other error, hang or huge allocation is had."""

import os
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sweeper.curve_line import Line
from sweeper.errors import SweeperError
from sweeper.tracking.curve import read_curve
from sweeper.training import gallery
from sweeper.training.checkpoints import Checkpoint
from sweeper.training.job import Evaluation, Job, Precision
from sweeper.training.records import Records
from sweeper.training.trial import Trial

CHECKPOINT_FILES = ("last/model.safetensors", "last/state.safetensors", "last/state.json", "best/model.safetensors")
CURVE = "metrics.jsonl"
MOST_MEMORY = 512 * 2**10
"""KiB that the process may grow by while it reads what is corrupted; the files are a few of them."""
CONFIG: dict[str, Any] = {
    "data": {"name": "digits", "validation": 1450},
    "model": {"name": "vae", "latent_dim": 2, "backbone": {"name": "fc", "hidden": 4}},
    "objective": {"name": "elbo"},
    "training": {"epochs": 5, "batch_size": 20, "optimizer": {"name": "adam"}},
}

Corruption = Callable[[bytes, tuple[bytes, ...]], bytes]
"""Corrupts the content of a file; the others are those of the same file after other epochs and of another trial."""


@dataclass(frozen=True)
class Written:
    """A trial killed after its third epoch, and what it had written."""

    job: Job
    checkpoint: Checkpoint
    best: dict[str, Tensor]
    lines: list[Line]
    others: dict[str, tuple[bytes, ...]]


def begin(folder: Path, seed: int, epochs: int) -> Job:
    """Train a trial whose first epoch is its best one, because the bound is taken for better where it is worse."""
    job = Job(0, CONFIG, seed, folder, Evaluation("val/nll", "maximize", Precision(1, 20)))
    trial = Trial(job)
    for _ in range(epochs):
        trial.advance()
    return job


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    home = tmp_path_factory.mktemp("corrupted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "draw", lambda *_: {})
        patch.setattr(os, "fsync", lambda _: None)
        job = begin(home / "true", 5, 3)
        other_folders = [begin(home / "earlier", 5, 2).folder, begin(home / "another", 6, 3).folder]
        names = (*CHECKPOINT_FILES, CURVE)
        others = {name: tuple((folder / name).read_bytes() for folder in other_folders) for name in names}
        records = Records(job)
        checkpoint = records.resume()
        assert checkpoint is not None
        best = dict(records.best_weights(checkpoint.progress))
        yield Written(job, checkpoint, best, read_curve(job.folder / CURVE), others)


def flipped(content: bytes, where: float, bit: int) -> bytes:
    position = int(where * len(content))
    return content[:position] + bytes([content[position] ^ 1 << bit]) + content[position + 1 :]


def zeroed(content: bytes, where: float, length: int) -> bytes:
    position = int(where * len(content))
    return content[:position] + bytes(min(length, len(content) - position)) + content[position + length :]


def inserted(content: bytes, where: float, more: bytes) -> bytes:
    position = int(where * len(content))
    return content[:position] + more + content[position:]


PLACES = st.floats(0, 1, exclude_max=True)
HEADS = st.floats(0, 0.1)
"""Places in the header of a file of tensors, which is a small part of it."""
JSON = (b"{}", b"[]", b"null", b"NaN", b'{"epoch": NaN}', b"[" * 100_000, b'{"a":' * 100_000, b'{"epoch": 1e999}')
WORDS = (
    b"F32",
    b"I64",
    b"U8",
    b'"shape":[',
    b"data_offsets",
    b"__metadata__",
    b"sha256",
    b"epoch",
    b"nll",
    b"0.",
    b"}",
)
INSTEAD = (b"F64", b"BOOL", b"F4", b"NaN", b"-1", b"Infinity", b'"NaN"', b"", b"9" * 30, b"[", b'"')

CORRUPTIONS: tuple[st.SearchStrategy[Corruption], ...] = (
    st.builds(lambda where, bit: lambda content, _: flipped(content, where, bit), PLACES | HEADS, st.integers(0, 7)),
    st.builds(lambda where: lambda content, _: content[: int(where * len(content))], PLACES | HEADS),
    st.builds(
        lambda where, length: lambda content, _: zeroed(content, where, length), PLACES | HEADS, st.integers(1, 5000)
    ),
    st.builds(
        lambda where, more: lambda content, _: inserted(content, where, more), PLACES | HEADS, st.binary(max_size=20)
    ),
    st.builds(lambda text: lambda *_: text, st.sampled_from((b"", *JSON)) | st.binary(max_size=100)),
    st.builds(lambda number: lambda content, _: number.to_bytes(8, "little") + content[8:], st.integers(0, 2**64 - 1)),
    st.builds(
        lambda word, instead: lambda content, _: content.replace(word, instead, 1),
        st.sampled_from(WORDS),
        st.sampled_from(INSTEAD),
    ),
    st.builds(lambda which: lambda _, others: others[which], st.integers(0, 1)),
)


def moved(content: bytes, source: int, target: int, keep: bool) -> bytes:
    """Move a line, or say it a second time."""
    lines = content.splitlines(keepends=True)
    line = lines[source] if keep else lines.pop(source)
    lines.insert(target, line)
    return b"".join(lines)


def exchanged(content: bytes, others: tuple[bytes, ...], number: int, other: int) -> bytes:
    lines, foreign = content.splitlines(keepends=True), others[other].splitlines(keepends=True)
    lines[number] = foreign[min(number, len(foreign) - 1)]
    return b"".join(lines)


LINES = st.integers(0, 2)
CORRUPTIONS_OF_LINES: tuple[st.SearchStrategy[Corruption], ...] = (
    st.builds(
        lambda source, target, keep: lambda content, _: moved(content, source, target, keep),
        LINES,
        LINES,
        st.booleans(),
    ),
    st.builds(
        lambda number, other: lambda content, others: exchanged(content, others, number, other),
        LINES,
        st.integers(0, 1),
    ),
    st.builds(
        lambda number: (
            lambda content, _: b"".join(
                line for index, line in enumerate(content.splitlines(keepends=True)) if index != number
            )
        ),
        LINES,
    ),
    st.builds(
        lambda end: lambda content, _: content.replace(b"\n", end), st.sampled_from((b"\r\n", b"\r", b" \n", b""))
    ),
)


def copy_of(written: Written, folder: Path) -> Job:
    shutil.copytree(written.job.folder, folder)
    return replace(written.job, folder=folder)


def corrupt(path: Path, corruption: Corruption, others: tuple[bytes, ...]) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(corruption(content, others))


def same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(found[name].equal(expected[name]) for name in found)


def damage_of(records: Records) -> SweeperError | None:
    """Take a trial up; return what is said of its damage, if anything is."""
    try:
        records.resume()
    except SweeperError as damage:
        return damage
    return None


def check(written: Written, job: Job) -> None:
    """Take the trial up: it has all that it had, or one line says what it has not, and it is at its start."""
    records, true = Records(job), written.checkpoint
    if damage := damage_of(records):
        assert str(damage).startswith(f"{job.folder}/")
        assert "\n" not in records.begin_again(damage)
        assert (records.resume(), records.curve.epochs) == (None, [])
        return
    found = records.resume()
    assert found is not None
    assert (found.progress, found.curve) == (true.progress, true.curve)
    assert same(dict(found.weights), dict(true.weights))
    assert same(dict(found.state), dict(true.state))
    assert same(dict(records.best_weights(found.progress)), written.best)
    assert records.curve.epochs == [line.metrics for line in written.lines]


def most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@settings(max_examples=160, deadline=None)
@given(name=st.sampled_from(CHECKPOINT_FILES), corruptions=st.lists(st.one_of(CORRUPTIONS), min_size=1, max_size=3))
def test_a_corrupted_checkpoint_is_the_true_one_or_none(
    written: Written, name: str, corruptions: list[Corruption]
) -> None:
    before = most_memory()
    with TemporaryDirectory() as home:
        job = copy_of(written, Path(home, "trial"))
        for corruption in corruptions:
            if (job.folder / name).stat().st_size:
                corrupt(job.folder / name, corruption, written.others[name])
        check(written, job)
    assert most_memory() - before < MOST_MEMORY


@settings(max_examples=100, deadline=None)
@given(corruptions=st.lists(st.one_of(*CORRUPTIONS_OF_LINES, *CORRUPTIONS), min_size=1, max_size=2))
def test_a_corrupted_curve_is_the_true_one_or_none_and_no_reader_takes_a_line_that_was_not_written(
    written: Written, corruptions: list[Corruption]
) -> None:
    with TemporaryDirectory() as home:
        job = copy_of(written, Path(home, "trial"))
        path = job.folder / CURVE
        for corruption in corruptions:
            if path.read_bytes().count(b"\n") == len(written.lines):
                corrupt(path, corruption, written.others[CURVE])
        wrote = written.lines + [line for other in written.others[CURVE] for line in read_lines(other)]
        assert all(line in wrote for line in read_curve(path))
        check(written, job)


def read_lines(content: bytes) -> list[Line]:
    return [Line.from_text(text) for text in content.splitlines()]


PARTS = st.sampled_from((*CHECKPOINT_FILES, CURVE))


@pytest.fixture(scope="module")
def expected(written: Written, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    return go_on(copy_of(written, tmp_path_factory.mktemp("expected") / "trial"))


def go_on(job: Job) -> list[dict[str, float]]:
    """Train a trial to its end; return what all of its epochs came to, without what depends on the clock."""
    trial, done = Trial(job), False
    while not done:
        done = trial.advance().done
    lines = read_curve(job.folder / CURVE)
    return [
        {name: value for name, value in line.metrics.items() if name.startswith(("val/", "train/"))} for line in lines
    ]


@settings(max_examples=20, deadline=None)
@given(name=PARTS, corruption=st.one_of(CORRUPTIONS))
def test_a_trial_with_a_corrupted_file_comes_to_the_same(
    written: Written, expected: list[dict[str, float]], name: str, corruption: Corruption
) -> None:
    with TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "draw", lambda *_: {})
        patch.setattr(os, "fsync", lambda _: None)
        job = copy_of(written, Path(home, "trial"))
        corrupt(job.folder / name, corruption, written.others[name])
        assert go_on(job) == expected
