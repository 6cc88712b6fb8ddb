"""Actions of a network as orders, in compiled code: a number in [-1, 1] for each lane and SKU, from nothing to a limit."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import entry, floats1, floats3, inner, integers1
from allotment.engine.kernel.observation import observe_all
from allotment.engine.kernel.period import step


@inner
def decode(table, actions):  # type: ignore[no-untyped-def]
    """Write the orders that actions (worlds, n) stand for; returns the place of the first that is not finite, else -1."""
    orders, limit = floats3(table, f.DECISION_ORDERS), floats1(table, f.ACTION_LIMIT)
    lane, sku = integers1(table, f.ACTION_LANE), integers1(table, f.ACTION_SKU)
    for world in range(actions.shape[0]):
        for place in range(actions.shape[1]):
            action = actions[world, place]
            if not math.isfinite(action):
                return world * actions.shape[1] + place
            orders[lane[place], sku[place], np.uint64(world)] = 0.5 * (min(max(action, -1.0), 1.0) + 1.0) * limit[place]
    return -1


@entry
def order(table, actions):  # type: ignore[no-untyped-def]
    """Write the orders of all worlds; returns the place of the first action that is not finite, else -1."""
    return decode(table, actions)


@entry
def act(table, actions):  # type: ignore[no-untyped-def]
    """Order as actions say, play a period, and write what is seen after it; returns as `order` does, with nothing played."""
    fault = decode(table, actions)
    if fault < 0:
        step(table)
        observe_all(table)
    return fault
