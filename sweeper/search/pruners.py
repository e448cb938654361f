"""The stopping rules that a sweep file may name, counted in images seen so that no batch size is favoured."""

import optuna

from sweeper.spec import ASHAStopping, MedianStopping, NoStopping, StoppingSettings


def make_pruner(settings: StoppingSettings, images_per_epoch: int) -> optuna.pruners.BasePruner:
    """Return the stopping rule whose grace, given in epochs, is ``grace * images_per_epoch`` images.

    ASHA is the stopping variant of Li et al. (2018, arXiv 1810.05934): rungs at grace * factor**r, and at each rung a
    trial goes on only while it is among the best 1/factor of those that got there before it.
    """
    match settings:
        case ASHAStopping():
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=settings.grace * images_per_epoch, reduction_factor=settings.factor
            )
        case MedianStopping():
            return optuna.pruners.MedianPruner(
                n_startup_trials=settings.startup, n_warmup_steps=settings.grace * images_per_epoch - 1
            )
        case NoStopping():
            return optuna.pruners.NopPruner()
