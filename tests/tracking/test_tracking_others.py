"""What others do in the same store: another sweep of the name, another mirror of the sweep, and a person in the UI."""

from contextlib import closing

import pytest
from fabricated_folder import finished
from observed import observe

from sweeper.errors import SweeperError
from sweeper.tracking import default_uri
from sweeper.tracking.mirror import Mirror, sync

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def test_two_sweeps_of_one_name_share_an_experiment_and_nothing_else(home, client, mirror):
    folder = finished(home / "sweeps")
    other = finished(home / "sweeps" / "other")
    other.path = other.path.rename(folder.path.with_name("tracked-20251122-d4e5f6"))
    for each in (folder, other):
        assert mirror(each).synchronise("finished")
    runs = observe(client, folder)
    assert len(runs) == 12
    assert sorted({run.parent for run in runs if run.parent}) == [folder.path.name, other.path.name]


def test_one_mirror_at_a_time_has_a_sweep(home, mirror):
    folder = finished(home)
    assert mirror(folder).synchronise()
    second = mirror(folder)
    assert not second.synchronise()
    assert "held by another process" in str(second.problem)
    with pytest.raises(SweeperError, match="held by another process"):
        sync(folder.path, default_uri(home))


def test_what_was_deleted_in_the_ui_stays_deleted_and_stops_nothing(home, client, mirror):
    folder = finished(home)
    with closing(Mirror(folder.path, default_uri(home))) as first:
        first.synchronise()
    experiment = client.get_experiment_by_name(folder.name)
    runs = client.search_runs([experiment.experiment_id], filter_string="tags.`sweeper.trial` = '0'")
    client.delete_run(runs[0].info.run_id)
    (folder.trial(0) / "reconstructions.png").write_bytes(b"late")
    folder.epochs(folder.begin("fc"), 1)
    assert mirror(folder).synchronise("finished")
    left = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.tags.get("sweeper.trial", "parent") for run in left) == ["1", "2", "3", "4", "5", "parent"]
    assert len(observe(client, folder)) == 7


def test_an_experiment_in_the_bin_is_taken_out_of_it(home, client, mirror):
    folder = finished(home)
    with closing(Mirror(folder.path, default_uri(home))) as first:
        first.synchronise("finished")
    before = observe(client, folder)
    client.delete_experiment(client.get_experiment_by_name(folder.name).experiment_id)
    folder.epochs(folder.begin("fc"), 1)
    assert mirror(folder).synchronise("finished")
    assert client.get_experiment_by_name(folder.name).lifecycle_stage == "active"
    after = observe(client, folder)
    assert [run.name for run in after] == [*(run.name for run in before), folder.trial(5).name]
