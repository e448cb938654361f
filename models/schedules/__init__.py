"""Schedules: who of a model's players steps when."""

from models.schedules.alternating import Alternating
from models.schedules.base import Moment, Schedule
from models.schedules.equilibrium import Equilibrium
from models.schedules.joint import Joint

__all__ = ["Alternating", "Equilibrium", "Joint", "Moment", "Schedule"]
