"""MLflow's web UI on the store of a home."""

import sys
from pathlib import Path

from sweeper.errors import UsageError
from sweeper.masking import mask
from sweeper.tracking.uri import artifact_location, has_server


def ui_command(home: Path | str, uri: str, port: int) -> list[str]:
    """Return the command that serves MLflow's UI on the loopback address.

    Raises UsageError where a server at ``uri`` has a UI of its own, and where the command would show a password to
    everyone who may list the processes of this machine.
    """
    if has_server(uri):
        raise UsageError(f"{mask(uri)} is a tracking server with a UI of its own; open it in a browser")
    if mask(uri) != uri:
        raise UsageError(f"{mask(uri)} has a password; set MLFLOW_BACKEND_STORE_URI to it and run 'mlflow server'")
    return [
        *("env", "MLFLOW_DISABLE_TELEMETRY=true"),
        *(sys.executable, "-P", "-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1"),  # Each worker takes seconds to import MLflow; one is enough for one pair of eyes.
        *("--backend-store-uri", uri),
        *("--default-artifact-root", artifact_location(home)),
    ]
