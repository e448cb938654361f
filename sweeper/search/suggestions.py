"""Our domains in Optuna's words."""

from collections.abc import Callable

import optuna

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
