"""Which values may be ranked against each other: the key that every value of a metric carries.

A training loss of one k, beta or divergence cannot be compared with that of another, nor a density of black and white
pixels with one of grey ones. Two values may be ranked if their keys are equal, and not otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Self

_MOST_HOLDERS = 3
"""Holders of a value that a message names; of the rest it gives the number."""


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


MEASURING = ("images", "estimator", "k")
"""The parts that are about how a value was measured, and not about the data or the model."""


@dataclass(frozen=True)
class Difference:
    """A part in which keys differ."""

    part: str
    holders: dict[str, tuple[str, ...]]
    """For each value of the part, whose it is."""

    def __str__(self) -> str:
        shown = (f"{value or 'none'} ({_some(holders)})" for value, holders in self.holders.items())
        return f"{self.part}: {', '.join(shown)}"


_DECIDED_BY: Mapping[str, str] = {
    "data": "data",
    "images": "sweep.evaluation.images",
    "binarization": "model.likelihood.binarization",
    "likelihood": "model.likelihood",
    "conditioning": "model.condition",
    "estimator": "version of sweeper",
    "k": "sweep.evaluation.k",
    "metric": "sweep.metric",
    "mode": "sweep.mode",
}
"""For each part of a key, and for the two settings that rank, what decides on it: a key of the sweep file, but for the
estimator."""


def differences(keys: Iterable[tuple[str, Key]]) -> list[Difference]:
    """Return the parts in which keys differ, each key with the name of who has it; empty where all may be ranked."""
    held = list(keys)
    parts = (part.name for part in fields(Key))
    found = (difference(part, ((holder, getattr(key, part)) for holder, key in held)) for part in parts)
    return [different for different in found if different is not None]


def difference(part: str, values: Iterable[tuple[str, str]]) -> Difference | None:
    """Return how values differ, each with the name of who has it; ``None`` where they are all the same."""
    holders: dict[str, tuple[str, ...]] = {}
    for holder, value in values:
        holders[value] = tuple(dict.fromkeys((*holders.get(value, ()), holder)))
    return Difference(part, holders) if len(holders) > 1 else None


def shared(keys: Iterable[Mapping[str, Key]]) -> tuple[str, ...]:
    """Return the metrics for which all have equal keys: they may be ranked by any of these."""
    first, *others = keys
    return tuple(metric for metric, key in first.items() if all(other.get(metric) == key for other in others))


def decided_by(found: Iterable[Difference], metric: str) -> str:
    """Return what decides on the parts in which values of a metric differ, such as ``sweep.evaluation.k``."""
    settings = (_DECIDED_BY[different.part] for different in found)
    final = "evaluation." if metric.startswith("val/") else "evaluation.final_"
    return " and ".join(setting.replace("evaluation.", final) for setting in settings)


def advice(found: Sequence[Difference], metric: str, alternatives: Sequence[str] = ()) -> str:
    """Return what to do about keys of a metric that differ: rank by another that all share, or make them equal."""
    if alternatives:
        return f"rank by {_either(alternatives)}, which all of them share"
    return f"give all of them the same {decided_by(found, metric)}"


def instead(found: Sequence[Difference], keys: Iterable[Mapping[str, Key]]) -> tuple[str, ...]:
    """Return the metrics by which those may be ranked whose keys differ in what is found.

    There are none where they are only measured otherwise: measuring them alike is what is to be done.
    """
    return () if any(different.part in MEASURING for different in found) else shared(keys)


def _either(metrics: Sequence[str]) -> str:
    *others, last = metrics
    return f"{', '.join(others)} or {last}" if others else last


def _some(holders: Sequence[str]) -> str:
    named, more = ", ".join(holders[:_MOST_HOLDERS]), len(holders) - _MOST_HOLDERS
    return f"{named} and {more} more" if more > 0 else named
