"""How configurations are picked and poor trials stopped: the algorithms that a sweep may name, with their options."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from sweeper.spec.section import Count, Section, rule_broken
from sweeper.spec.values import listed, not_allowed

SIGNS: dict[str, tuple[str, ...]] = {
    "diverged": ("diverged",),
    "collapsed": ("posterior_collapsed", "mode_collapsed"),
    "posterior_collapsed": ("posterior_collapsed",),
    "mode_collapsed": ("mode_collapsed",),
    "critic_stopped": ("critic_stopped",),
}
"""What a sweep may call signs of training gone wrong, and the signs that are meant."""


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


class Stopping(Section):
    """What all rules by which trials are stopped early share.

    Attributes:
        also: signs of training gone wrong that stop a trial of the search, whatever its rank.

    """

    also: Annotated[tuple[str, ...], Field(strict=False, description=f"a list of {listed(SIGNS)}")] = ()

    @model_validator(mode="after")
    def _knows_its_signs(self) -> Self:
        for name in self.also:
            if name not in SIGNS:
                raise rule_broken("also", not_allowed(name, SIGNS))
        return self

    @property
    def signs(self) -> tuple[str, ...]:
        """The signs that stop a trial."""
        return tuple(sign for name in self.also for sign in SIGNS[name])


class ASHAStopping(Stopping):
    """Asynchronous successive halving (Li et al. 2020).

    Attributes:
        grace: epochs that every trial is given.
        factor: one of so many goes on at each rung.

    """

    name: Literal["asha"] = "asha"
    grace: Count = 1
    factor: Annotated[int, Field(ge=2, description="an integer >= 2")] = 3


class MedianStopping(Stopping):
    """The median rule (Golovin et al. 2017): stop what is worse than the median of the trials before it.

    Attributes:
        grace: epochs that every trial is given.
        startup: trials of an arm that run in full before any is stopped.

    """

    name: Literal["median"] = "median"
    grace: Count = 1
    startup: Count = 5


class NoStopping(Stopping):
    """No trial is stopped for its rank."""

    name: Literal["none"] = "none"


SearchSettings: TypeAlias = TPESearch | RandomSearch | GridSearch | QMCSearch
StoppingSettings: TypeAlias = ASHAStopping | MedianStopping | NoStopping
