"""Sweep files: YAML in, a validated and frozen specification with its search space out.

`read_spec` and `parse_spec` raise `sweeper.errors.UsageError`, one line with file, line and path, for all wrong input.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sweeper.spec.domains import ChoiceDomain, Domain, FloatDomain, IntDomain
from sweeper.spec.nodes import Choose, Group, Node
from sweeper.spec.space import Resolved, Space, Suggest
from sweeper.spec.spec import Spec, parse_spec, read_spec
from sweeper.spec.values import KeyPath, Scalar, Value

if TYPE_CHECKING:
    from sweeper.spec.algorithms import (
        ASHAStopping,
        GridSearch,
        MedianStopping,
        NoStopping,
        QMCSearch,
        RandomSearch,
        SearchSettings,
        StoppingSettings,
        TPESearch,
    )
    from sweeper.spec.resources import Resources
    from sweeper.spec.settings import (
        Budget,
        Checkpoints,
        Direction,
        Evaluation,
        Failures,
        Finals,
        SweepSettings,
    )

__all__ = [
    "ASHAStopping",
    "Budget",
    "Checkpoints",
    "ChoiceDomain",
    "Choose",
    "Direction",
    "Domain",
    "Evaluation",
    "Failures",
    "Finals",
    "FloatDomain",
    "GridSearch",
    "Group",
    "IntDomain",
    "KeyPath",
    "MedianStopping",
    "NoStopping",
    "Node",
    "QMCSearch",
    "RandomSearch",
    "Resolved",
    "Resources",
    "Scalar",
    "SearchSettings",
    "Space",
    "Spec",
    "StoppingSettings",
    "Suggest",
    "SweepSettings",
    "TPESearch",
    "Value",
    "parse_spec",
    "read_spec",
]


_LATE = ("sweeper.spec.algorithms", "sweeper.spec.resources", "sweeper.spec.settings")

if not TYPE_CHECKING:  # else every name would pass for one of this package

    def __getattr__(name: str) -> object:
        """Import the settings when they are first asked for: pydantic takes longer to import than all the rest."""
        if name in __all__:
            modules = [import_module(module) for module in _LATE]
            return next(getattr(module, name) for module in modules if hasattr(module, name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
