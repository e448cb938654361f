"""Protects the mirror of a sweep whose home is an object store: MLflow says what it says of one on a disk."""

import shutil
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fabricated_folder import Folder, finished, unfold
from observed import observe
from support.memory_objects import MemoryObjects

from sweeper.remote.objects import StoreError
from sweeper.remote.snapshot import TrialCopy
from sweeper.tracking import default_uri, ui_command
from sweeper.tracking.files import InStore
from sweeper.tracking.mirror import Mirror, sync
from sweeper.tracking.store import connect
from sweeper.tracking.uri import artifact_location

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


class Noting(MemoryObjects):
    """A store that notes what is read, and may be away."""

    read_keys: tuple[str, ...] = ()
    is_away = False

    def read(self, key):
        if self._top.is_away:
            raise StoreError("away")
        self._top.read_keys = (*self._top.read_keys, key)
        return super().read(key)


class Remote:
    """A sweep that lies in a store, and its driver's copy, which has no files of trials by itself."""

    def __init__(self, truth: Folder, place: Path) -> None:
        self.truth = truth
        self.objects = Noting()
        self.path = place / "driven" / truth.path.name
        self.path.mkdir(parents=True)
        self.files = InStore(self.path, self.objects)
        self.files.home = place  # MLflow can send nothing to a store in memory.

    def push(self) -> None:
        """Have everything where it would be by now."""
        for name in ("sweep.yaml", "study.journal", "verdict.txt"):
            if (self.truth.path / name).exists():
                shutil.copy2(self.truth.path / name, self.path)
        for trial in (self.truth.path / "trials").glob("*"):
            with TemporaryDirectory() as desk:
                copy = TrialCopy(self.objects.below("trials").below(trial.name), Path(desk))
                copy.claim()
                shutil.copytree(trial, desk, dirs_exist_ok=True)
                copy.push()


def on_disk(folder, migrated_store, home):
    """Return what MLflow says of the sweep when it is sent from its own folder."""
    shutil.copy(migrated_store, home / "other.db")
    uri = f"sqlite:///{home / 'other.db'}"
    sync(folder.path, uri)
    return observe(connect(uri), folder)


def test_followed_while_it_runs_it_is_what_it_is_on_a_disk(home, client, tmp_path, migrated_store):
    truth = Folder(tmp_path / "truth")
    remote = Remote(truth, home)
    with closing(Mirror(remote.path, default_uri(home), files=remote.files)) as mirror:
        for _ in unfold(truth):
            remote.push()
            assert mirror.synchronise(), mirror.problem
        remote.push()
        assert mirror.synchronise("finished"), mirror.problem
    followed = observe(client, truth)
    rebuilt = on_disk(truth, migrated_store, tmp_path)
    for there, here in zip(followed, rebuilt, strict=True):
        assert (there.name, there.status, there.histories) == (here.name, here.status, here.histories)
        assert (there.params, there.artifacts) == (here.params, here.artifacts)
    assert any("best/model.safetensors" in run.artifacts for run in followed)


def test_weights_are_fetched_when_the_sweep_has_ended_and_not_before(home, tmp_path):
    remote = Remote(finished(tmp_path / "truth"), home)
    remote.push()
    with closing(Mirror(remote.path, default_uri(home), files=remote.files)) as mirror:
        assert mirror.synchronise(), mirror.problem
        assert list(remote.path.rglob("*.safetensors")) == []
        assert mirror.synchronise("finished"), mirror.problem
    assert len(list(remote.path.rglob("best/*.safetensors"))) == 5


def test_of_a_trial_nothing_is_asked_for_without_news_of_it_in_the_journal(home, tmp_path):
    truth = Folder(tmp_path / "truth")
    remote = Remote(truth, home)
    first, second = truth.begin("fc"), truth.begin("conv")
    truth.epochs(first, 1)
    truth.epochs(second, 1)
    remote.push()
    with closing(Mirror(remote.path, default_uri(home), files=remote.files)) as mirror:
        assert mirror.synchronise(), mirror.problem
        truth.epochs(second, 2)
        remote.push()
        remote.objects.read_keys = ()
        assert mirror.synchronise(), mirror.problem
        assert remote.objects.read_keys.count("snapshot.json") == 1
        remote.objects.read_keys = ()
        assert mirror.synchronise(), mirror.problem
        assert remote.objects.read_keys == ()


def test_a_store_that_is_away_is_tried_again_and_nothing_is_there_twice(home, client, tmp_path):
    truth = finished(tmp_path / "truth")
    remote = Remote(truth, home)
    remote.push()
    kept = dict(remote.objects.objects)
    with closing(Mirror(remote.path, default_uri(home), files=remote.files)) as mirror:
        assert mirror.synchronise(), mirror.problem
        before = observe(client, truth)
        remote.objects.is_away = True
        assert not mirror.synchronise("finished")
        assert mirror.problem == "StoreError: away"
        remote.objects.is_away = False
        assert mirror.synchronise("finished"), mirror.problem
    assert [run.histories for run in observe(client, truth)] == [run.histories for run in before]
    assert remote.objects.objects == kept, "a mirror writes nothing to the store"


def test_a_trial_whose_files_are_damaged_keeps_no_other_from_being_sent(home, client, tmp_path):
    truth = finished(tmp_path / "truth")
    remote = Remote(truth, home)
    remote.push()
    key = f"trials/{truth.trial(0).name}/snapshot.json"
    remote.objects.put(key, b"{")
    with closing(Mirror(remote.path, default_uri(home), files=remote.files)) as mirror:
        assert mirror.synchronise("finished"), mirror.problem
    histories = {run.tags.get("sweeper.trial"): set(run.histories) for run in observe(client, truth)}
    assert histories["0"] == set()
    assert all(histories[number] for number in ("1", "2", "3", "4"))


def test_artifacts_of_such_a_home_are_in_it():
    assert InStore(Path("copy"), MemoryObjects().below("sweeps").below("first")).home == "memory://test/sweeps"
    assert artifact_location("s3://bucket/sweeps") == "s3://bucket/sweeps/mlartifacts"
    command = ui_command("s3://bucket/sweeps", "sqlite:////tmp/mlflow.db", 5000)
    assert command[command.index("--default-artifact-root") + 1] == "s3://bucket/sweeps/mlartifacts"
