"""Draw a sweep's trials, arms and verdict as an SVG: ``python docs/draw.py SWEEP_FOLDER docs/conv_vs_fc.svg``."""

import sys
from pathlib import Path

from rich.console import Console

from sweeper.analysis import SweepResults, arm_table, judge, trials_table, verdict_text

WIDTH = 130
TRIALS = 12
"""Trials to show: the table of all is longer than anybody reads."""


def draw(folder: Path, picture: Path) -> None:
    """Write what ``sweeper show`` prints of the last trials of the sweep in ``folder`` to ``picture``."""
    results = SweepResults.load(folder)
    verdict = judge(results)
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(trials_table(results.records[-TRIALS:], results.metric).rich())
        console.print(arm_table(verdict).rich())
        console.print(verdict_text(verdict), markup=False)
        console.save_svg(str(picture), title=f"sweeper show {folder.name}")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
