"""Where MLflow is: the default store of a home, and URIs as they may be shown."""

import re
from pathlib import Path

from sweeper.errors import UsageError
from sweeper.masking import mask

SQLITE = "sqlite:///"
_ARTIFACTS = "mlartifacts"

_DATABASE = re.compile(r"sqlite:///|(postgresql|mysql|mssql)(\+\w+)?://")
_SERVER = re.compile(r"https?://|databricks\b")


def default_uri(home: Path) -> str:
    """Return the URI of the home's own store, a SQLite file; absolute, so that it means the same from everywhere."""
    return f"{SQLITE}{home.resolve() / 'mlflow.db'}"


def artifact_location(home: Path | str) -> str:
    """Return where the artifacts of a home's experiments are, as a URI that means the same from everywhere.

    ``home`` is a folder, or the URL of a place in a store.
    """
    return f"{home}/{_ARTIFACTS}" if isinstance(home, str) else (home.resolve() / _ARTIFACTS).as_uri()


def has_server(uri: str) -> bool:
    """Say whether a tracking server answers at ``uri``, rather than a database that clients open themselves.

    Raises UsageError where MLflow would do neither.
    """
    if _SERVER.match(uri):
        return True
    if _DATABASE.match(uri):
        return False
    raise UsageError(
        f"found the tracking URI {mask(uri)!r}; must begin with http://, https://, sqlite:///, postgresql://, "
        "mysql://, mssql:// or databricks"
    )
