"""Whether the metric of a sweep can rank its whole space: a value of one configuration against that of any other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from sweeper.comparability import Difference, Key, advice, differences, shared
from sweeper.spec import Spec
from sweeper.spec.nodes import searched
from sweeper.spec.values import KeyPath, Value, dotted, not_allowed, shown
from sweeper.training.catalogue import name_of
from sweeper.training.components import TrialConfig
from sweeper.training.evaluation import METRICS

TRAINING = "train/"

_METRIC: KeyPath = ("sweep", "metric")

_PARTS_OF_A_BOUND: Mapping[str, str] = {
    "val/kl": "is least where a model ignores its latent variables",
    "val/reconstruction": "is least where a model codes every pixel, whatever the code costs",
}
"""What is logged beside the bound that it is a part of, with the reason why less of it is not better."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A configuration of a space."""

    arm: str
    parameters: Mapping[str, Value]
    """What makes it, by name: the branch or the option of its arm first, then what is searched."""
    trial: TrialConfig
    keys: Mapping[str, Key]
    """The comparability keys of all that it can be ranked by on validation."""


def check_name(spec: Spec) -> None:
    """Raise UsageError where the sweep's metric is no name to rank by, or one that is known to rank wrongly.

    A training loss passes: why it is refused depends on the space, see `check_space`.
    """
    metric = spec.settings.metric
    if metric in _PARTS_OF_A_BOUND:
        raise spec.error(_METRIC, f"found {shown(metric)}, which {_PARTS_OF_A_BOUND[metric]}; rank by val/nll")
    if metric not in METRICS and not metric.startswith(TRAINING):
        raise spec.error(_METRIC, not_allowed(metric, METRICS))


def check_space(spec: Spec, candidates: Sequence[Candidate]) -> None:
    """Raise UsageError, with what to rank by instead, where the sweep's metric is not the same for all candidates."""
    metric = spec.settings.metric
    alternatives = shared(candidate.keys for candidate in candidates)
    if metric.startswith(TRAINING):
        raise spec.error(_METRIC, _of_training(metric, [candidate.trial for candidate in candidates], alternatives))
    keys = [candidate.keys[metric] for candidate in candidates]
    named = [(path, differences(zip(names, keys, strict=True))) for path, names in _namings(spec, candidates)]
    path, found = next(((path, found) for path, found in named if all(map(_tells_apart, found))), named[-1])
    if found:
        told = f"{metric} cannot rank these against each other, which differ in {', '.join(map(str, found))}"
        raise spec.error(path, f"{told}; {advice(found, metric, alternatives)}")


def _namings(spec: Spec, candidates: Sequence[Candidate]) -> Iterator[tuple[KeyPath, list[str]]]:
    """Yield ways to name the candidates, each with its place in the file: by what is searched, last by their arms."""
    for path, _ in searched(spec.tree, {}):
        if all(dotted(path) in candidate.parameters for candidate in candidates):
            yield path, [str(candidate.parameters[dotted(path)]) for candidate in candidates]
    yield _METRIC, [candidate.arm for candidate in candidates]


def _tells_apart(difference: Difference) -> bool:
    """Say whether those who have one value have other names than those who have another."""
    names = [name for holders in difference.holders.values() for name in holders]
    return len(names) == len(set(names))


def _of_training(metric: str, trials: Sequence[TrialConfig], alternatives: Sequence[str]) -> str:
    """Return why a training loss ranks nothing, and what does."""
    differing = [*_differing("objective", [trial.objective for trial in trials])]
    differing += _differing("schedule", [trial.schedule for trial in trials])
    also = f", by a loss that differs in {', '.join(differing)}" if differing else ""
    instead = advice([], metric, alternatives) if alternatives else f"must be one of {', '.join(METRICS)}"
    return f"found {shown(metric)}, which is measured on the images that a trial is fitted to{also}; {instead}"


def _differing(at: str, components: Sequence[Any]) -> Iterator[str]:
    """Yield the settings in which components differ, each with its values; of different components only their names."""
    distinct = tuple(dict.fromkeys(map(_shown, components)))
    if len(distinct) > 1:
        yield f"{at} ({', '.join(distinct)})"
    elif is_dataclass(components[0]):
        for field in fields(components[0]):
            yield from _differing(f"{at}.{field.name}", [getattr(component, field.name) for component in components])


def _shown(setting: Any) -> str:
    return name_of(type(setting)) if is_dataclass(setting) else str(setting)
