"""Ray's switches. It reads some of them while it is imported, so they are set before that."""

import os

_SWITCHES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Without it Ray warns about its own future default.
    "RAY_AIR_NEW_OUTPUT": "0",  # The old reporter is the one that keeps quiet when told to.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # Relative paths keep their meaning in workers.
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",  # Else Tune, too, tries again what was on a node that was drained.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # The curves are ours; Tune's CSV, JSON and TensorBoard copies are not.
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # The study is the truth; nobody reads Tune's snapshots.
    "TUNE_MAX_PENDING_TRIALS_PG": "1000000",  # How many workers may start at once is the dispatcher's business.
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}

_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Off, as it is on those systems: a local Ray then listens on the loopback address alone, which it would not do for
being given 127.0.0.1 as its node's address."""


def set_switches(address: str | None) -> None:
    """Set Ray's switches for a cluster at ``address``, or a local Ray; what the user has set stays."""
    for name, value in (_SWITCHES | ({} if address else _LOOPBACK)).items():
        os.environ.setdefault(name, value)
