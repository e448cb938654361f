"""`check`: a file tried out before it is run."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from sweeper.analysis import Table
from sweeper.cli.tables import print_table
from sweeper.cli.warning import warn
from sweeper.search import allow
from sweeper.spec import Spec, read_spec
from sweeper.training.check import check_components, weights_of
from sweeper.training.failing import failure_of
from sweeper.training.job import Job, search_evaluation
from sweeper.training.measuring_plan import MeasuringPlan
from sweeper.training.trial import Trial

HEADINGS = (
    "arm",
    "weights of the largest model",
    "measuring at most",
    "seconds an epoch",
    "minutes of search at most",
    "minutes of finals",
)
MINUTE = 60.0


def check_file(file: Path, overrides: list[str], data_dir: Path | None) -> None:
    """Validate a file, build every branch of it, and train and measure one epoch of the largest model of each arm."""
    spec = read_spec(file, overrides)
    allowance = allow(spec, workers=1)
    warn(check_components(spec, data_dir))
    plan = MeasuringPlan(spec, data_dir)
    warn(plan.warnings)
    console = Console()
    rows = tuple(_try_out(plan, arm, allowance.trials) for arm in spec.arms)
    print_table(console, Table(HEADINGS, rows))
    console.print(
        f"{file} is valid. {_told(plan.spec)} "
        "The minutes are those of one worker if every trial were that large and none were stopped; "
        "what finals measure on the test set comes on top.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _told(spec: Spec) -> str:
    """Return how often and on how many images the sweep will measure."""
    evaluation = spec.settings.evaluation
    images = "all" if evaluation.images is None else f"the first {evaluation.images}"
    return f"Trials are measured every {evaluation.every} epochs, on {images} validation images."


def _try_out(plan: MeasuringPlan, arm: str, trials: int | None) -> tuple[str, ...]:
    """Train an epoch of the largest model of ``arm``; return its row of the table."""
    spec, data_dir = plan.spec, plan.data_dir
    configs: list[dict[str, Any]] = [dict(corner.config) for corner in spec.space(arm).corners()]
    largest = max(configs, key=lambda config: weights_of(config, data_dir))
    seconds = _seconds_an_epoch(spec, arm, largest, data_dir)
    minutes = seconds * max(config["training"]["epochs"] for config in configs) / MINUTE
    finals, share = spec.settings.finals, plan.share(arm)
    return (
        arm,
        f"{weights_of(largest, data_dir):,}",
        "little" if share is None else f"{share:.0%}",
        f"{seconds:.2f}",
        "as budgeted" if trials is None else f"{minutes * trials:.1f}",
        "none" if finals is None else f"{minutes * finals.top * finals.seeds:.1f}",
    )


def _seconds_an_epoch(spec: Spec, arm: str, config: dict[str, Any], data_dir: Path | None) -> float:
    """Return the seconds of an epoch of a configuration of ``arm``, with its part of a measurement."""
    settings = spec.settings
    evaluation = search_evaluation(settings)
    with tempfile.TemporaryDirectory(prefix="sweeper-check-") as folder:
        job = Job(
            number=0,
            config=config,
            seed=settings.seed,
            folder=Path(folder),
            evaluation=replace(evaluation, every=1),
            data_dir=data_dir,
            threads=settings.resources.of(arm).threads,
        )
        try:
            result = Trial(job).advance()
        except Exception as error:
            reason = failure_of(error, job.folder).reason
            raise spec.error(("model",), f"the largest model of arm {arm} cannot be trained: {reason}") from error
    measuring = result.seconds * result.metrics["evaluation_share"]
    return result.seconds - measuring + measuring / evaluation.every
