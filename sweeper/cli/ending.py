"""How a sweep has ended: its verdict, written and printed, and whether it could try its arms at all."""

from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Console

from sweeper.analysis import SweepResults, arm_table, judge, verdict_text
from sweeper.cli import exits
from sweeper.cli.tables import print_table
from sweeper.cli.warning import tell_error
from sweeper.files import write_atomically
from sweeper.search import allow
from sweeper.search.broken import why_broken

VERDICT_FILE = "verdict.txt"


def conclude(folder: Path) -> None:
    """Write the verdict into the sweep's folder."""
    write_atomically(folder / VERDICT_FILE, verdict_text(judge(SweepResults.load(folder))).encode())


def print_results(folder: Path) -> None:
    """Print the table of arms and the verdict; exit with 1, and a line for each, where all of them are broken."""
    results = SweepResults.load(folder)
    console = Console()
    print_table(console, arm_table(judge(results)))
    console.print((folder / VERDICT_FILE).read_text(), highlight=False, markup=False, soft_wrap=True)
    reasons = list(_broken(results))
    if len(reasons) == len(results.arms):
        for reason in reasons:
            tell_error(reason)
        raise typer.Exit(exits.FAILED)


def _broken(results: SweepResults) -> Iterator[str]:
    settings = results.spec.settings
    for arm, records in results.arms.items():
        reason = why_broken(arm, records.search, settings.failures.arm, allow(results.spec, workers=1).trials)
        if reason is not None:
            yield reason
