"""Protects the trial's own record: no epoch twice, none missing, and JSON that every parser reads."""

import json
import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from sweeper import strict_json
from sweeper.errors import SweeperError
from sweeper.tracking.curve import read_curve
from sweeper.training.curves import Curve, last_epoch


def refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def written(folder: Path, *epochs: int) -> Path:
    curve = Curve(folder)
    for epoch in epochs:
        curve.append(epoch, epoch * 100, epoch / 2, {"val/nll": 1 / epoch})
    return folder / "metrics.jsonl"


def epochs(folder: Path) -> list[int]:
    return [json.loads(line)["epoch"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_line_says_what_an_epoch_came_to(tmp_path: Path) -> None:
    text = written(tmp_path, 3).read_text()
    content = json.loads(text)
    assert list(content)[-1] == "crc32"
    assert int(content.pop("crc32"), 16) == zlib.crc32(text.rpartition(', "crc32"')[0].encode())
    assert content.pop("timestamp") > 1.7e9
    assert content == {"epoch": 3, "images": 300, "seconds": 1.5, "metrics": {"val/nll": 1 / 3}}


@pytest.mark.parametrize("epoch", range(5))
def test_what_came_after_the_checkpoint_is_dropped(tmp_path: Path, epoch: int) -> None:
    written(tmp_path, 1, 2, 3, 4)
    Curve(tmp_path, epoch).append(epoch + 1, 0, 0.0, {})
    assert epochs(tmp_path) == list(range(1, epoch + 2))


@pytest.mark.parametrize(
    "broken", [b'{"epoch": 3, "ima', b"\x00\x00\x00\n", b"[3]\n", b'{"images": 3}\n', b"nonsense\n"]
)
def test_a_line_that_a_kill_or_a_full_disk_has_cut_is_dropped(tmp_path: Path, broken: bytes) -> None:
    path = written(tmp_path, 1, 2)
    path.write_bytes(path.read_bytes() + broken)
    assert last_epoch(tmp_path) == 2
    Curve(tmp_path, 3).append(3, 0, 0.0, {})
    assert epochs(tmp_path) == [1, 2, 3]


def test_a_whole_curve_is_not_written_again(tmp_path: Path) -> None:
    path = written(tmp_path, 1, 2)
    before = path.stat().st_ino
    Curve(tmp_path, 2)
    assert path.stat().st_ino == before


def test_numbers_that_are_not_finite_are_strict_json_and_tracking_reads_them(tmp_path: Path) -> None:
    metrics = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 1.5}
    Curve(tmp_path).append(1, 100, 1.0, metrics)
    line = (tmp_path / "metrics.jsonl").read_text()
    found = json.loads(line, parse_constant=refuse)["metrics"]
    assert found == {"a": "NaN", "b": "Infinity", "c": "-Infinity", "d": 1.5}
    assert repr(strict_json.floats(found)) == repr(metrics)
    (tracked,) = read_curve(tmp_path / "metrics.jsonl")
    assert repr(tracked.metrics) == repr(metrics)


def test_test_metrics_are_those_of_the_last_line_alone(tmp_path: Path) -> None:
    assert Curve(tmp_path).test_metrics() == {}
    written(tmp_path, 1, 2)
    curve = Curve(tmp_path, 2)
    assert curve.test_metrics() == {}
    curve.append(2, 200, 2.0, {"test/nll": math.nan, "test/kl": 3.0})
    assert repr(Curve(tmp_path, 2).test_metrics()) == "{'test/nll': nan, 'test/kl': 3.0}"
    assert Curve(tmp_path, 1).test_metrics() == {}


def test_there_is_no_epoch_where_there_is_no_curve(tmp_path: Path) -> None:
    assert last_epoch(tmp_path) == 0
    Curve(tmp_path, 3)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_the_checksum_of_a_curve_is_that_of_its_epochs_however_they_were_written(tmp_path: Path) -> None:
    written(tmp_path, 1, 2, 3)
    before = Curve(tmp_path, 3).checksum
    curve = Curve(tmp_path, 3, before)
    curve.append(3, 300, 3.0, {"test/nll": 1.0})
    assert curve.checksum == before == Curve(tmp_path, 3, before).checksum
    assert Curve(tmp_path, 2).checksum != before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: lines[:1] + lines[2:], "the line of epoch 2 is missing or damaged"),
        (lambda lines: lines[:2], "the line of epoch 3 is missing or damaged"),
        (lambda lines: [lines[0].replace(b"1.0", b"1.1"), *lines[1:]], "the line of epoch 1 is missing or damaged"),
        (lambda lines: [], "the line of epoch 1 is missing or damaged"),
        (lambda lines: [lines[1], lines[0], lines[2]], "its lines are not those that were written up to epoch 3"),
        (lambda lines: [lines[0], *lines], "its lines are not those that were written up to epoch 3"),
    ],
)
def test_a_curve_that_is_not_as_it_was_written_is_refused_in_one_line_and_left_alone(
    tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], reason: str
) -> None:
    path = written(tmp_path, 1, 2, 3)
    checksum = Curve(tmp_path, 3).checksum
    damaged = b"".join(change(path.read_bytes().splitlines(keepends=True)))
    path.write_bytes(damaged)
    with pytest.raises(SweeperError) as raised:
        Curve(tmp_path, 3, checksum)
    assert str(raised.value) == f"{path}: {reason}"
    assert path.read_bytes() == damaged


def test_a_curve_is_followed_up_to_its_first_damage(tmp_path: Path) -> None:
    path = written(tmp_path, 1, 2, 3)
    path.write_bytes(path.read_bytes().replace(b'"epoch": 2', b'"epoch": 7'))
    assert last_epoch(tmp_path) == 1


def test_a_line_without_its_checksum_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    path.write_text(path.read_text().partition(', "crc32"')[0] + "}\n")
    assert last_epoch(tmp_path) == 0
    assert read_curve(path) == []
