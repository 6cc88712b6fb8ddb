"""What a unit of each flow is worth in a period: the linear money terms of a world, as they are declared."""

from __future__ import annotations

import numpy as np

from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import LINEAR, SIGNS, TERMS, Floats, Problem

KNOWN = {
    *("shipped", "paid", "on_hand", "in_transit", "due", "lost", "late", "expired", "received"),
    *("shrunk", "discarded", "vanished", "consumed"),
    *("remaining_in_transit", "remaining_stock", "remaining_demand"),
}


def worth(problem: Problem, units: str, period: int) -> Floats:
    """Return what a unit of a flow adds to the score's money in a period, (places, K)."""
    total: Floats = np.zeros((1, 1))
    for addend in LINEAR:
        if addend.units == units:
            price: Floats = getattr(problem.prices, addend.price)
            total = total + SIGNS[TERMS.index(addend.term)] * price[period % len(price)]
    return total


def check_known(problem: Problem) -> None:
    """Refuse a world with money for what a programme does not count; `ScenarioError` names the term."""
    for addend in LINEAR:
        if addend.units not in KNOWN and getattr(problem.prices, addend.price).any():
            raise ScenarioError(f"{addend.term}: a linear programme does not count {addend.units}, so it gives no bound")
    if (problem.lanes.lost > 0.0).any():
        raise ScenarioError("supply_lanes.lost_probability: a linear programme lets all goods arrive, so it gives no bound")
    if (problem.treasury.discount > 0.0).any():
        raise ScenarioError("suppliers.terms: a linear programme does not count what early payment saves, so it gives no bound")
