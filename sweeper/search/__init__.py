"""Which trial is next, and what its results mean: Optuna studies per arm, budgets, stopping, finals."""

from sweeper.search.assignment import Assignment, Phase, trial_folder
from sweeper.search.plan import Allowance, allow
from sweeper.search.records import RecordReader, TrialRecord, read_records
from sweeper.search.report import Decision, Report
from sweeper.search.storage import sweep_exists
from sweeper.search.sweep import Sweep

__all__ = [
    "Allowance",
    "Assignment",
    "Decision",
    "Phase",
    "RecordReader",
    "Report",
    "Sweep",
    "TrialRecord",
    "allow",
    "read_records",
    "sweep_exists",
    "trial_folder",
]
