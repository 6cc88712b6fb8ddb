"""Deadlines: whether a shipment leaves before its cut-off and arrives no later than its claim bears.

A shipment on day s with a transit time of t arrives on day s + t and is late by max(0, s + t - due). It may be late by at most
the claim's `max_lateness`. Two cut-offs bound it from the other side: after a carrier's cut-off of the day nothing leaves
before the next day, and a claim may name the last day on which anything leaves for it.
"""

from __future__ import annotations

import numpy as np

from allotment.allocation.day import Flags, Floats


def days_late(arrival: Floats, due: Floats) -> Floats:
    """Return by how many days shipments that arrive on days (n,) are late; 0 for those on time, or without a due day."""
    return np.maximum(arrival - due, 0.0)


def misses_deadline(ships: Floats, transit: Floats, due: Floats, max_lateness: Floats, last_day: Floats) -> Flags:
    """Return which shipments (n,) come too late: later than due plus the lateness borne, or leaving after the last day.

    `ships`, `due` and `last_day` are days, `transit` and `max_lateness` numbers of days; infinity stands for no deadline.
    """
    return (days_late(ships + transit, due) > max_lateness) | (ships > last_day)


def first_departure(today: float, now: float, cut_off: Floats) -> Floats:
    """Return the first day on which something may leave (n,): tomorrow where `now` is past the cut-off (hours of a day)."""
    return np.where(now > cut_off, today + 1.0, today)
