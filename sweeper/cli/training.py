"""`train`: an exported configuration trained again, and checked against what it reached before."""

from pathlib import Path
from typing import Any

from rich.console import Console

from sweeper.analysis import read_config
from sweeper.errors import SweeperError, UsageError
from sweeper.spec import SweepSettings
from sweeper.training.check import check_config
from sweeper.training.job import EpochResult, Evaluation, Job, search_evaluation
from sweeper.training.trial import Trial


def train_file(file: Path, output: Path | None, replay: bool, data_dir: Path | None) -> None:
    """Train the configuration in ``file`` with its recorded seed, in a folder of its own."""
    config, provenance = read_config(file)
    check_config(file, config, data_dir)
    folder = file.with_suffix("") if output is None else output
    if (folder / "last").exists():
        raise UsageError(f"{folder}: a training is there already; choose another folder with --output")
    console = Console()
    result = _train(Job(0, config, _seed(file, provenance), folder, _evaluation(file, provenance), data_dir), console)
    console.print(f"trained in {folder}", highlight=False, markup=False, soft_wrap=True)
    if replay:
        _compare(result, provenance, console)


def _train(job: Job, console: Console) -> float:
    """Train to the end; return the best value of the metric."""
    trial, best, done = Trial(job), float("nan"), False
    while not done:
        result = trial.advance()
        value, done = result.metrics[job.evaluation.metric], result.done
        best = value if job.evaluation.improves(value, best) else best
        console.print(_line(result, job.evaluation), highlight=False, soft_wrap=True)
    trial.close()
    return best


def _line(result: EpochResult, evaluation: Evaluation) -> str:
    return f"epoch {result.epoch}: {evaluation.metric} {result.metrics[evaluation.metric]:.4f}"


def _compare(best: float, provenance: dict[str, Any], console: Console) -> None:
    """Say whether the recorded value was reached, to the last bit; a difference is a failure."""
    recorded = provenance["value"]
    if best != recorded:
        raise SweeperError(
            f"replay reached {best!r} where {recorded!r} was recorded by torch {provenance['versions']['torch']}; "
            "another machine or version, or another number of threads, computes in another order"
        )
    console.print(f"replay reached the recorded {provenance['metric']} {recorded!r}", highlight=False, markup=False)


def _evaluation(file: Path, provenance: dict[str, Any]) -> Evaluation:
    """Return how the configuration was measured in its sweep. The test set was measured there, and is not again."""
    try:
        settings = SweepSettings(metric=provenance["metric"], evaluation=provenance["evaluation"], trials=1)
    except (KeyError, ValueError) as error:
        raise UsageError(f"{file}: provenance: must be as 'sweeper export' wrote it ({error})") from error
    return search_evaluation(settings)


def _seed(file: Path, provenance: dict[str, Any]) -> int:
    if not isinstance(provenance.get("seed"), int):
        raise UsageError(f"{file}: provenance.seed: must be the integer that 'sweeper export' recorded")
    return int(provenance["seed"])
