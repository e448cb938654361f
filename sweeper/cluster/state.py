"""What this computer knows of a cluster that it has started: enough to go on with it, and to take it down."""

import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper.cluster.config import read_cluster
from sweeper.cluster.description import Cluster
from sweeper.errors import UsageError
from sweeper.files import PRIVATE, write_atomically

DEFAULT_FOLDER = "~/.sweeper/clusters"
NODE = "node"
_SUFFIXES = (".yaml", ".yml")
_ALWAYS = {"RAY_USAGE_STATS_ENABLED": "0"}


@dataclass(frozen=True)
class State:
    """The folder of one cluster; nobody but its owner may look into it."""

    folder: Path

    @property
    def file(self) -> Path:
        """The cluster's file, as it was when the cluster was started."""
        return self.folder / "cluster.yaml"

    @property
    def overrides(self) -> Path:
        """What the command line changed of the file."""
        return self.folder / "overrides.json"

    @property
    def launcher(self) -> Path:
        """The configuration that Ray's launcher gets."""
        return self.folder / "launcher.yaml"

    @property
    def node(self) -> Path:
        """What every node gets a copy of, as ``~/sweeper``."""
        return self.folder / NODE

    @property
    def token(self) -> Path:
        """The one file with a secret: what Ray asks everybody for."""
        return self.node / "token"

    @property
    def key(self) -> Path:
        """The cluster's own SSH key, for clusters that are not told to use another one."""
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        """The keys of its machines, as they were at first contact."""
        return self.folder / "known_hosts"

    @property
    def log(self) -> Path:
        """What every command has printed."""
        return self.folder / "log.txt"

    def begin(self, file: Path, overrides: Sequence[str]) -> None:
        """Make the folder, and note what the cluster is."""
        for folder in (self.folder, self.node):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        text = file.read_text()  # Before anything is written: it may be the very file.
        _write(self.overrides, json.dumps(list(overrides)))
        _write(self.file, text)

    def make_token(self) -> None:
        """Make the token, unless there is one: machines that are up know that one."""
        if not self.token.exists():
            _write(self.token, secrets.token_hex(32))

    def write_environment(self, environment: Mapping[str, str]) -> None:
        """Write what every command on a node finds in its environment; the shell there fills in its variables."""
        lines = (f'export {name}="{value}"\n' for name, value in (_ALWAYS | dict(environment)).items())
        _write(self.node / "environment", "".join(lines))

    def forget(self) -> None:
        """Remove the folder: of the cluster nothing is left."""
        shutil.rmtree(self.folder, ignore_errors=True)


def state_of(name: str) -> State:
    """Return the state of the cluster ``name``, whether or not there is any."""
    return State(_root() / name)


def known() -> list[str]:
    """Return the names of the clusters that this computer has started and not seen down."""
    return sorted(path.parent.name for path in _root().glob("*/cluster.yaml"))


def find_cluster(named: str | None) -> tuple[Cluster, State]:
    """Return the cluster of a name or a file; of neither the only one that this computer knows.

    One that was started here is as it was started, whatever its file says by now. Raises UsageError where there is
    none, or more than one to choose from.
    """
    if named is not None and named.endswith(_SUFFIXES):
        cluster = read_cluster(Path(named), ())
        return _remembered(cluster.name) if cluster.name in known() else (cluster, state_of(cluster.name))
    return _remembered(_chosen(named))


def _write(path: Path, text: str) -> None:
    write_atomically(path, text.encode(), PRIVATE)


def _chosen(named: str | None) -> str:
    names = known()
    listed = ", ".join(names)
    if not names:
        found = "no cluster" if named is None else f"found the cluster {named!r}, but none"
        raise UsageError(f"{found} was started from here; 'sweeper cluster up FILE' starts one")
    if named is None and len(names) > 1:
        raise UsageError(f"found several clusters; must be named, one of: {listed}")
    if named is not None and named not in names:
        raise UsageError(f"found the cluster {named!r}; must be a cluster's file, or one of: {listed}")
    return named or names[0]


def _remembered(name: str) -> tuple[Cluster, State]:
    state = state_of(name)
    return read_cluster(state.file, json.loads(state.overrides.read_text())), state


def _root() -> Path:
    return Path(os.environ.get("SWEEPER_CLUSTERS") or DEFAULT_FOLDER).expanduser().absolute()
