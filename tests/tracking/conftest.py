"""One migrated MLflow store, copied for every test, as making its schema takes seconds; and mirrors into it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fabricated_folder import Folder

from sweeper.tracking import default_uri
from sweeper.tracking.mirror import Mirror
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


@pytest.fixture
def mirror(home: Path) -> Iterator[Callable[..., Mirror]]:
    """Mirrors of folders in the home, closed at the end."""
    opened: list[Mirror] = []

    def open_mirror(folder: Folder, **keywords: Any) -> Mirror:
        opened.append(Mirror(folder.path, default_uri(home), **keywords))
        return opened[-1]

    yield open_mirror
    for each in opened:
        each.close()
