"""Memory that is freed and wanted again at the next step should not go back to the system in between."""

import torch

BLOCK = 31 * 2**20  # bytes; glibc ignores blocks above 32 MiB


def keep_freed_memory() -> None:
    """Have the C library keep some tens of megabytes that are freed, on Linux; elsewhere do nothing of consequence.

    glibc returns free memory to the system once there is more than twice the largest block that was ever mapped and
    freed by itself. A training step that crosses this line pays for all its pages anew each time, and was seen to take
    half as long again. So one large block, never touched, is mapped and freed here.
    """
    torch.empty(BLOCK, dtype=torch.uint8)
