"""Where MLflow is: the default store of a home, and URIs as they may be shown."""

import re
from pathlib import Path

from sweeper.errors import UsageError

SQLITE = "sqlite:///"

_DATABASE = re.compile(r"sqlite:///|(postgresql|mysql|mssql)(\+\w+)?://")
_SERVER = re.compile(r"https?://|databricks\b")
_USER = re.compile(r"(?<=://)[^\s/]*@")
_SECRET = re.compile(r"([?&;](?:\w*password|passwd|pwd|token|secret)=)[^\s&;]+", re.IGNORECASE)


def default_uri(home: Path) -> str:
    """Return the URI of the home's own store, a SQLite file; absolute, so that it means the same from everywhere."""
    return f"{SQLITE}{home.resolve() / 'mlflow.db'}"


def artifact_location(home: Path) -> str:
    """Return where the artifacts of a home's experiments are, as a URI that means the same from everywhere."""
    return (home.resolve() / "mlartifacts").as_uri()


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


def mask(text: str) -> str:
    """Return a URI, or a text with URIs in it, without their users and passwords."""
    return _SECRET.sub(r"\1***", _USER.sub("***@", text))
