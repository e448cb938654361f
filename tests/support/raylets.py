"""A Ray cluster of several nodes on one machine, in a process of its own: nodes join, and are killed without warning.

Its head runs no trials. As on a real cluster its processes know nothing of the source tree, and who has no token is
refused.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

SOON = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 3,
}
"""When a node that does not answer counts as lost; the same as in `cluster/aws.yaml` but for the timeout."""
STORE_BYTES = 80 * 2**20


class Raylets:
    """A cluster; its nodes go by the names that they were given."""

    def __init__(self, process: "subprocess.Popen[str]", environment: dict[str, str], log: Path) -> None:
        self._process = process
        self._log = log
        self.environment = environment
        """What a process needs that is to talk to this cluster, and to nobody else's."""
        self.address: str = self._answer()

    def add(self, name: str, cpus: int = 1) -> None:
        """Add a node, and wait until it is there."""
        self._tell("add", name, cpus)

    def kill(self, name: str) -> None:
        """Kill all processes of a node at once."""
        self._tell("kill", name)

    def alive(self) -> set[str]:
        """Return the names of all nodes that are there, the head's left out."""
        return set(self._tell("alive"))

    def busy(self) -> set[str]:
        """Return the names of those nodes that have no core free."""
        return set(self._tell("busy"))

    def _tell(self, *words: object) -> Any:
        print(json.dumps(words), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:  # Ray prints there as well.
            if line.startswith("answer "):
                return json.loads(line.removeprefix("answer "))
        raise RuntimeError(f"the cluster has ended: {self._log.read_text()[-3000:]}")


@contextmanager
def raylets(settings: Mapping[str, str]) -> Iterator[Raylets]:
    """Start a cluster without nodes but its head's, and end it with the context.

    What ``settings`` adds to the environment reaches the workers.
    """
    with TemporaryDirectory(prefix="raylets-") as place:
        token = Path(place) / "token"
        token.write_text(uuid4().hex * 2)
        token.chmod(0o600)
        access = {**settings, "HOME": place, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | access
        log = Path(place) / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", Path(__file__).resolve(), place],
                cwd=place,
                env=environment | {"RAY_USAGE_STATS_ENABLED": "0"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
            with process:
                yield Raylets(process, access, log)
                process.stdin.close()


def _serve(place: str) -> None:
    from ray.cluster_utils import Cluster

    def node(name: str, cpus: int) -> dict[str, Any]:
        return {"node_name": name, "num_cpus": cpus, "object_store_memory": STORE_BYTES}

    head = {"include_dashboard": False, "_system_config": SOON, "temp_dir": place}
    cluster = Cluster(initialize_head=True, head_node_args=node("head", 0) | head)
    nodes = {}
    _print(cluster.address)
    for line in sys.stdin:
        what, *words = json.loads(line)
        if what == "add":
            nodes[words[0]] = cluster.add_node(**node(*words))
        elif what == "kill":
            cluster.remove_node(nodes.pop(words[0]), allow_graceful=False)
        free = cluster.global_state.available_resources_per_node() if what == "busy" else {}
        _print(
            [
                node["NodeName"]
                for node in cluster.global_state.node_table()
                if node["Alive"] and node["NodeName"] != "head" and not free.get(node["NodeID"], {}).get("CPU")
            ]
        )
    cluster.shutdown()


def _print(answer: object) -> None:
    print(f"answer {json.dumps(answer)}", flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
