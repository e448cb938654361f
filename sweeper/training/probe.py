"""How many trials an accelerator trains best at once: measured, by training them, rather than guessed.

The number is doubled as long as the memory is enough and all trials together take more steps in a second.
"""

from dataclasses import dataclass
from typing import Protocol

from sweeper.errors import SweeperError
from sweeper.training.devices import CONTEXT_BYTES

GAIN = 1.1
"""Twice as many trials at once must together be so much faster to be worth their memory."""
MARGIN = 1.2
"""By how much more memory a trial may need than was measured of a few of its steps."""


class DoesNotFitError(SweeperError):
    """The accelerator's memory is too small for so many trials at once."""


@dataclass(frozen=True)
class Load:
    """What some trials came to that trained at once."""

    rate: float
    """Steps per second, of all of them together."""
    memory: int
    """Bytes that PyTorch took in the process of one, the most of all of them."""
    total: int
    """Bytes that the accelerator has."""


class Device(Protocol):
    """An accelerator of which it can be measured how it bears trials of one configuration."""

    def load(self, trials: int) -> Load:
        """Train so many trials at once for a while.

        Raises DoesNotFitError where the memory is not enough for them, and SweeperError where they cannot be trained.
        """
        ...


@dataclass(frozen=True)
class Share:
    """What was measured of a configuration on an accelerator, and what follows."""

    trials: int
    """Trials at once: each has one part in so many of the accelerator."""
    memory: int
    """Bytes that the process of one took."""
    rates: tuple[float, ...]
    """Steps per second with 1, 2, 4, … trials at once."""


def probe(device: Device, most: int) -> Share:
    """Return how many trials at once serve best on a device, ``most`` at most.

    Raises DoesNotFitError where not even one fits.
    """
    loads = [device.load(1)]
    trials = 1
    while 2 * trials <= most and _fit(2 * trials, loads):
        try:
            loads.append(device.load(2 * trials))
        except DoesNotFitError:
            break
        if loads[-1].rate < GAIN * loads[-2].rate:
            break
        trials *= 2
    return Share(trials, _needed(loads), tuple(load.rate for load in loads))


def _fit(trials: int, loads: list[Load]) -> bool:
    """Say whether so many have room, each with a margin and with what CUDA takes in a process outside of PyTorch."""
    return trials * (MARGIN * _needed(loads) + CONTEXT_BYTES) <= loads[0].total


def _needed(loads: list[Load]) -> int:
    return max(load.memory for load in loads)
