"""Protects `resume` with a wider file, and the note of `run` about a sweep that asks the same and has not ended.

Trials are simulated; all else is what the command line does.
"""

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import typer
from calling import Sweeper
from support.sweeps import make_spec, quality, simulated

from sweeper.cli.ending import conclude, print_results
from sweeper.execution.dispatcher import Dispatcher, Workplace
from sweeper.execution.home import new_folder
from sweeper.execution.listener import Listener
from sweeper.execution.ownership import Ownership
from sweeper.execution.simulator import simulate
from sweeper.execution.site import Site
from sweeper.remote.homes import Home
from sweeper.search import Sweep, read_records
from sweeper.search.history import record_spec
from sweeper.spec import Spec, read_spec
from sweeper.training.job import Job, Run, RunFactory
from sweeper.training.simulated import Simulation

NOW = datetime(2025, 11, 21, 12)

Refused = Callable[..., str]


class Interrupting(Simulation):
    """A simulation in which Ctrl-C is pressed when the third trial begins."""

    def __call__(self, job: Job) -> Run:
        if job.number == 2:
            raise KeyboardInterrupt
        return super().__call__(job)


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> Callable[[Simulation], None]:
    """Lets the command line run simulated trials; call it to change the simulation."""

    def use(simulation: Simulation) -> None:
        def run_sweep(
            spec: Spec, site: Site, _: RunFactory, listener: Listener, end: Callable[[], None], owner: Ownership
        ) -> bool:
            owner.check()
            place = Workplace(site.folder, data_dir=None, workers=1, device="cpu")
            simulate(Dispatcher(Sweep(spec, site.folder, 1), spec, place, listener), simulation)
            end()
            return True

        monkeypatch.setattr("sweeper.cli.sweeping.run_sweep", run_sweep)

    use(Simulation(quality))
    return use


@pytest.fixture
def first(trials: Callable[[Simulation], None], workplace: Path) -> Path:
    """A sweep that has ended, with its history."""
    spec = make_spec(epochs=2, trials=4, finals={"top": 1, "seeds": 2})
    folder = workplace / "sweeps" / "first"
    folder.mkdir(parents=True)
    (folder / "sweep.yaml").write_text(spec.to_yaml())
    record_spec(folder, spec)
    simulated(spec, folder)
    conclude(folder)
    return folder


def resume(sweeper: Sweeper, *words: str) -> str:
    ended = sweeper("resume", "first", "--tracking-uri", "none", *words)
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def searched(folder: Path) -> Counter[str]:
    return Counter(record.arm for record in read_records(folder) if record.phase == "search")


def test_a_finished_sweep_goes_on_with_more_trials(sweeper: Sweeper, first: Path) -> None:
    before = read_records(first)
    out = resume(sweeper, "--set", "sweep.trials=8")
    assert "changed sweep.trials: 4 -> 8\n" in out
    assert "Answer: " in out
    assert read_records(first)[: len(before)] == before
    assert searched(first) == {"fc": 4, "conv": 4}
    assert read_spec(first / "sweep.yaml").settings.trials == 8
    assert "changed" not in resume(sweeper), "it is done"


def test_a_sweep_goes_on_under_a_file(sweeper: Sweeper, first: Path, workplace: Path) -> None:
    wide = make_spec(epochs=2, trials=4, finals={"top": 1, "seeds": 2}, evaluation={"every": "auto", "images": "auto"})
    (workplace / "wide.yaml").write_text(wide.to_yaml().replace("[2, 4, 8]", "[2, 4, 8, 16]"))
    out = resume(sweeper, "--with", "wide.yaml", "--set", "sweep.trials=12")
    assert 'changed model.latent_dim: {"choice": [2, 4, 8]} -> {"choice": [2, 4, 8, 16]}\n' in out
    assert "sweep.evaluation" not in out, "the plan is kept"
    assert searched(first) == {"fc": 6, "conv": 6}


def test_an_edit_of_the_file_in_the_folder_is_taken_in(sweeper: Sweeper, first: Path) -> None:
    path = first / "sweep.yaml"
    path.write_text(path.read_text().replace("trials: 4", "trials: 8"))
    assert "changed sweep.trials: 4 -> 8\n" in resume(sweeper)
    assert searched(first) == {"fc": 4, "conv": 4}


def test_what_was_changed_is_shown(sweeper: Sweeper, first: Path) -> None:
    assert json.loads(sweeper("show", "first", "--json").out)["changes"] == []
    assert "trials begun" not in sweeper("show", "first").out
    resume(sweeper, "--set", "sweep.trials=8")
    (change,) = json.loads(sweeper("show", "first", "--json").out)["changes"]
    when = change.pop("when")
    assert change == {"path": "sweep.trials", "from": 4, "to": 8, "begun": 8}
    lines = sweeper("show", "first").out.splitlines()
    (heading,) = [number for number, line in enumerate(lines) if line.startswith("changed ")]
    assert lines[heading].split() == ["changed", "from", "to", "when", "trials", "begun"]
    assert lines[heading + 1].split() == ["sweep.trials", "4", "8", when, "8"]


EDITS = {
    "metric": ("metric: val/nll", "metric: val/fld", 'sweep.metric: found "val/fld"; must stay "val/nll"'),
    "epochs": ("epochs: 2", "epochs: 3", "training.epochs: found 3; must stay 2, lest it falsify 8 trials"),
    "trials": ("trials: 4", "trials: 2", "sweep.trials: found 2 for 2 arms; must be at least 4, as 2 of arm fc"),
    "broken": ("trials: 4", "trials: four", 'sweep.trials: found "four"; must be an integer >= 1'),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_that_would_falsify_trials_is_refused(
    refused: Refused, first: Path, edit: tuple[str, str, str]
) -> None:
    before, after, message = edit
    path = first / "sweep.yaml"
    assert path.read_text().count(before) == 1
    path.write_text(path.read_text().replace(before, after))
    line = refused("resume", "first", "--tracking-uri", "none")
    assert message in line
    assert "sweeps/first/sweep.yaml:" in line, "the place of the edit"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "model.latent_dim={choice: [64]}"], "model.latent_dim: found [64]; must still hold "),
        (["--set", "sweep.trials=6", "--set", "sweep.arms=model.latent_dim"], "sweep.arms: found "),
        (["--set", "sweep.trials=7"], "sweep.trials: found 7; must be a multiple of 2"),
        (["--set", "model.backbone.conv.layers={int: [1, 9]}"], "layers is 9, but each halves the image"),
        (["--with", "missing.yaml"], "missing.yaml: no such file"),
        (["--with", "small.yaml"], 'name: found "small"; must stay "test", after which its folder is named'),
    ],
)
def test_a_refusal_is_one_line_and_writes_nothing(
    refused: Refused, first: Path, words: list[str], message: str
) -> None:
    assert message in refused("resume", "first", "--tracking-uri", "none", *words)


class TestTheNoteOfRun:
    def run(self, sweeper: Sweeper, *words: str) -> tuple[int, str]:
        ended = sweeper("run", "small.yaml", "--tracking-uri", "none", *words)
        return ended.code, ended.err

    def test_an_unfinished_sweep_of_the_same_digest_is_named_with_how_to_go_on(
        self, sweeper: Sweeper, trials: Callable[[Simulation], None], workplace: Path
    ) -> None:
        trials(Interrupting(quality))
        assert self.run(sweeper) == (130, "")
        (folder,) = (workplace / "sweeps").iterdir()
        trials(Simulation(quality))
        code, err = self.run(sweeper)
        command = f"sweeper resume {folder.name} --home sweeps --tracking-uri none"
        assert code == 0
        assert err == (
            f"warning: sweeps/{folder.name} asks the same, and 2 of 4 trials ended; go on with it: {command}\n"
        )
        assert len(list((workplace / "sweeps").iterdir())) == 2, "the new sweep was begun all the same"

    def test_nothing_is_said_of_finished_sweeps_and_of_others(
        self, sweeper: Sweeper, trials: Callable[[Simulation], None], workplace: Path
    ) -> None:
        assert self.run(sweeper) == (0, "")
        spec = read_spec(next((workplace / "sweeps").iterdir()) / "sweep.yaml")
        other = read_spec(workplace / "small.yaml", ["sweep.seed=9", "sweep.evaluation={every: 1, images: 250}"])
        unlike = new_folder(Home(workplace / "sweeps"), other, NOW)
        unlike.rename(unlike.with_name(unlike.name.replace(other.digest[:6], spec.digest[:6])))
        damaged = new_folder(Home(workplace / "sweeps"), spec, NOW)
        (damaged / "study.journal").write_text("{}\n")
        assert self.run(sweeper) == (0, "")


def test_a_sweep_of_which_all_arms_are_broken_has_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(config: object, seed: int, epoch: int) -> float:
        raise RuntimeError("no such layer")

    spec = make_spec(trials=40, failures={"arm": 2})
    folder = new_folder(Home(tmp_path), spec, NOW)
    simulated(spec, folder, metric=broken)
    conclude(folder)
    with pytest.raises(typer.Exit) as ended:
        print_results(folder)
    assert ended.value.exit_code == 1
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    reason = "all failed, the last one: RuntimeError: no such layer; it begins no more of its 20"
    assert lines == [f"error: the first 2 trials of arm {arm} {reason}" for arm in ("fc", "conv")]
    assert printed.out
