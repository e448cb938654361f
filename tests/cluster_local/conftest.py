"""What the tests on several nodes share: the ground that sweeps run on, made once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from ground import Ground
from support.moto import environment
from support.postgres import Postgres
from support.raylets import raylets
from support.tracking_server import TrackingServer

from sweeper.remote import s3


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, moto_url: str) -> Iterator[Ground]:
    """Everything but the nodes, with an empty bucket; the tracking server starts while the cluster does."""
    folder = tmp_path_factory.mktemp("ground")
    with postgres.new_database() as study, postgres.new_database() as runs, ThreadPoolExecutor(1) as pool:
        tracking = TrackingServer(folder, runs.replace("postgresql", "postgresql+psycopg", 1))
        started = pool.submit(tracking.start)
        try:
            with raylets(environment(moto_url)) as cluster:
                ground = Ground(cluster, folder, moto_url, study, tracking)
                ground.make_bucket()
                started.result()
                yield ground
        finally:
            tracking.kill()


@pytest.fixture(scope="module")
def as_the_driver(ground: Ground) -> Iterator[None]:
    """Let this process find everything as the driver does."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ground.environment.items():
            patch.setenv(name, value)
        s3._client.cache_clear()
        yield
    s3._client.cache_clear()
