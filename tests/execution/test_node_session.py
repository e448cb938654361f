"""Protects the machines of a cluster from what is this machine's alone: the import path of the driver."""

import os
from pathlib import Path
from typing import Any

import pytest
import ray
from support.sweeps import make_spec

from sweeper.execution.placement import Placement
from sweeper.execution.session import ray_session


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """How Ray was started or connected to, with the import path that its processes are given."""
    started: list[dict[str, Any]] = []
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(ray, "init", lambda **how: started.append({**how, "path": os.environ.get("PYTHONPATH")}))
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr("sweeper.execution.session.present", lambda: None)
    return started


@pytest.mark.parametrize(("address", "is_local"), [(None, True), ("192.0.2.1:6379", False)])
def test_workers_find_our_modules_where_they_are_of_this_machine(
    started: list[dict[str, Any]], tmp_path: Path, address: str | None, is_local: bool
) -> None:
    with ray_session(Placement.of(make_spec()), address, tmp_path / "ray.log"):
        (how,) = started
    assert how["address"] == ("local" if is_local else address)
    assert (how["path"] is not None) == is_local
    assert "runtime_env" not in how, "the job that the driver runs in has its own"
