"""What asking for a trial takes after so many others of the same arm: Optuna's samplers read all of them each time."""

import argparse
import sys
import time
from random import Random

import no_op_sweep
import optuna
from scoreboard import Measured, Promise, announce

from sweeper.search.samplers import make_sampler
from sweeper.search.suggestions import distribution_of, suggester
from sweeper.spec import ChoiceDomain, Domain, Space, Value

ASKS = 10
MOST_PER_TRIAL = 0.03


def told(space: Space, rng: Random) -> optuna.trial.FrozenTrial:
    """Return a trial of the space that has ended, one in nine of them complete."""
    drawn: dict[str, Value] = {}
    distributions: dict[str, optuna.distributions.BaseDistribution] = {}

    def draw(name: str, domain: Domain) -> Value:
        distributions[name] = distribution_of(domain)
        if isinstance(domain, ChoiceDomain):
            drawn[name] = rng.choice(domain.options)
        else:
            drawn[name] = type(domain.low)(rng.uniform(domain.low, domain.high))
        return drawn[name]

    space.resolve(draw)
    complete = rng.random() < 1 / 9
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState.COMPLETE if complete else optuna.trial.TrialState.PRUNED,
        params=drawn,
        distributions=distributions,
        value=rng.random(),
        intermediate_values={1000: rng.random()},
    )


def milliseconds(study: optuna.Study, space: Space, search: str) -> float:
    """Return milliseconds of processor per ask by a sampler as a sweep makes it, the study in memory."""
    settings = no_op_sweep.no_op_spec(2, search=search).settings.search
    began = 0.0
    for seed in range(ASKS + 1):
        if seed == 1:  # The first one imports what it needs.
            began = time.process_time()
        study.sampler = make_sampler(settings, seed, arm_seed=0)
        trial = study.ask()
        space.resolve(suggester(trial))
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return 1000 * (time.process_time() - began) / ASKS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000, 5000, 10000])
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space, rng = no_op_sweep.no_op_spec(2).space("fc"), Random(0)
    study, count = optuna.create_study(storage=optuna.storages.InMemoryStorage()), 0
    samples: dict[str, list[float]] = {"random": [], "qmc": [], "tpe": []}
    for trials in sorted(arguments.trials):
        study.add_trials([told(space, rng) for _ in range(trials - count)])
        count = trials
        for search, times in samples.items():
            times.append(milliseconds(study, space, search))
    found = {search: Measured(search, tuple(times)) for search, times in samples.items()}
    tpe = samples["tpe"][-1] / count
    promise = Promise("tpe, ms for each trial before", tpe, "at most", MOST_PER_TRIAL)
    title = f"ask after {', '.join(f'{trials:,}' for trials in arguments.trials)} trials of the arm"
    return announce(title, "ms of processor", list(found.values()), found["random"], [promise])


if __name__ == "__main__":
    sys.exit(main())
