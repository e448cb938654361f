"""What a sweep has shown: its results, the verdict with intervals, tables, and the best configuration as a file."""

from sweeper.analysis.comparable import check_comparable, check_resumable
from sweeper.analysis.comparison import comparison_table, describe_comparison
from sweeper.analysis.configuration import read_config, read_trial_config
from sweeper.analysis.export import best_trial, export_best
from sweeper.analysis.home import LATEST, find_own_sweep, find_sweep, is_path, is_sweep, list_sweeps, meant
from sweeper.analysis.joining import join
from sweeper.analysis.listing import (
    changes_table,
    describe_home,
    describe_sweep,
    describe_sweeps,
    sweeps_table,
    trials_table,
)
from sweeper.analysis.plain import strict
from sweeper.analysis.results import SweepResults
from sweeper.analysis.summary import summarize
from sweeper.analysis.table import Table, arm_table
from sweeper.analysis.verdict import Comparison, Verdict, judge, judge_arms
from sweeper.analysis.wording import verdict_lines, verdict_text

__all__ = [
    "LATEST",
    "Comparison",
    "SweepResults",
    "Table",
    "Verdict",
    "arm_table",
    "best_trial",
    "changes_table",
    "check_comparable",
    "check_resumable",
    "comparison_table",
    "describe_comparison",
    "describe_home",
    "describe_sweep",
    "describe_sweeps",
    "export_best",
    "find_own_sweep",
    "find_sweep",
    "is_path",
    "is_sweep",
    "join",
    "judge",
    "judge_arms",
    "list_sweeps",
    "meant",
    "read_config",
    "read_trial_config",
    "strict",
    "summarize",
    "sweeps_table",
    "trials_table",
    "verdict_lines",
    "verdict_text",
]
