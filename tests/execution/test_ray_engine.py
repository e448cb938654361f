"""The engine on Ray Tune: the same sweep as on the simulator, in worker processes that are used again."""

from collections import Counter
from pathlib import Path

import pytest
from support.factories import DyingAfterAnEpoch, NotingProcess
from support.sweeps import make_spec, simulated

from sweeper.execution.listener import Silent
from sweeper.execution.ownership import owned
from sweeper.execution.runner import RAY_LOG, run_sweep
from sweeper.execution.site import Site
from sweeper.search import read_records

pytestmark = pytest.mark.sweep


def run(spec, folder: Path, factory) -> bool:
    (folder / "trials").mkdir(exist_ok=True)
    site = Site(folder, data_dir=folder, address=None, tracking_uri=None)
    with owned(folder) as ownership:
        return run_sweep(spec, site, factory, Silent(), lambda: None, ownership)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """One sweep on Ray with one worker; its folder."""
    folder = tmp_path_factory.mktemp("sweep")
    assert run(make_spec(epochs=3, trials=8, workers=1), folder, NotingProcess())
    return folder


def test_ray_gives_the_sweep_that_the_simulator_gives(sweep, tmp_path):
    def essence(records):
        return [(r.number, r.arm, r.phase, r.state, r.parameters, r.curve, r.value, r.test) for r in records]

    expected = simulated(make_spec(epochs=3, trials=8, workers=1), tmp_path)
    assert essence(read_records(sweep)) == essence(expected)


def test_one_process_trains_trial_after_trial(sweep):
    """Without reuse a trial costs seconds of process start."""
    notes = [path.read_text().split() for path in (sweep / "trials").glob("*/processes")]
    assert len(notes) == 12
    assert len({process for note in notes for process in note}) == 1


def test_two_workers_are_two_processes_however_short_the_trials(tmp_path):
    """Tune would let a trial whose worker is still starting take over a free one, and kill its own."""
    assert run(make_spec(epochs=1, trials=16, finals=None, workers=2), tmp_path, NotingProcess())
    notes = [path.read_text().split() for path in (tmp_path / "trials").glob("*/processes")]
    assert len(notes) == 16
    assert len({process for note in notes for process in note}) <= 2


def test_ray_says_what_it_has_to_say_in_a_file(sweep):
    assert "ray" in (sweep / RAY_LOG).read_text().lower()


def test_a_trial_whose_process_is_killed_goes_on_from_its_last_epoch(tmp_path):
    assert run(make_spec(epochs=3, trials=4, stopping="none", workers=1), tmp_path, DyingAfterAnEpoch())
    records = read_records(tmp_path)
    assert Counter(record.state for record in records) == {"complete": 8}
    assert all([images for images, _ in record.curve] == [1000, 2000, 3000] for record in records)
    assert (tmp_path / "trials" / records[2].folder / "died").exists()
