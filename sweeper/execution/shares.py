"""Shares of a GPU that the sweep file leaves to auto: measured once for each arm and kind of accelerator.

They are written into the sweep's folder, so that a sweep that is resumed asks for the same. Where there are several
kinds, a trial may land on any of them, and asks for what the one that takes fewest at once has to give.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sweeper.execution.capacity import ACCELERATOR, Capacity
from sweeper.execution.listener import Listener
from sweeper.execution.placement import Placement
from sweeper.files import read_notes, write_atomically
from sweeper.spec import Resources
from sweeper.spec.accelerators import ANY
from sweeper.spec.quantities import shown_bytes
from sweeper.training.probe import Share

SHARES_FILE = "shares.json"


@dataclass(frozen=True)
class Question:
    """What is to be measured: trials of which configuration, on which kind of accelerator."""

    config: Mapping[str, Any]
    resources: Resources
    """What one of them has, with the kind of accelerator by its name."""
    most: int
    """More at once would not find cores enough beside one GPU."""

    @property
    def digest(self) -> str:
        """A hash of all that the answer depends on, but for the machine."""
        asked = {"config": self.config, "cpu": self.resources.cpu, "most": self.most}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


Measure = Callable[[Question], Share | str]
"""Answers a question, or says in one line why it cannot."""


@dataclass(frozen=True)
class Shares:
    """What was measured for a sweep, in its folder."""

    folder: Path
    keep: Callable[[], None] = lambda: None
    """Called when the file has changed, to copy it to where the sweep really is."""

    def trials(self, key: str, question: Question) -> int | None:
        """Return how many trials share a GPU; ``None`` where that was not measured, or for other models."""
        match read_notes(self._file).get(key):
            case {"question": question.digest, "trials": int(trials)} if trials >= 1:
                return trials
        return None

    def write(self, key: str, question: Question, share: Share) -> None:
        """Write down what was measured."""
        content = {**read_notes(self._file), key: {"question": question.digest, **asdict(share)}}
        write_atomically(self._file, f"{json.dumps(content, indent=2)}\n".encode())
        self.keep()

    @property
    def _file(self) -> Path:
        """What is written; where it cannot be read, that costs measuring again."""
        return self.folder / SHARES_FILE


def with_shares(
    placement: Placement,
    capacity: Capacity,
    shares: Shares,
    listener: Listener,
    largest: Callable[[str], Mapping[str, Any]],
    measure: Measure,
) -> Placement:
    """Return the placement with a number for every share; one that cannot be measured is a whole GPU.

    ``largest`` gives the largest configuration of an arm. Where there is no GPU, none is asked for.
    """
    gpus = {}
    for arm in placement.unmeasured:
        resources = placement.arms[arm]
        kinds = _kinds(resources, capacity)
        if resources.accelerator not in (ANY, *kinds):
            gpus[arm] = 1.0  # It waits for a machine, which cannot be measured yet.
            continue
        config = largest(arm) if kinds else {}
        found = [_share(arm, _question(config, resources, kind, capacity), shares, listener, measure) for kind in kinds]
        gpus[arm] = 1 / min(found) if found else 0.0
    return placement.with_gpus(gpus)


def _kinds(resources: Resources, capacity: Capacity) -> tuple[str, ...]:
    """Return the kinds of accelerators that a trial may be given, the word any for those that Ray has no name for."""
    machines = [machine for machine in capacity.machines if machine.get("GPU")]
    named = Capacity.of(machines).accelerators
    if resources.accelerator != ANY:
        return tuple(kind for kind in named if kind == resources.accelerator)
    return named or ((ANY,) if machines else ())


def _question(config: Mapping[str, Any], resources: Resources, kind: str, capacity: Capacity) -> Question:
    machines = [one for one in capacity.machines if one.get("GPU") and (kind == ANY or ACCELERATOR + kind in one)]
    beside = [machine.get("CPU", 0.0) / max(1.0, machine["GPU"]) / resources.cpu for machine in machines]
    asked = resources.model_copy(update={"accelerator": kind, "gpu": 1.0})
    return Question(config, asked, max(1, int(max(beside, default=1.0))))


def _share(arm: str, question: Question, shares: Shares, listener: Listener, measure: Measure) -> int:
    """Return how many trials share a GPU, as it is written, or measured and written down."""
    key = f"{arm} on {question.resources.accelerator}"
    if (known := shares.trials(key, question)) is not None:
        return known
    listener.told(f"{key}: measuring how many trials train best on it at once")
    share = measure(question)
    if isinstance(share, str):
        listener.warned(f"{key}: cannot be measured, so that each trial has a GPU of its own: {share}")
        return 1
    shares.write(key, question, share)
    listener.told(f"{key}: {_described(share)}")
    return share.trials


def _described(share: Share) -> str:
    counts = ", ".join(str(2**times) for times in range(len(share.rates)))
    rates = ", ".join(f"{rate:,.0f}" for rate in share.rates)
    return (
        f"{share.trials} at once, of {shown_bytes(share.memory)} each "
        f"({counts} at once take {rates} steps a second together)"
    )
