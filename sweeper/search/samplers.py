"""The samplers that a sweep file may name. Each trial gets a fresh one, seeded by the trial.

A sampler's own random state would make parameters depend on how many trials this process has asked for, which a
resumed sweep cannot know; a fresh sampler makes them depend on the seed and on the told history alone.
"""

import warnings

import optuna

from sweeper.spec import GridSearch, QMCSearch, RandomSearch, SearchSettings, TPESearch


def make_sampler(settings: SearchSettings, trial_seed: int, arm_seed: int) -> optuna.samplers.BaseSampler:
    """Return the sampler of one trial; ``arm_seed`` is for the scrambling that a whole arm has to share."""
    with warnings.catch_warnings():
        # TPE's `group` (conditional spaces) and QMC are marked experimental; we test what we rely on.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match settings:
            case TPESearch():
                # `constant_liar` keeps parallel workers from all asking for the same point.
                return optuna.samplers.TPESampler(
                    n_startup_trials=settings.startup,
                    multivariate=True,
                    group=True,
                    constant_liar=True,
                    seed=trial_seed,
                )
            case QMCSearch():
                return optuna.samplers.QMCSampler(scramble=True, seed=arm_seed, warn_independent_sampling=False)
            case RandomSearch() | GridSearch():  # A grid's points are enqueued; nothing is left to sample.
                return optuna.samplers.RandomSampler(seed=trial_seed)
