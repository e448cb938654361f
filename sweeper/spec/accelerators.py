"""The accelerators that a sweep may ask for, as Ray names them.

Those are the ones that PyTorch computes on as "cuda" and of which Ray counts parts as "GPU": NVIDIA's and AMD's. Ray
has the same names in `ray.util.accelerators`, which takes seconds to import.
"""

ANY = "any"
"""Whichever there is."""

ACCELERATORS = (
    *("A10G", "A100", "A100-40G", "A100-80G", "B200", "B300", "GB200", "GB300", "H20", "H100", "H200", "K80", "L4"),
    *("L40S", "P4", "P100", "RTX-PRO-6000", "T4", "V100"),
    *("AMD-Instinct-MI100", "AMD-Instinct-MI210", "AMD-Instinct-MI250X", "AMD-Instinct-MI250X-MI250"),
    *("AMD-Instinct-MI300A", "AMD-Instinct-MI300X-HF", "AMD-Instinct-MI300X-OAM", "AMD-Instinct-MI308X"),
    *("AMD-Instinct-MI325X-OAM", "AMD-Instinct-MI350X-OAM", "AMD-Instinct-MI355X-OAM"),
    *("AMD-Radeon-HD-7900", "AMD-Radeon-R9-200-HD-7900"),
)
