"""A journal that was corrupted is refused in one line, or read as far as it is whole: nothing changed is believed.

Whoever makes the checksums right again can write anything; then it is no exception that nobody told, and no path.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sweeps import make_spec, simulated

from sweeper.errors import SweeperError
from sweeper.search import Sweep, TrialRecord, read_records
from sweeper.search.journal import Position

SPEC = make_spec(2, trials=4, finals={"top": 1, "seeds": 1})
ODD: list[Any] = [
    *(None, True, "", "x", "../..", "\0", -1, 10**30, 1e308, 0.5, float("nan"), [], {}, [[]], {"a": {}}, [1, "x"]),
    *({"number": -1}, {"number": 10**400}, {"config": []}, {"keys": {"val/nll": 3}}),
]

GARBAGE = [b"\n", b"\0" * 512, b"[" * 100_000, b"9" * 5000]

Corruption = Callable[[list[bytes]], list[bytes]]


@cache
def lines_of(folder: Path) -> list[bytes]:
    return (folder / "study.journal").read_bytes().splitlines(keepends=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    with patch("os.fsync"):
        simulated(SPEC, folder)
    return folder


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[bytes]], Path]:
    root, number = tmp_path_factory.mktemp("corrupted"), count()

    def to_new_folder(lines: list[bytes]) -> Path:
        folder = root / str(next(number))
        folder.mkdir()
        (folder / "study.journal").write_bytes(b"".join(lines))
        return folder

    return to_new_folder


@pytest.fixture(scope="module")
def prefixes(whole: Path, write: Callable[[list[bytes]], Path]) -> set[str]:
    """What the journal says after each of its lines."""
    lines = lines_of(whole)
    return {repr(read_records(write(lines[:length]))) for length in range(len(lines) + 1)}


@st.composite
def flipped(draw: st.DrawFn) -> Corruption:
    where, by = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(1, 255))

    def corrupt(lines: list[bytes]) -> list[bytes]:
        content = bytearray(b"".join(lines))
        content[int(where * len(content))] ^= by
        return bytes(content).splitlines(keepends=True)

    return corrupt


@st.composite
def spliced(draw: st.DrawFn) -> Corruption:
    """Bytes are cut out, up to the end, or put in."""
    where, length = draw(st.floats(0, 1)), draw(st.sampled_from([0, 1, 40, 10**9]))
    garbage = draw(st.one_of(st.binary(max_size=40), st.sampled_from(GARBAGE)))

    def corrupt(lines: list[bytes]) -> list[bytes]:
        content = b"".join(lines)
        at = int(where * len(content))
        return (content[:at] + garbage + content[at + length :]).splitlines(keepends=True)

    return corrupt


@st.composite
def rearranged(draw: st.DrawFn) -> Corruption:
    how, where, other = draw(st.sampled_from(["drop", "double", "swap"])), draw(st.integers(0)), draw(st.integers(0))

    def corrupt(lines: list[bytes]) -> list[bytes]:
        at, to = where % len(lines), other % len(lines)
        if how == "swap":
            lines = list(lines)
            lines[at], lines[to] = lines[to], lines[at]
            return lines
        return lines[:at] + lines[at : at + 1] * (2 if how == "double" else 0) + lines[at + 1 :]

    return corrupt


@st.composite
def rewritten(draw: st.DrawFn) -> Corruption:
    """A line says something else: a value, or under another key."""
    where, which, value = draw(st.integers(0)), draw(st.integers(0)), draw(st.sampled_from(ODD))
    renamed = draw(st.booleans())

    def corrupt(lines: list[bytes]) -> list[bytes]:
        at = where % len(lines)
        record = json.loads(lines[at])
        key = sorted(record)[which % len(record)]
        if renamed:
            record[f"{key}_"] = record.pop(key)
        else:
            record[key] = value
        return [*lines[:at], json.dumps(record, separators=(",", ":")).encode() + b"\n", *lines[at + 1 :]]

    return corrupt


def outcomes(folder: Path) -> list[list[TrialRecord]]:
    """Return the records that a reader and a driver of the journal find, of those who do not refuse it in one line."""
    found = []
    for act in (read_records, lambda folder: Sweep(SPEC, folder, 1).records()):
        try:
            found.append(act(folder))
        except SweeperError as error:
            if not re.fullmatch(r".*study\.journal:.*", str(error)):
                raise
    return found


@settings(max_examples=300, deadline=None, derandomize=True)
@given(corrupt=st.one_of(flipped(), spliced(), rearranged(), rewritten()))
def test_nothing_changed_is_taken_for_true(whole, write, prefixes, corrupt: Corruption) -> None:
    folder = write(corrupt(lines_of(whole)))
    assert all(repr(records) in prefixes for records in outcomes(folder))


def sealed(lines: list[bytes]) -> list[bytes]:
    """Return lines with checksums that are right."""
    position, fitting = Position(), []
    for line in lines:
        line, position = position.then(line.rpartition(b',"crc":')[0])
        fitting.append(line)
    return fitting


@settings(max_examples=200, deadline=None, derandomize=True)
@given(corrupt=st.one_of(rearranged(), rewritten()), then=st.one_of(rearranged(), rewritten()))
def test_what_somebody_else_wrote_is_refused_or_leads_nowhere(whole, write, corrupt, then) -> None:
    folder = write(sealed(then(corrupt(lines_of(whole)))))
    names = [record.folder for records in outcomes(folder) for record in records]
    assert all(re.fullmatch(r"\d{4,}-[A-Za-z0-9_-]{1,64}-[0-9a-f]{8}", name) for name in names)
