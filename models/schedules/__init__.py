"""Schedules: who trains which parameters, and when."""

from models.schedules.base import Schedule
from models.schedules.joint import Joint

__all__ = ["Joint", "Schedule"]
