"""The file of a private key that a cluster's file names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeper.spec.places import Places

_PATH = ("ssh", "key")


def check_key(values: Mapping[str, Any], places: Places, *, with_public: bool) -> None:
    """Check that the file of a private key is there, if one is named, and where it is needed its public one beside it.

    Raises:
        UsageError: a file is not there.

    """
    if values["ssh"]["key"] is None:
        return
    private = Path(values["ssh"]["key"]).expanduser()
    for file in (private, Path(f"{private}.pub")) if with_public else (private,):
        if not file.is_file():
            raise places.error(
                _PATH, f"{file}: no such file; `ssh-keygen` makes a key, null leaves it to `up` or to ssh"
            )
