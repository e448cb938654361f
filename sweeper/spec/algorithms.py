"""How configurations are picked and poor trials stopped: the algorithms that a sweep may name, with their options."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from sweeper.spec.section import Count, Section


class TPESearch(Section):
    """Tree-structured Parzen estimator (Bergstra et al. 2011).

    Attributes:
        startup: trials of an arm drawn at random before the estimator takes over.

    """

    name: Literal["tpe"] = "tpe"
    startup: Count = 10


class RandomSearch(Section):
    """Independent random draws (Bergstra and Bengio 2012)."""

    name: Literal["random"] = "random"


class GridSearch(Section):
    """Every configuration of a finite space."""

    name: Literal["grid"] = "grid"


class QMCSearch(Section):
    """A quasi-random sequence of low discrepancy."""

    name: Literal["qmc"] = "qmc"


class ASHAStopping(Section):
    """Asynchronous successive halving (Li et al. 2020).

    Attributes:
        grace: epochs that every trial is given.
        factor: one of so many goes on at each rung.

    """

    name: Literal["asha"] = "asha"
    grace: Count = 1
    factor: Annotated[int, Field(ge=2, description="an integer >= 2")] = 3


class MedianStopping(Section):
    """The median rule (Golovin et al. 2017): stop what is worse than the median of the trials before it.

    Attributes:
        grace: epochs that every trial is given.
        startup: trials of an arm that run in full before any is stopped.

    """

    name: Literal["median"] = "median"
    grace: Count = 1
    startup: Count = 5


class NoStopping(Section):
    """Every trial runs in full."""

    name: Literal["none"] = "none"


SearchSettings: TypeAlias = TPESearch | RandomSearch | GridSearch | QMCSearch
StoppingSettings: TypeAlias = ASHAStopping | MedianStopping | NoStopping
