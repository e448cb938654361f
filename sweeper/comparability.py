"""Which values may be ranked against each other: the key that every value of a metric carries.

A training loss of one k, beta or divergence cannot be compared with that of another, nor a density of black and white
pixels with one of grey ones. Two values may be ranked if their keys are equal, and not otherwise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Key:
    """What a value is a value of, apart from the model; "" where a part does not matter to the metric."""

    data: str
    """The data set, as far as it decides on what is measured."""
    images: str
    """Which of its images."""
    binarization: str
    """How grey pixels become black or white."""
    likelihood: str
    """The family of p(x|z)."""
    conditioning: str
    """What the model is told about an image that it is measured on."""
    estimator: str
    """By which rule the number is computed."""
    k: str
    """Importance samples."""

    def to_json(self) -> dict[str, str]:
        """Return the parts by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, parts: Mapping[str, str]) -> Self:
        """Return the key that `to_json` described; a part that it does not name did not matter."""
        return cls(**{part.name: str(parts.get(part.name, "")) for part in fields(cls)})


@dataclass(frozen=True)
class Difference:
    """A part in which keys differ."""

    part: str
    holders: dict[str, tuple[str, ...]]
    """For each value of the part, whose it is."""

    def __str__(self) -> str:
        shown = (f"{value or 'none'} ({', '.join(holders)})" for value, holders in self.holders.items())
        return f"{self.part}: {', '.join(shown)}"


def differences(keys: Iterable[tuple[str, Key]]) -> list[Difference]:
    """Return the parts in which keys differ, each key with the name of who has it; empty where all may be ranked."""
    held = list(keys)
    found = []
    for part in (field.name for field in fields(Key)):
        holders: dict[str, tuple[str, ...]] = {}
        for holder, key in held:
            value = getattr(key, part)
            holders[value] = tuple(dict.fromkeys((*holders.get(value, ()), holder)))
        if len(holders) > 1:
            found.append(Difference(part, holders))
    return found
