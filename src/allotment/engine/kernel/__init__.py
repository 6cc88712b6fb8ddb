"""The dynamics for one processor core, compiled; see `period`."""

from allotment.engine.kernel import actions, deciding, measuring, observation, period, playing
from allotment.engine.kernel.measuring import measure
from allotment.engine.kernel.period import BLOCK, reset, step
from allotment.engine.kernel.playing import decide_all, play

MODULES = period, actions, observation, deciding, measuring, playing

__all__ = ["BLOCK", "MODULES", "decide_all", "measure", "play", "reset", "step"]
