"""One migrated MLflow store, copied for every test: making its schema takes seconds."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from sweeper.tracking import default_uri
from sweeper.tracking.store import connect


@pytest.fixture(scope="session")
def migrated_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an MLflow store without experiments of ours."""
    home = tmp_path_factory.mktemp("migrated")
    connect(default_uri(home))
    return home / "mlflow.db"


@pytest.fixture
def home(tmp_path: Path, migrated_store: Path) -> Path:
    """A home with an empty MLflow store."""
    shutil.copy(migrated_store, tmp_path)
    return tmp_path


@pytest.fixture
def client(home: Path) -> Any:
    """MLflow's own client on the store of the home."""
    return connect(default_uri(home))
