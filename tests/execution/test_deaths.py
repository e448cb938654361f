"""Protects that what Ray says of a worker that is gone is put down to the process, its memory, a hang, or its node.

The texts are Ray's own (2.60), of workers and nodes that were killed on purpose.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sweeper.execution.deaths import loss_of
from sweeper.execution.losses import Loss
from sweeper.training.hang import HANG_FILE

HEADER = "Failure # 1 (occurred at 2026-11-21_12-08-06)\n"
DIED = """\
The actor died unexpectedly before finishing this task.
\tclass_name: Worker
\tactor_id: edbbcf896b6cea0e7b40606e01000000
\tpid: 29317
\tip: 192.0.2.2
"""
PROCESS = DIED + (
    "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker "
    "unexpectedly exits with a connection error code 2. End of file.\n"
)
NODE = DIED + (
    "The actor died because its node has died. Node Id: 99753cc8555b4ce92d1c2382160fe6cac76670029e3defb19d87195e\n"
    "\tthe actor's node was terminated unexpectedly: health check failed due to missing too many heartbeats\n"
)
UNAVAILABLE = (
    "The actor 2d5e8239a8c837d5bce1ff2301000000 is unavailable: The actor is temporarily unavailable: RpcError: RPC "
    "error: Socket closed rpc_code: 14. The task may or may not have been executed on the actor.\n"
)
IMPORTING = """\
The actor died because of an error raised in its creation task, ray::Worker.__init__() (pid=1, ip=192.0.2.2)
  File "worker.py", line 3, in setup
ModuleNotFoundError: No module named 'mine'
"""
MEMORY = """\
1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 192.0.2.2) was 6.23GB used
Ray killed 1 worker(s) based on the killing policy
Selected to kill: (Actor(2aa63872db185166a1f31c0401000000): job ID=01, task name=A.__init__, required resources={CPU: \
1}, pid=22942, actual memory used=5.25GB, worker ID=727f)
"""


@pytest.fixture
def failed(tmp_path: Path) -> Any:
    """Returns a function that makes what Ray Tune hands over of a trial of which Ray has said something."""

    def make(said: str | None) -> Any:
        if said is not None:
            (tmp_path / "said").write_text(HEADER + said)
        job = SimpleNamespace(folder=tmp_path)
        return SimpleNamespace(config={"job": job}, error_file=None if said is None else str(tmp_path / "said"))

    return make


@pytest.mark.parametrize(
    ("said", "loss"),
    [
        (PROCESS, Loss("worker", "The actor died unexpectedly before finishing this task.")),
        (IMPORTING, Loss("worker", "ModuleNotFoundError: No module named 'mine'")),
        (None, Loss("worker", "its process died")),
        (NODE, Loss("node", "its node has died")),
        (UNAVAILABLE, Loss("node", "its node does not answer")),
        (MEMORY, Loss("out_of_memory", "out of memory: needed more than 5,376 MiB")),
    ],
)
def test_what_ray_says_is_understood(failed: Any, said: str | None, loss: Loss) -> None:
    assert loss_of(failed(said)) == loss


def test_a_process_that_ended_itself_hung(failed: Any, tmp_path: Path) -> None:
    (tmp_path / HANG_FILE).write_text("no report for 612 s (why)\nthread 0x1\nTimeout (0:10:12)!\n")
    assert loss_of(failed(PROCESS)) == Loss("hang", "no report for 612 s (why)")
