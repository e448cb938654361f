"""One store and one experiment, however many sweeps of a home begin at once.

Protects against PITFALLS 10: MLflow makes the schema of a SQLite file without excluding other processes, and an
experiment that another process has just created is an error to it.
"""

import mlflow
import pytest
from fabricated_folder import Folder

from sweeper.errors import SweeperError
from sweeper.locking import locked
from sweeper.tracking import default_uri
from sweeper.tracking.store import connect, open_experiment

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def test_the_schema_is_made_while_other_processes_are_locked_out(tmp_path, monkeypatch):
    lock = tmp_path / "mlflow.db.lock"

    def make_schema(uri):
        with pytest.raises(SweeperError, match="held by another process"), locked(lock, wait=False):
            pass
        return uri

    monkeypatch.setattr(mlflow, "MlflowClient", make_schema)
    assert connect(default_uri(tmp_path)) == default_uri(tmp_path)
    with locked(lock, wait=False):
        assert lock.exists()


def test_an_experiment_that_another_sweep_creates_in_the_same_moment_is_shared(home, client, monkeypatch):
    created = client.create_experiment("shared")
    find, answers = client.get_experiment_by_name, [None]
    monkeypatch.setattr(client, "get_experiment_by_name", lambda name: answers.pop() if answers else find(name))
    assert open_experiment(client, default_uri(home), "shared", home) == created


def test_an_experiment_that_cannot_be_created_is_an_error(home, client):
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match="Invalid experiment name"):
        open_experiment(client, default_uri(home), "", home)


def test_nothing_is_written_outside_of_the_home(home, client, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    folder = Folder(home)
    folder.epochs(folder.begin(), 1)
    folder.end(0)
    from sweeper.tracking.mirror import sync

    sync(folder.path, default_uri(home))
    assert list(elsewhere.iterdir()) == []
    assert {path.name for path in home.iterdir()} == {"mlflow.db", "mlflow.db.lock", "mlartifacts", folder.path.name}
