"""Protects finished trials from what is added to a sweep: any widening of any small sweep leaves them as they are."""

import dataclasses
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from support.sweeps import make_spec, quality, simulated

from sweeper.execution.widening import widen
from sweeper.search import Decision, Report, Sweep, TrialRecord, read_records
from sweeper.search.history import read_history, record_spec
from sweeper.spec import Spec, parse_spec

OPTIONS = (2, 4, 8, 16, 32)
BRANCHES = {"elbo": {"beta": {"choice": [1, 4]}}, "iwae": {"k": {"int": [1, 5]}}, "jensen_shannon": {}}
ARMS = {"fc": {"layers": {"int": [1, 3]}}, "conv": {"layers": 1}, "residual": {}}


@dataclass(frozen=True)
class Extent:
    """How much of everything a sweep has."""

    options: tuple[int, ...]
    """Of one there is a fixed value."""
    decades: tuple[int, int]
    branches: tuple[str, ...]
    arms: tuple[str, ...]
    share: int

    def spec(self, search: str) -> Spec:
        latent_dim = {"choice": list(self.options)} if len(self.options) > 1 else self.options[0]
        low, high = self.decades
        objective = {"choose": {label: BRANCHES[label] for label in self.branches}}
        spec = make_spec(
            epochs=2,
            backbone={"choose": {label: ARMS[label] for label in self.arms}},
            lr={"float": [10.0**low, 10.0**high], "log": True},
            trials=self.share * len(self.arms),
            search=search,
            finals={"top": 1, "seeds": 1},
        )
        return parse_spec(spec.to_yaml(), "spec", [f"model.latent_dim={latent_dim}", f"objective={objective}"])


def more_of(known: st.SearchStrategy[Any], everything: tuple[Any, ...]) -> Any:
    """Draw some of everything, and more of it in any order."""
    some = st.lists(known, min_size=1, max_size=3, unique=True)
    more = st.permutations(everything)
    return st.tuples(some, more, st.integers(0, len(everything))).map(
        lambda drawn: (
            tuple(drawn[0]),
            tuple(one for one in drawn[1] if one in drawn[0] or drawn[1].index(one) < drawn[2]),
        )
    )


@st.composite
def widenings(draw: st.DrawFn) -> tuple[Extent, Extent]:
    options = draw(more_of(st.sampled_from(OPTIONS), OPTIONS))
    branches = draw(more_of(st.sampled_from(list(BRANCHES)), tuple(BRANCHES)))
    arms = draw(more_of(st.sampled_from(list(ARMS)), tuple(ARMS)))
    low, high = draw(st.integers(-4, -3)), draw(st.integers(-2, -1))
    wide = (low - draw(st.integers(0, 2)), high + draw(st.integers(0, 1)))
    share = draw(st.integers(1, 4))
    before, after = zip(options, branches, arms, strict=True)
    return (
        Extent(before[0], (low, high), before[1], before[2], share),
        Extent(after[0], wide, after[1], after[2], share + draw(st.integers(0, 3))),
    )


def leave(spec: Spec, folder: Path, reports: int) -> None:
    """Run a sweep with two workers until so many reports are in."""
    sweep, working = Sweep(spec, folder, workers=2), []
    for _ in range(reports):
        if len(working) < 2 and (assignment := sweep.next()) is not None:
            working.append([assignment, 0])
        if not working:
            return
        assignment, epoch = working.pop(0)
        value = quality(assignment.config, assignment.seed, epoch + 1)
        test = {"test/nll": value} if assignment.phase == "finals" and epoch == 1 else {}
        report = Report(epoch + 1, (epoch + 1) * 1000, value, done=epoch == 1, test=test)
        if sweep.report(assignment.number, report) is Decision.CONTINUE:
            working.append([assignment, epoch + 1])


def without_parameters(record: TrialRecord) -> TrialRecord:
    return dataclasses.replace(record, parameters={})


@given(widenings(), st.sampled_from(["tpe", "random", "qmc"]), st.integers(0, 24))
@settings(deadline=None, max_examples=15)
def test_a_widening_changes_no_record_and_the_sweep_runs_to_its_end(
    widening: tuple[Extent, Extent], search: str, reports: int
) -> None:
    old, new = (extent.spec(search) for extent in widening)
    with tempfile.TemporaryDirectory() as name, patch("os.fsync"):
        folder = Path(name)
        (folder / "sweep.yaml").write_text(old.to_yaml())
        record_spec(folder, old)
        leave(old, folder, reports)
        before = [record for record in read_records(folder) if record.begun]
        widen(folder, new, datetime(2025, 11, 21))
        placed = read_records(folder)
        assert list(map(without_parameters, placed)) == list(map(without_parameters, before))
        assert all(
            here.parameters.items() >= there.parameters.items() for here, there in zip(placed, before, strict=True)
        )
        assert read_history(folder).spec == new
        records = simulated(new, folder)
    after = {record.number: record for record in records}
    assert len(after) == len(records)
    assert all(record.finished for record in after.values())
    assert all(after[record.number] == record for record in placed if record.finished)
    assert [after[record.number].config for record in before] == [record.config for record in before]
    assert sum(record.phase == "search" for record in after.values()) == new.settings.trials
