"""Protects that a real sweep which is repeated, or interrupted and resumed, comes to the same."""

import shlex
from collections import Counter
from pathlib import Path

import pytest
from calling import call_console_script, interrupt_console_script
from swept import OF_A_REAL_SWEEP, TRIALS, Swept, measured, run_facts, the_only_sweep

from sweeper.tracking import default_uri
from sweeper.tracking.store import connect

pytestmark = OF_A_REAL_SWEEP


@pytest.fixture(scope="module")
def repetition(place: Path) -> Swept:
    """The same sweep once more, tracked nowhere."""
    ended = call_console_script(
        "run", "small.yaml", "--home", "again", "--tracking-uri", "none", cwd=place, timeout=180
    )
    return Swept(ended, the_only_sweep(place / "again"))


@pytest.fixture(scope="module")
def interruption(place: Path) -> Swept:
    """The same sweep, interrupted after its third trial."""
    ended = interrupt_console_script("run", "small.yaml", "--home", "broken", cwd=place, at=f"3/{TRIALS} ")
    return Swept(ended, the_only_sweep(place / "broken"))


@pytest.fixture(scope="module")
def ended_before(interruption: Swept) -> int:
    """How many trials had ended when the sweep was interrupted."""
    return sum(record.finished for record in interruption.records)


@pytest.fixture(scope="module")
def resumption(place: Path, interruption: Swept, ended_before: int) -> Swept:
    """The interrupted sweep, gone on with by the command that it printed."""
    (line,) = [line for line in interruption.ended.out.splitlines() if "go on with: " in line]
    command, *words = shlex.split(line.partition("go on with: ")[2])
    assert command == "sweeper"
    return Swept(call_console_script(*words, cwd=place, timeout=180), interruption.folder)


class TestRepetition:
    def test_it_has_the_same_trials(self, sweep: Swept, repetition: Swept) -> None:
        assert repetition.ended.code == 0
        assert run_facts(repetition) == run_facts(sweep)

    def test_every_metric_is_the_same_to_the_bit(self, sweep: Swept, repetition: Swept) -> None:
        assert measured(repetition) == measured(sweep)

    def test_it_reaches_the_same_verdict(self, sweep: Swept, repetition: Swept) -> None:
        verdicts = [(swept.folder / "verdict.txt").read_text() for swept in (sweep, repetition)]
        assert verdicts[0] == verdicts[1]

    def test_nothing_is_tracked_where_nothing_should_be(self, repetition: Swept) -> None:
        assert [path.name for path in repetition.folder.parent.iterdir()] == [repetition.folder.name]


class TestInterruption:
    def test_it_says_so_and_how_to_go_on(self, interruption: Swept, ended_before: int) -> None:
        assert interruption.ended.code == 130
        assert interruption.ended.err == ""
        assert f"interrupted; go on with: sweeper resume {interruption.folder.name}" in interruption.ended.out
        assert 3 <= ended_before < TRIALS

    def test_the_resumed_sweep_ends_with_a_verdict(self, resumption: Swept) -> None:
        assert (resumption.ended.code, resumption.ended.err) == (0, "")
        assert "Answer: " in resumption.ended.out

    def test_it_runs_only_what_was_left(self, resumption: Swept, ended_before: int) -> None:
        printed = [line for line in resumption.ended.out.splitlines() if f"/{TRIALS}  " in line]
        assert len(printed) == TRIALS - ended_before

    def test_nothing_tells_it_from_a_sweep_that_was_never_interrupted(self, sweep: Swept, resumption: Swept) -> None:
        assert run_facts(resumption) == run_facts(sweep)
        assert measured(resumption) == measured(sweep)

    def test_mlflow_has_every_run_once(self, resumption: Swept) -> None:
        client = connect(default_uri(resumption.folder.parent))
        runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
        statuses = Counter(run.info.status for run in runs)
        states = Counter(record.state for record in resumption.records)
        assert statuses == {
            "FINISHED": states["complete"] + 1,
            "KILLED": states["pruned"],
            "FAILED": states["failed"],
        }
