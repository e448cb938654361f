"""Protects sweeps with a second place against a kill at moments that nobody chose: none is lost, none done twice.

One process forks a driver after another, since what takes time is importing.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from driven import timeless
from replicated import PLACES, SWEEP, Place, make_place

from sweeper.search import read_records

DRIVERS = """
import os, signal, sys
from pathlib import Path

import psycopg
from replicated import Place
from sweeper.remote.s3 import S3Objects

folder, bucket, study = Path(sys.argv[1]), os.environ.get("BUCKET"), os.environ.get("SWEEPER_STUDY")


def kill_after(calls):
    # By the number of functions called, and not by a clock: it is as many kills however quick the machine is.
    def count(*_):
        nonlocal calls
        calls -= 1
        if not calls:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)


kills = 0
while True:
    if os.fork() == 0:
        place = Place(S3Objects.at(bucket) if bucket else None, study)
        kill_after(10000 * (1 + kills))
        place.run(folder)
        os._exit(0)
    _, status = os.wait()
    if not os.WIFSIGNALED(status):
        print(kills)
        sys.exit(os.WEXITSTATUS(status))
    kills += 1
"""


@pytest.mark.parametrize("name", PLACES)
def test_killed_again_and_again(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place, folder = make_place(name, request), tmp_path / SWEEP
    where = {
        "PYTHONPATH": os.pathsep.join((*(str(Path(__file__).parents[up]) for up in range(3)), *sys.path)),
        **({} if place.store is None else {"BUCKET": place.store.url}),
        **({} if place.study_url is None else {"SWEEPER_STUDY": place.study_url}),
    }
    ended = subprocess.run(
        [sys.executable, "-c", DRIVERS, str(folder)],
        env=os.environ | where,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) >= 3
    assert timeless(read_records(folder)) == Place().run(tmp_path / "whole")
    assert name == "alone" or place.load() == (folder / "study.journal").read_bytes()
