"""Protects that memory freed by one training step is there for the next, without asking the system again."""

import resource
import sys

import pytest
import torch

from models.memory import keep_freed_memory

BLOCKS, FLOATS, STEPS = 6, 2**20, 20  # 24 MiB in blocks of 4 MiB


def step() -> None:
    blocks = [torch.ones(FLOATS) for _ in range(BLOCKS)]
    assert len(blocks) == BLOCKS


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted and the C library is tuned on Linux only")
def test_freed_memory_is_kept() -> None:
    keep_freed_memory()
    step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(STEPS):
        step()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    pages = BLOCKS * FLOATS * 4 * STEPS // resource.getpagesize()
    assert faults < pages / 10
