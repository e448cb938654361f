"""MLflow as a mirror of a sweep's folder: what a driver and a command line need, without importing MLflow.

What does the work is in `sweeper.tracking.mirror` and takes seconds to import.
"""

from sweeper.masking import mask
from sweeper.tracking.process import Outcome, Tracking
from sweeper.tracking.ui import ui_command
from sweeper.tracking.uri import default_uri

__all__ = ["Outcome", "Tracking", "default_uri", "mask", "ui_command"]
