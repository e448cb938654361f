"""Protects that how a sweep measures is told before it begins, written into its folder, and kept when it goes on."""

from pathlib import Path
from typing import Any

import pytest
from calling import SMALL, Sweeper, check_complaint

from sweeper.spec import Spec, read_spec

FEW = SMALL.replace("finals: none}", "finals: none, evaluation: {k: 1}}")
MANY = SMALL.replace("finals: none}", "finals: none, evaluation: {k: 2000}}")
VALIDATION = 250


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Spec]:
    """The sweeps that were begun or gone on with, none of which trains."""
    specs: list[Spec] = []

    def note(spec: Spec, *_: Any) -> None:
        specs.append(spec)

    monkeypatch.setattr("sweeper.cli.sweeping._run", note)
    return specs


def test_check_says_how_often_and_on_how_many_images(sweeper: Sweeper, workplace: Path) -> None:
    (workplace / "few.yaml").write_text(FEW)
    ended = sweeper("check", "few.yaml")
    assert (ended.code, ended.err) == (0, "")
    assert f"Trials are measured every 1 epochs, on the first {VALIDATION} validation images." in ended.out
    assert "measuring at most" in ended.out


def test_a_sweep_is_planned_when_it_is_begun_and_keeps_its_plan(
    sweeper: Sweeper, workplace: Path, begun: list[Spec]
) -> None:
    (workplace / "few.yaml").write_text(FEW)
    for _ in range(2):
        assert sweeper("run", "few.yaml").code == 0
    first, second = sorted((workplace / "sweeps").glob("small-*"))
    assert sweeper("resume", first.name).code == 0
    for spec in (*begun, read_spec(first / "sweep.yaml"), read_spec(second / "sweep.yaml")):
        assert (spec.settings.evaluation.every, spec.settings.evaluation.images) == (1, VALIDATION)
        assert spec.digest == begun[0].digest


def test_what_takes_more_than_its_share_is_warned_of_and_stops_nothing(
    sweeper: Sweeper, workplace: Path, begun: list[Spec]
) -> None:
    (workplace / "many.yaml").write_text(MANY)
    ended = sweeper("run", "many.yaml")
    assert ended.code == 0
    assert len(begun) == 1
    (line,) = ended.err.splitlines()
    assert line.startswith(
        "warning: many.yaml:16: sweep.evaluation: measuring val/nll on 50 images with k=2000 every 1"
    )


def test_a_measurement_beside_the_rungs_is_refused(sweeper: Sweeper, workplace: Path) -> None:
    (workplace / "odd.yaml").write_text(SMALL.replace("stopping: none", "stopping: {grace: 3}"))
    line = check_complaint(sweeper("check", "odd.yaml", "--set", "sweep.evaluation.every=2"))
    assert "sweep.evaluation.every: found 2; must divide 3, the grace of the stopping rule" in line
