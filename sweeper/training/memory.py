"""The memory that a trial takes, in MiB: that of its process, and on an accelerator that of its tensors."""

import os
from pathlib import Path

import torch

MIB = 2**20
STATM = Path("/proc/self/statm")
"""What Linux says of this process's memory, in pages: its whole address space, then the part that is resident."""


def forget_peak(device: torch.device) -> None:
    """Begin to look for the peak of the accelerator's memory anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def memory(device: torch.device) -> dict[str, float]:
    """Return "memory/resident", what of the process is in main memory now: libraries and data sets are part of it.

    On CUDA also "memory/accelerator", the most that tensors took at once since `forget_peak`. macOS has no /proc; there
    nothing is said of main memory.
    """
    found = {}
    if STATM.exists():
        found["memory/resident"] = int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB
    if device.type == "cuda":
        found["memory/accelerator"] = torch.cuda.max_memory_allocated(device) / MIB
    return found


def physical_memory() -> int:
    """Return the bytes of main memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
