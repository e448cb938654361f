"""Which sweeps may be compared: those that rank by one metric, with equal comparability keys.

Claims are about test values, so that their keys decide, and those of validation only where no final is measured yet.
Here a sweep without keys is refused: nothing says that two files measured alike.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sweeper.analysis.comparable import check_comparable, measured, validation_keys, with_keys
from sweeper.analysis.comparison import JointResults
from sweeper.analysis.results import SweepResults
from sweeper.comparability import Difference, Key, advice, decided_by, difference, differences, instead, shared
from sweeper.errors import UsageError

Sweeps = Mapping[str, SweepResults]
"""Sweeps by what each is called."""

SET_BY_NUMBER = ("images", "k")
"""The parts of a key that are a number in the sweep file."""


def join(folders: Sequence[Path]) -> JointResults:
    """Return the sweeps in those folders as one ranking.

    Raises UsageError, with what to do instead, where a sweep is named twice, and where values must not be ranked.
    """
    _check_different(folders)
    sweeps = _named([SweepResults.load(folder) for folder in folders])
    for results in sweeps.values():
        check_comparable(results)
    if len(sweeps) == 1:
        return JointResults(sweeps, searched_alike=True)
    _check_metrics(sweeps)
    first = next(iter(sweeps.values()))
    tested = any(measured(results, first.test_metric) for results in sweeps.values())
    _check_keys(sweeps, first.test_metric if tested else first.metric)
    return JointResults(sweeps, _searched_alike(sweeps, first.metric))


def _check_different(folders: Sequence[Path]) -> None:
    known: set[Path] = set()
    for folder in (folder.resolve() for folder in folders):
        if folder in known:
            raise UsageError(f"found {folder.name} twice; must be different sweeps")
        known.add(folder)


def _named(sweeps: Sequence[SweepResults]) -> dict[str, SweepResults]:
    """Return sweeps by the first of name, folder and path that tells them apart."""
    namings: tuple[Callable[[SweepResults], str], ...] = (
        lambda results: results.spec.name,
        lambda results: results.folder.name,
        lambda results: str(results.folder),
    )
    named = [{naming(results): results for results in sweeps} for naming in namings]
    return next(names for names in named if len(names) == len(sweeps))


def _check_metrics(sweeps: Sweeps) -> None:
    """Raise UsageError where sweeps rank by different metrics, or in different directions."""
    if found := difference("metric", ((name, results.metric) for name, results in sweeps.items())):
        common = shared(_validation_keys(results, results.metric) for results in sweeps.values())
        metric = next((metric for metric in (*found.holders, *common) if metric in common), None)
        how = advice([found], "") if metric is None else _again(found, metric, f"sweep.metric={metric}")
        raise UsageError(f"found {found}; {how}")
    if found := difference("mode", ((name, results.spec.settings.direction) for name, results in sweeps.items())):
        raise UsageError(f"found {found}; {advice([found], '')}")


def _check_keys(sweeps: Sweeps, metric: str) -> None:
    """Raise UsageError where the values of a metric must not be ranked across sweeps."""
    ranked = {name: results for name, results in sweeps.items() if measured(results, metric)}
    for name, results in ranked.items():
        if not with_keys(results, metric):
            raise UsageError(f"{name}: no trial says how its {metric} was measured; must be run again to be compared")
    if found := differences((name, _key(results, metric)) for name, results in ranked.items()):
        others = instead(found, (_validation_keys(results, metric) for results in ranked.values()))
        how = _by_another(others[0]) if others else " and ".join(_alike(different, metric) for different in found)
        shown = ", ".join(map(str, found))
        raise UsageError(f"{metric} cannot rank these against each other, which differ in {shown}; {how}")


def _by_another(metric: str) -> str:
    return f"rank by {metric}, which all of them share: run each again with --set sweep.metric={metric}"


def _alike(found: Difference, metric: str) -> str:
    """Return how to measure alike what differs in one part: as the first has it, where a number says how."""
    value = next(iter(found.holders))
    if found.part not in SET_BY_NUMBER or not value:
        return advice([found], metric)
    number = value.rpartition(" ")[2]  # The last word of "test, the first 1000" and of "test, all".
    return _again(found, value, f"{decided_by([found], metric)}={'null' if number == 'all' else number}")


def _again(found: Difference, right: str, setting: str) -> str:
    """Return which sweeps to run again, all that do not have the right value, and with which setting."""
    names = [name for value, holders in found.holders.items() if value != right for name in holders]
    return f"run {' and '.join(names)} again with --set {setting}"


def _searched_alike(sweeps: Sweeps, metric: str) -> bool:
    """Say whether the validation values of all sweeps are known to be comparable."""
    ranked = [results for results in sweeps.values() if measured(results, metric)]
    return all(with_keys(results, metric) for results in ranked) and not differences(
        ("", _key(results, metric)) for results in ranked
    )


def _key(results: SweepResults, metric: str) -> Key:
    return with_keys(results, metric)[0].keys[metric]


def _validation_keys(results: SweepResults, metric: str) -> Mapping[str, Key]:
    return validation_keys(with_keys(results, metric)[0]) if with_keys(results, metric) else {}
