"""The best configuration of a sweep as a file of its own, with its weights beside it."""

import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sweeper.analysis.comparable import check_comparable
from sweeper.analysis.configuration import config_text
from sweeper.analysis.plain import strict
from sweeper.analysis.results import SweepResults, value_of
from sweeper.analysis.standing import Standing, rank_arms
from sweeper.errors import SweeperError, UsageError
from sweeper.search import TrialRecord
from sweeper.spec.values import not_allowed

_SUFFIXES = (".yaml", ".yml")
_WEIGHTS = Path("best") / "model.safetensors"


def export_best(
    folder: Path,
    output: Path,
    arm: str | None = None,
    force: bool = False,
    with_weights: bool = True,
    fetch: Callable[[TrialRecord], None] = lambda record: None,  # noqa: ARG005
) -> Path:
    """Write the best trial of the sweep in ``folder`` to ``output``, and its weights to ``<stem>.safetensors``.

    The trial is the final with the best validation value among those of the configuration that stands for ``arm``, by
    default for the arm ahead on validation. An arm without a measured final gives its best search trial. ``force``
    replaces files that exist. Whenever ``output`` exists, it is whole and the weights beside it are its own; not
    ``with_weights`` there are none. ``fetch`` brings the weights of a trial into ``folder``, where that is a copy.

    Returns ``output``. Raises UsageError where there is no such arm or ``output`` cannot be written there, and
    SweeperError where no trial was trained to its end or its weights are gone.
    """
    weights = output.with_suffix(".safetensors")
    _check_output(output, weights, force)
    results = SweepResults.load(folder)
    record = best_trial(results, arm)
    if with_weights:
        fetch(record)
    trained = _weights_of(folder, record) if with_weights else None
    origin = provenance(results, record, weights.name if trained else None)
    with TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as staging:
        staged = Path(staging, output.name), Path(staging, weights.name)
        staged[0].write_text(config_text(results.spec.name, record.config, strict(origin)), encoding="utf-8")
        if trained:
            shutil.copyfile(trained, staged[1])
        output.unlink(missing_ok=True)  # A kill after this line leaves no file whose weights are another's.
        if trained:
            staged[1].replace(weights)
        else:
            weights.unlink(missing_ok=True)
        staged[0].replace(output)
    return output


def best_trial(results: SweepResults, arm: str | None = None) -> TrialRecord:
    """Return the trial that `export_best` exports."""
    if arm is not None and arm not in results.spec.arms:
        raise UsageError(f"arm: {not_allowed(arm, results.spec.arms)}")
    check_comparable(results, arm)
    standings = rank_arms(results)
    standing = next(standing for standing in standings if arm in (None, standing.arm))
    record = _best_of(standing)
    if record is None:
        raise SweeperError(f"{results.folder.name}: arm {standing.arm} has no trial that was trained to its end")
    return record


def _best_of(standing: Standing) -> TrialRecord | None:
    if standing.chosen is None:
        return standing.records.best
    sign = standing.records.sign
    return min(standing.chosen.finals, key=lambda final: (sign * value_of(final), final.number))


def _weights_of(folder: Path, record: TrialRecord) -> Path:
    """Return the file with the weights of a trial; the policy of checkpoints keeps those of each that is exported."""
    weights = folder / "trials" / record.folder / _WEIGHTS
    if not weights.is_file():
        raise SweeperError(
            f"trial {record.number}: its weights are gone; must be in {weights}: the sweep's policy keeps what export "
            "takes, so they were removed otherwise; export with --no-weights, and 'sweeper train' trains them again"
        )
    return weights


def provenance(results: SweepResults, record: TrialRecord, weights: str | None) -> dict[str, Any]:
    """Return where a trial comes from and what it came to, in plain values; see the README for the keys."""
    best = min(record.curve, key=lambda point: results.sign * point[1], default=None)
    return {
        "sweep": results.folder.name,
        "digest": results.spec.digest,
        "arm": record.arm,
        "phase": record.phase,
        "trial": record.number,
        "source": record.source,
        "seed": record.seed,
        "metric": results.metric,
        "value": record.value,
        "test": [{"metric": metric, "value": value} for metric, value in record.test.items()],
        "epochs": record.epochs,
        "best_epoch": record.epoch_at(best[0]) if best else None,
        "evaluation": results.spec.settings.evaluation.model_dump(),
        "threads": results.spec.settings.resources.of(record.arm).threads,
        "weights": weights,
        "versions": {package: _version(package) for package in ("sweeper", "torch")},
    }


def _version(package: str) -> str | None:
    """Return the version installed now; ``None`` for a package that runs from its sources."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _check_output(output: Path, weights: Path, force: bool) -> None:
    if output.suffix not in _SUFFIXES:
        raise UsageError(f"found output {str(output)!r}; must end in {' or '.join(_SUFFIXES)}")
    if not output.parent.is_dir():
        raise UsageError(f"found output {str(output)!r}; {str(output.parent)!r} must be a folder that exists")
    for path in (output, weights):
        if path.is_dir() or (path.exists() and not force):
            raise UsageError(f"found {str(path)!r} there already; must be a new file, or be forced to replace it")
