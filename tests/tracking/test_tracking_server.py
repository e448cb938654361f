"""A real MLflow server that is killed, or that a network gets in the way of: in the end every point is there, once.

Protects against PITFALLS 7 (a restart duplicates runs) over HTTP, where a request may be carried out and its answer be
lost.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from random import Random
from typing import get_args

import pytest
from fabricated_folder import Folder, unfold
from faulty_server import Fault, faulty_server
from observed import Observed, observe
from support.tracking_server import tracking_server

from sweeper.tracking import Tracking, default_uri
from sweeper.tracking.mirror import Mirror, sync
from sweeper.tracking.process import LOG
from sweeper.tracking.store import connect

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")

FAULTS: tuple[Fault, ...] = get_args(Fault)
COMMIT = "mlflow.source.git.commit"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with tracking_server(tmp_path_factory.mktemp("server")) as running:
        yield running


def wait_until(condition, seconds=180.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def rebuilt(home, client, folder: Folder) -> list[Observed]:
    """Return what a store has of the sweep in which nothing ever went wrong."""
    sync(folder.path, default_uri(home))
    return observe(client, folder)


def test_a_server_that_is_killed_and_comes_back_has_everything_once(home, client, server):
    folder = Folder(home, "killed")
    steps = unfold(folder)
    tracking = Tracking.start(folder.path, server.uri)
    there = connect(server.uri)
    next(steps)
    wait_until(lambda: there.get_experiment_by_name(folder.name) and len(observe(there, folder)) == 2)
    server.kill()
    next(steps)
    wait_until(lambda: "not synchronised" in (folder.path / LOG).read_text())
    next(steps)
    server.start()
    wait_until(lambda: len(observe(there, folder)) == 4)
    for _ in steps:
        pass
    assert tracking.finish("finished"), (folder.path / LOG).read_text()
    followed = observe(there, folder)
    assert all(COMMIT in run.tags for run in followed)
    plain = [replace(run, tags={name: value for name, value in run.tags.items() if name != COMMIT}) for run in followed]
    assert plain == rebuilt(home, client, folder)


def at_random(faults: tuple[Fault, ...], seed: int, requests: int) -> Iterator[Fault | None]:
    """Yield a fault for half of the requests."""
    random = Random(seed)
    return iter([random.choice(faults) if random.random() < 0.5 else None for _ in range(requests)])


@pytest.mark.parametrize(
    ("faults", "seed"),
    [*(((fault,), 0) for fault in FAULTS), (FAULTS, 1), (FAULTS, 2)],
    ids=[*FAULTS, "all-1", "all-2"],
)
def test_requests_that_go_wrong_at_random_moments_lose_nothing_and_double_nothing(
    home, client, server, monkeypatch, faults, seed
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    folder = Folder(home, f"{'-'.join(faults)}-{seed}")
    requests = 12 if faults == ("hang",) else 15 * len(faults) + 15
    with faulty_server(server.port, at_random(faults, seed, requests)) as faulty:
        with closing(Mirror(folder.path, faulty.uri)) as mirror:
            for _ in unfold(folder):
                mirror.synchronise()
        while not faulty.healed.is_set():  # Each time another mirror, which knows nothing and asks.
            with closing(Mirror(folder.path, faulty.uri)) as mirror:
                mirror.synchronise("finished")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "120")
        sync(folder.path, faulty.uri)
    assert set(faulty.suffered) == set(faults)
    assert observe(connect(server.uri), folder) == rebuilt(home, client, folder)
