"""`train`: an exported configuration trained again, and checked against what it reached before."""

from pathlib import Path

from rich.console import Console

from sweeper.analysis import read_config
from sweeper.cli.provenance import Provenance, read_provenance
from sweeper.errors import SweeperError, UsageError
from sweeper.training.check import check_config
from sweeper.training.job import EpochResult, Evaluation, Job
from sweeper.training.trial import Trial


def train_file(file: Path, output: Path | None, replay: bool, data_dir: Path | None) -> None:
    """Train the configuration in ``file`` with its recorded seed, in a folder of its own."""
    config, recorded = read_config(file)
    provenance = read_provenance(file, recorded)
    check_config(file, config, data_dir, provenance.metric)
    folder = _empty_folder(file.with_suffix("") if output is None else output)
    console = Console()
    job = Job(0, config, provenance.seed, folder, provenance.measured_by, data_dir, threads=provenance.threads)
    result = _train(job, console)
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


def _compare(best: float, provenance: Provenance, console: Console) -> None:
    """Say whether the recorded value was reached, to the last bit; a difference is a failure."""
    recorded = provenance.value
    if best != recorded:
        raise SweeperError(
            f"replay reached {best!r} where {recorded!r} was recorded by torch {provenance.versions.get('torch')}; "
            "another machine or version, or another number of threads, computes in another order"
        )
    console.print(f"replay reached the recorded {provenance.metric} {recorded!r}", highlight=False, markup=False)


def _empty_folder(folder: Path) -> Path:
    """Make the folder to train in, where there is none; nothing in it may be another training's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot make this folder ({error.strerror}); choose another --output") from error
    if any(folder.iterdir()):
        raise UsageError(f"{folder}: has something in it already; choose another --output")
    return folder
