"""Protects the share of an accelerator: as many trials at once as fit and are worth it, by measurement."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from sweeper.errors import SweeperError
from sweeper.training import rehearsal
from sweeper.training.devices import CONTEXT_BYTES, memory_fraction
from sweeper.training.memory import physical_memory
from sweeper.training.probe import MARGIN, DoesNotFitError, Load, Share, probe
from sweeper.training.side_by_side import SideBySide

GIB = 2**30


@dataclass
class Accelerator:
    """An accelerator of so much memory that does so many steps a second at most, one trial alone a part of them."""

    total: int = 80 * GIB
    trial: int = GIB
    steps: float = 85.0
    alone: float = 10.0
    refuses: int = 10**9
    """With so many trials at once memory runs out, whatever one took alone."""
    loads: list[int] = field(default_factory=list)

    def load(self, trials: int) -> Load:
        self.loads.append(trials)
        if trials >= self.refuses:
            raise DoesNotFitError("CUDA out of memory")
        return Load(min(self.steps, self.alone * trials), self.trial, self.total)


@pytest.mark.parametrize(
    ("device", "most", "trials", "measured"),
    [
        (Accelerator(), 64, 8, [1, 2, 4, 8, 16]),
        (Accelerator(steps=15), 64, 2, [1, 2, 4]),
        (Accelerator(alone=100), 64, 1, [1, 2]),
        (Accelerator(), 5, 4, [1, 2, 4]),
        (Accelerator(), 1, 1, [1]),
        (Accelerator(trial=30 * GIB), 64, 2, [1, 2]),
        (Accelerator(trial=79 * GIB), 64, 1, [1]),
        (Accelerator(refuses=4), 64, 2, [1, 2, 4]),
    ],
    ids=["until it is busy", "15 a second", "busy with one", "cores", "one core", "memory", "all memory", "refused"],
)
def test_as_many_at_once_as_fit_and_are_faster_together(
    device: Accelerator, most: int, trials: int, measured: list[int]
) -> None:
    share = probe(device, most)
    assert (share.trials, device.loads) == (trials, measured)
    assert share.memory == device.trial
    assert len(share.rates) in (len(measured), len(measured) - 1)


def test_what_was_measured_fits_into_the_share_that_a_trial_is_held_to() -> None:
    """`devices.occupy` caps the memory of a process: the share must have room for what was measured, with a margin."""
    for trial in range(GIB // 4, 40 * GIB, GIB // 2):
        share = probe(Accelerator(trial=trial, steps=1e9), 64)
        if share.trials > 1:
            assert MARGIN * trial <= memory_fraction(80 * GIB, 1 / share.trials) * 80 * GIB
            assert share.trials * (MARGIN * trial + CONTEXT_BYTES) <= 80 * GIB


def test_a_trial_that_does_not_even_fit_alone_has_no_share() -> None:
    with pytest.raises(DoesNotFitError, match="out of memory"):
        probe(Accelerator(refuses=1), 64)


def test_shares_are_plain_values() -> None:
    assert probe(Accelerator(steps=21), 4) == Share(2, GIB, (10.0, 20.0, 21.0))


@pytest.fixture
def told(make_config: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Returns a function that makes what a rehearsal is told."""

    def make(**sections: Any) -> dict[str, Any]:
        fixed = {"metric": "val/nll", "k": 3, "device": "cpu", "threads": 1, "data_dir": None}
        return {"config": make_config(**sections), **fixed, "gpu_share": 1.0, "seconds": 0.01}

    return make


def rehearsed(*lines: str) -> list[dict[str, Any]]:
    written = io.StringIO()
    rehearsal.rehearse(io.StringIO("\n".join(lines)), written)
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_rehearsal_trains_and_measures_before_it_is_timed(told: Callable[..., dict[str, Any]]) -> None:
    ready, measured = rehearsed(json.dumps(told()), "begin")
    assert ready == {"ready": True}
    assert measured["rate"] > 0
    assert 0 < measured["memory"] < measured["total"] == physical_memory()


def test_a_rehearsal_that_nobody_begins_ends(told: Callable[..., dict[str, Any]]) -> None:
    assert rehearsed(json.dumps(told())) == [{"ready": True}]


def test_want_of_memory_is_told_apart_from_other_faults(
    told: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (failed,) = rehearsed(json.dumps(told(backbone={"hidden": -1})))
    assert failed["error"]
    assert not failed["out_of_memory"]

    def starve(*_: object) -> None:
        raise MemoryError("Unable to allocate 7.50 GiB for an array with shape (1000,)")

    monkeypatch.setattr(rehearsal.Rehearsal, "warm_up", starve)
    (failed,) = rehearsed(json.dumps(told()))
    assert failed["out_of_memory"]


def test_trials_side_by_side_are_processes_that_train_at_once(make_config: Callable[..., dict[str, Any]]) -> None:
    load = SideBySide(make_config(), "val/nll", 3, "cpu", 1, None, seconds=0.1).load(2)
    assert load.rate > 0
    assert 0 < load.memory < load.total


def test_what_keeps_a_process_from_training_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.training.side_by_side.REHEARSAL", "sweeper.training.no_such_module")
    with pytest.raises(SweeperError, match=r"ended with exit code 1: .*no_such_module"):
        SideBySide({}, "val/nll", 3, "cpu", 1, None).load(1)
