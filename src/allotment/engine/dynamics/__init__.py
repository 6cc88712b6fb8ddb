"""The dynamics to read, and to differentiate; see `period`."""

from allotment.engine.dynamics.period import reset, step

__all__ = ["reset", "step"]
