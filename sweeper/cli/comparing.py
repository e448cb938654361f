"""`compare`: the arms of several sweeps side by side."""

from rich.console import Console

from sweeper.analysis import comparison_table, describe_comparison, join, judge_arms, verdict_text
from sweeper.cli.finding import find, placed
from sweeper.cli.tables import print_json, print_table
from sweeper.remote.homes import Home


def compare_sweeps(names: list[str], home: Home, as_json: bool) -> None:
    """Print the arms of sweeps in one ranking, and the verdict on all of them."""
    joint = join([find(home, name) for name in names])
    verdict = judge_arms(joint)
    if as_json:
        described = describe_comparison(joint, verdict)
        print_json({**described, "sweeps": [placed(sweep, home) for sweep in described["sweeps"]]})
        return
    console = Console()
    print_table(console, comparison_table(joint, verdict))
    console.print(verdict_text(verdict), highlight=False, markup=False, soft_wrap=True)
