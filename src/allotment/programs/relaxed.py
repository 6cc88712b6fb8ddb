"""What a world's linear programme leaves out, by name: each makes the programme's money more, never less."""

from __future__ import annotations

import numpy as np

from allotment.scenario.loader import World
from allotment.scenario.problem import Problem


def relaxed(world: World) -> list[str]:
    """Return what is relaxed, in words."""
    problem, scenario = world.problem, world.scenario
    names = {
        "whole units (fractions of a unit may be shipped)": problem.rules.whole,
        f"serving order (fulfilment: {scenario.fulfilment} serves itself, the programme serves whom it likes)": _serves(
            problem
        ),
        "fixed order costs (each unit bears its share of the largest shipment's, or none where nothing limits it)": (
            problem.prices.fixed.any() or problem.prices.line.any()
        ),
        "multiples and smallest shipments": (problem.lanes.multiple > 1.0).any() or (problem.lanes.minimum > 0.0).any(),
        "goodwill (demand lies between what the worst and the best service lead to, as the programme likes)": (
            problem.shape.groups > 0
        ),
        **_of_chance(problem),
        "who is turned away for want of storage": (
            np.isfinite(problem.sites.storage).any(axis=0) & ~problem.sites.overflow_charged
        ).any(),
        "cash (orders are never cut for want of money, and nothing is borrowed)": problem.treasury.exists,
        "what sources owe": problem.lanes.backlog.any(),
        "which units are issued first (skus.issue)": problem.goods.shelf_life.any(),
    }
    return [name for name, holds in names.items() if holds]


def _serves(problem: Problem) -> bool:
    """Tell whether the scenario's rule has anything to choose: who gets what is short, or from where."""
    return not problem.rules.allocates and problem.shape.fulfilment > 1


def _of_chance(problem: Problem) -> dict[str, bool]:
    """Return the draws that depend on how many units there are."""
    stays, whole = problem.channels.stays, problem.rules.whole
    return {
        "who accepts an emergency shipment (accept_probability)": bool((problem.fulfilment.accept < 1.0).any()),
        "whose unserved demand waits (backorder_probability)": bool(whole and ((stays > 0.0) & (stays < 1.0)).any()),
        "which units disappear unseen (shrinkage)": bool(whole and problem.sites.shrinkage.any()),
        "which units a supplier fills (fill_rate)": bool(
            (problem.suppliers.fill_by_unit & (problem.suppliers.fill_low < 1.0)).any()
        ),
    }
