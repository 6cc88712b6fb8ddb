"""The dynamics for one processor core, compiled; see `period`."""

from allotment.engine.kernel import actions, observation, period
from allotment.engine.kernel.period import BLOCK, reset, step

MODULES = period, actions, observation

__all__ = ["BLOCK", "MODULES", "reset", "step"]
