"""What the trials of a sweep ask of machines, by arm; and a seat: what a trial has that is given one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sweeper.spec import Resources, Spec
from sweeper.spec.accelerators import ANY
from sweeper.spec.resources import AUTO


@dataclass(frozen=True)
class Seat:
    """What every trial of an arm has of its machine."""

    device: str
    largest: int = 1
    """How many times its share a trial may have at most: with that it has a whole machine or GPU."""


@dataclass(frozen=True)
class Placement:
    """What a trial of each arm asks for, and how many may be at work."""

    arms: Mapping[str, Resources]
    workers: Literal["auto"] | int

    @classmethod
    def of(cls, spec: Spec) -> "Placement":
        """Return what a sweep's file asks for."""
        resources = spec.settings.resources
        return cls({arm: resources.of(arm) for arm in spec.arms}, spec.settings.workers)

    @property
    def is_uniform(self) -> bool:
        """Whether trials of all arms ask for the same."""
        first, *others = self.arms.values()
        return all(other == first for other in others)

    @property
    def accelerators(self) -> tuple[str, ...]:
        """The accelerators that are asked for by name."""
        return tuple(dict.fromkeys(one.accelerator for one in self.arms.values() if one.accelerator != ANY))

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """The arms whose share of a GPU is yet to be measured."""
        return tuple(arm for arm, one in self.arms.items() if one.gpu == AUTO)

    def with_gpus(self, gpus: Mapping[str, float]) -> "Placement":
        """Return the same with another share of a GPU for some arms."""
        changed = {arm: self.arms[arm].model_copy(update={"gpu": gpu}) for arm, gpu in gpus.items()}
        return replace(self, arms={**self.arms, **changed})


def gpus_of(resources: Resources) -> float:
    """Return the GPUs that a trial asks for: a whole one as long as its share is not measured."""
    return 1.0 if isinstance(resources.gpu, str) else resources.gpu
