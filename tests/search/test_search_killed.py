"""A sweep whose driver was killed at any moment goes on so that nothing tells it from one that was not.

The moments are all that a kill can leave: the journal up to any of its lines, or cut in one, and the files of the trial
in work as the journal knows them or, as a trial writes before it reports, an epoch ahead of it.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from driven import timeless
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sweeps import make_spec, quality, simulated

from sweeper.search import TrialRecord, read_records
from sweeper.spec import Spec
from sweeper.training.simulated import Metrics, nothing_else

OF_A_PROCESS = ("worker_id", "crc", "datetime_start", "datetime_complete")
"""What in a line of the journal says who wrote it, and when."""


def faulty(config: dict[str, Any], seed: int, epoch: int) -> float:
    """Raise for some trials, be no number for others: after the second epoch, or after the last."""
    if seed % 5 == 0 and epoch == 2:
        raise RuntimeError("out of luck")
    diverges = {1: 2, 2: config["training"]["epochs"]}.get(seed % 5)
    return math.nan if epoch == diverges else quality(config, seed, epoch)


def collapses(config: dict[str, Any], seed: int, epoch: int) -> dict[str, float]:
    """Return the measures of a posterior that collapses where the latent dimension is 2."""
    return {"val/reconstruction": 30.0, "val/kl": 0.01 if config["model"]["latent_dim"] == 2 else 3.0}


@dataclass(frozen=True)
class Whole:
    """A sweep that nothing interrupted."""

    spec: Spec
    folder: Path
    beside: Metrics

    def run(self, folder: Path, workers: int = 1) -> list[TrialRecord]:
        """Begin the sweep in a folder, or go on with it."""
        return timeless(simulated(self.spec, folder, metric=faulty, beside=self.beside, workers=workers))

    @cached_property
    def records(self) -> list[TrialRecord]:
        return timeless(read_records(self.folder))

    @cached_property
    def journal(self) -> bytes:
        return (self.folder / "study.journal").read_bytes()

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        return lines_of(self.folder)

    def until(self, size: int, to: Path, *, ahead: bool) -> None:
        """Leave in ``to`` what a kill does when so many bytes of the journal were written."""
        (to / "trials").mkdir(parents=True)
        (to / "study.journal").write_bytes(self.journal[:size])
        for record in read_records(to):
            if record.begun:
                kept = len(record.curve) + (ahead and record.state == "running")
                self._copy(to / "trials" / record.folder, kept)

    def _copy(self, trial: Path, epochs: int) -> None:
        whole = self.folder / "trials" / trial.name
        trial.mkdir()
        (trial / "config.yaml").write_bytes((whole / "config.yaml").read_bytes())
        if epochs and (whole / "metrics.jsonl").exists():
            lines = (whole / "metrics.jsonl").read_bytes().splitlines(keepends=True)
            (trial / "metrics.jsonl").write_bytes(b"".join(lines[:epochs]))


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """Return what a journal says, and not who said it, or when."""
    records = map(json.loads, (folder / "study.journal").read_text().splitlines())
    return [{key: value for key, value in record.items() if key not in OF_A_PROCESS} for record in records]


def curves_of(folder: Path) -> dict[str, list[Any]]:
    """Return the metrics that trials wrote, epoch by epoch."""
    return {
        path.parent.name: [(line["epoch"], line["metrics"]) for line in map(json.loads, path.read_text().splitlines())]
        for path in sorted(folder.glob("trials/*/metrics.jsonl"))
    }


def the_same(value: Any) -> str:
    """Return a text for comparing: NaN equals NaN there."""
    return repr(value)


PLAIN = {"choose": {"fc": {}, "conv": {}}}
SWEEPS: dict[str, tuple[Spec, Metrics]] = {
    "tpe": (make_spec(3, trials=10, search={"name": "tpe", "startup": 2}), nothing_else),
    "random": (make_spec(4, search="random", stopping={"name": "median", "grace": 2, "startup": 1}), nothing_else),
    "grid": (make_spec(3, trials=16, search="grid", backbone=PLAIN, lr={"choice": [1e-3, 1e-2]}), nothing_else),
    "qmc": (make_spec(3, search="qmc", finals={"top": 2, "seeds": 2}), nothing_else),
    "signs": (make_spec(6, trials=10, stopping={"name": "none", "also": ["collapsed"]}), collapses),
}


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """No journal of these tests has to survive a loss of power."""
    with patch("os.fsync"):
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Whole]:
    made: dict[str, Whole] = {}

    def of(name: str) -> Whole:
        if name not in made:
            spec, beside = SWEEPS[name]
            made[name] = Whole(spec, tmp_path_factory.mktemp(name), beside)
            made[name].run(made[name].folder)
        return made[name]

    return of


@pytest.fixture(scope="module")
def new_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    root, number = tmp_path_factory.mktemp("killed"), count()
    return lambda: root / str(next(number))


def assert_goes_on_as_the_whole(whole: Whole, folder: Path) -> None:
    assert the_same(whole.run(folder)) == the_same(whole.records)
    assert the_same(lines_of(folder)) == the_same(whole.lines)
    assert the_same(curves_of(folder)) == the_same(curves_of(whole.folder))


@pytest.mark.parametrize("name", SWEEPS)
def test_the_sweeps_that_are_killed_hold_what_can_happen(whole: Callable[[str], Whole], name: str) -> None:
    records = whole(name).records
    assert {record.state for record in records if record.phase == "search"} == {"complete", "pruned", "failed"}
    assert {record.phase for record in records} == {"search", "finals"}
    reasons = " ".join(record.reason or "" for record in records)
    assert "RuntimeError: out of luck" in reasons
    assert "val/nll is nan" in reasons
    rule = "posterior_collapsed" if name == "signs" else SWEEPS[name][0].settings.stopping.name
    assert f"stopped: {rule}" in reasons or f"stopped by {rule}" in reasons


@pytest.mark.parametrize("ahead", [False, True], ids=["as the journal", "an epoch ahead"])
def test_killed_after_any_line(whole: Callable[[str], Whole], new_folder: Callable[[], Path], ahead: bool) -> None:
    swept, size = whole("tpe"), 0
    for line in [b"", *swept.journal.splitlines(keepends=True)]:
        size += len(line)
        folder = new_folder()
        swept.until(size, folder, ahead=ahead)
        assert_goes_on_as_the_whole(swept, folder)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(name=st.sampled_from(sorted(SWEEPS)), when=st.floats(0, 1), ahead=st.booleans())
def test_killed_in_any_line(whole, new_folder, name: str, when: float, ahead: bool) -> None:
    swept, folder = whole(name), new_folder()
    swept.until(int(when * len(swept.journal)), folder, ahead=ahead)
    assert_goes_on_as_the_whole(swept, folder)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(when=st.floats(0, 1), ahead=st.booleans())
def test_with_several_workers_no_trial_is_lost_or_trained_twice(whole, new_folder, when: float, ahead: bool) -> None:
    swept, folder = whole("qmc"), new_folder()
    swept.until(int(when * len(swept.journal)), folder, ahead=ahead)
    records = swept.run(folder, workers=3)
    assert [record.number for record in records] == list(range(len(records)))
    assert all(record.finished for record in records)
    for arm in ("fc", "conv"):
        assert sum(record.arm == arm and record.phase == "search" for record in records) == 6
    for record in records:
        assert [images for images, _ in record.curve] == [1000 * (epoch + 1) for epoch in range(len(record.curve))]
