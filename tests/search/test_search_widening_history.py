"""Protects what a sweep keeps of its wider files: every change, the journals before, and all of it after a kill."""

from pathlib import Path
from unittest.mock import patch

import pytest
from support.sweeps import make_spec, simulated
from widened import NOW, begin, changed, quick_disk

from sweeper.execution.widening import widen
from sweeper.search import read_records
from sweeper.search.history import read_history, recorded_changes
from sweeper.search.settled import keep_plan
from sweeper.spec import read_spec

_quick_disk = pytest.fixture(autouse=True)(quick_disk)


class TestHistory:
    def test_every_change_is_kept_with_when_and_how_many_trials_had_begun(self, tmp_path: Path) -> None:
        spec = make_spec(trials=4, finals=None)
        simulated(spec, begin(tmp_path, spec))
        second = changed(spec, "sweep.trials=8", "sweep.workers=2")
        third = changed(second, "model.latent_dim={choice: [2, 4, 8, 16]}")
        assert [str(change) for change in widen(tmp_path, second, NOW)] == [
            "sweep.trials: 4 -> 8",
            'sweep.workers: "auto" -> 2',
        ]
        simulated(second, tmp_path)
        widen(tmp_path, third, NOW)
        assert [change.to_json() for change in recorded_changes(tmp_path)] == [
            {"when": "2025-11-21T12:00:00", "path": "sweep.trials", "from": 4, "to": 8, "begun": 4},
            {"when": "2025-11-21T12:00:00", "path": "sweep.workers", "from": "auto", "to": 2, "begun": 4},
            {
                "when": "2025-11-21T12:00:00",
                "path": "model.latent_dim",
                "from": {"choice": [2, 4, 8]},
                "to": {"choice": [2, 4, 8, 16]},
                "begun": 8,
            },
        ]
        assert read_history(tmp_path).spec == read_spec(tmp_path / "sweep.yaml") == third

    def test_the_journals_before_are_kept_beside(self, tmp_path: Path) -> None:
        spec = make_spec(trials=4, finals=None)
        simulated(spec, begin(tmp_path, spec))
        journals = []
        for trials in (8, 12):
            journals.append((tmp_path / "study.journal").read_bytes())
            widen(tmp_path, changed(spec, f"sweep.trials={trials}"), NOW)
        kept = [(tmp_path / f"study.journal.{number}").read_bytes() for number in (1, 2)]
        assert kept == journals
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            *("study.journal", "study.journal.1", "study.journal.2", "sweep.yaml", "trials"),
        ]

    def test_where_nothing_has_changed_nothing_is_written(self, tmp_path: Path) -> None:
        spec = make_spec(trials=4, finals=None)
        simulated(spec, begin(tmp_path, spec))
        before = (tmp_path / "study.journal").read_bytes()
        assert widen(tmp_path, changed(spec), NOW) == ()
        assert (tmp_path / "study.journal").read_bytes() == before

    def test_a_sweep_of_an_older_version_is_what_its_file_says(self, tmp_path: Path) -> None:
        spec = make_spec(trials=4, finals=None)
        (tmp_path / "sweep.yaml").write_text(spec.to_yaml())
        before = simulated(spec, tmp_path)
        assert read_history(tmp_path) is None
        assert widen(tmp_path, spec, NOW) == ()
        assert read_history(tmp_path).spec == spec
        assert read_records(tmp_path) == before

    def test_a_plan_is_kept_where_a_file_leaves_it_to_auto(self) -> None:
        spec = make_spec()
        left = changed(spec, "sweep.evaluation={every: auto, images: auto}")
        assert keep_plan(spec, left) == spec
        assert keep_plan(spec, changed(spec, "sweep.evaluation.images=50")) != spec


class Killed(BaseException):
    """What a SIGKILL leaves is what is on the disk when this is raised."""


KILLED_IN = {
    "rewrite": "sweeper.execution.widening.rewrite",
    "write_history": "sweeper.search.rewriting.write_history",
    "write_atomically": "sweeper.execution.widening.write_atomically",
    "put_in_place": "sweeper.execution.widening.put_in_place",
    "keep": "sweeper.search.replacing.keep",
}
"""Moments of a widening, by what is about to be called."""


@pytest.mark.parametrize("moment", KILLED_IN)
def test_a_kill_at_any_moment_leaves_what_the_next_resumption_completes(tmp_path: Path, moment: str) -> None:
    spec = make_spec(trials=8, finals=None)
    wide = changed(spec, "model.latent_dim={choice: [2, 4, 8, 16]}", "sweep.trials=16")
    before = simulated(spec, begin(tmp_path, spec))
    with patch(KILLED_IN[moment], side_effect=Killed), patch("shutil.rmtree"), pytest.raises(Killed):
        widen(tmp_path, wide, NOW)
    assert read_records(tmp_path) == before
    assert read_history(tmp_path).spec == spec
    left = read_spec(tmp_path / "sweep.yaml")
    assert left == (wide if moment in ("put_in_place", "keep") else spec)
    assert len(widen(tmp_path, wide, NOW)) == 2
    assert read_history(tmp_path).spec == read_spec(tmp_path / "sweep.yaml") == wide
    assert not (tmp_path / "widening").exists()
    after = simulated(wide, tmp_path)
    assert after[: len(before)] == before
    assert len(after) == 16
