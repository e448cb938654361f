"""The share of a machine that a trial may use: cores, and the memory of an accelerator."""

import gc

import torch

CONTEXT_BYTES = 600 * 2**20
"""What CUDA itself takes in each process, outside of PyTorch's allocator, for its context and kernels."""


def occupy(device: torch.device, threads: int, gpu_share: float) -> None:
    """Keep this process within its share, so that trials side by side neither slow nor starve each other.

    Threads more than cores make every one of them wait. Ray's fractions of a GPU are book-keeping only: without a cap
    the first trial could take all memory and the others would fail for it.
    """
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(memory_fraction(total, gpu_share), device)


def memory_fraction(total: int, gpu_share: float) -> float:
    """Return the part of ``total`` bytes that PyTorch's allocator may take in a process with a share of the GPU."""
    share = gpu_share if 0 < gpu_share < 1 else 1.0
    return max(share - CONTEXT_BYTES / total, share / 2)


def release_memory() -> None:
    """Give the memory of trials that have ended back to the device, for the processes beside this one."""
    gc.collect()  # An exception's traceback can hold tensors in a cycle.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
