"""`compare`: the arms of several sweeps side by side."""

from pathlib import Path

from rich.console import Console

from sweeper.analysis import comparison_table, describe_comparison, find_sweep, join, judge_arms, verdict_text
from sweeper.cli.tables import print_json, print_table


def compare_sweeps(names: list[str], home: Path, as_json: bool) -> None:
    """Print the arms of sweeps in one ranking, and the verdict on all of them."""
    joint = join([find_sweep(home, name) for name in names])
    verdict = judge_arms(joint)
    if as_json:
        print_json(describe_comparison(joint, verdict))
        return
    console = Console()
    print_table(console, comparison_table(joint, verdict))
    console.print(verdict_text(verdict), highlight=False, markup=False, soft_wrap=True)
