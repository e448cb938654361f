"""Our domains in Optuna's words."""

from collections.abc import Callable

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from sweeper.spec import ChoiceDomain, Domain, FloatDomain, IntDomain, Value


def suggester(trial: optuna.Trial) -> Callable[[str, Domain], Value]:
    """Return the function that asks ``trial`` for the value of one named domain."""

    def suggest(name: str, domain: Domain) -> Value:
        match domain:
            case FloatDomain():
                return trial.suggest_float(name, domain.low, domain.high, log=domain.log, step=domain.step)
            case IntDomain():
                return trial.suggest_int(name, domain.low, domain.high, log=domain.log, step=domain.step)
            case ChoiceDomain():
                return trial.suggest_categorical(name, domain.options)

    return suggest


def distribution_of(domain: Domain) -> BaseDistribution:
    """Return what Optuna remembers of a domain with each value that it was asked for there."""
    match domain:
        case FloatDomain():
            return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
        case IntDomain():
            return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
        case ChoiceDomain():
            return CategoricalDistribution(domain.options)
