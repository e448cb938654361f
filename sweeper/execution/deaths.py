"""What Ray says of a worker that is gone, and which loss that is."""

import re
from pathlib import Path
from typing import Any

from ray.air.execution import _internal
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune.experiment import Trial

from sweeper.execution.draining import NodeDrainsError
from sweeper.execution.losses import Loss
from sweeper.training.hang import take_hang

_NODE = {
    NodeDrainsError.__name__: "its node is about to be taken away",
    "its node has died": "its node has died",  # Preempted or not.
    "is unavailable: ": "its node does not answer",
}
_KILLED_FOR_MEMORY = "killed due to the node running low on memory"
_TAKEN = re.compile(r"Selected to kill.*memory used=([\d.]+)GB")
_EXCEPTION = re.compile(r"\w+(Error|Exception): ")


class Actors(_internal.RayActorManager):  # type: ignore[misc]
    """Ray Tune's manager of worker processes, to which one killed for the memory it took is one that died.

    Tune's own takes the exception for impossible, and ends everything for it.
    """

    def _actor_task_failed(self, tracked_actor_task: Any, exception: Exception) -> None:
        if isinstance(exception, OutOfMemoryError):
            exception = RayActorError(error_msg=str(exception))
        super()._actor_task_failed(tracked_actor_task, exception)


def loss_of(trial: Trial) -> Loss:
    """Return what became of the worker of a trial that Ray Tune says has failed."""
    hang = take_hang(trial.config["job"].folder)
    if hang is not None:
        return Loss("hang", hang)
    said = Path(trial.error_file).read_text() if trial.error_file else ""
    if _KILLED_FOR_MEMORY in said:
        return Loss("out_of_memory", f"out of memory: {_taken(said)}")
    node = next((reason for words, reason in _NODE.items() if words in said), None)
    return Loss("worker", _reason(said.splitlines())) if node is None else Loss("node", node)


def _taken(said: str) -> str:
    """Return the memory that the process took, which Ray says in GiB with two digits."""
    taken = _TAKEN.search(said)
    return f"needed more than {float(taken[1]) * 1024:,.0f} MiB" if taken else "killed for the memory that it took"


def _reason(said: list[str]) -> str:
    """Return in one line why a process died: the exception that ended it, or what Ray has to say."""
    exceptions = [line for line in said if _EXCEPTION.match(line)]
    return (exceptions[-1:] or said[1:2] or ["its process died"])[0]
