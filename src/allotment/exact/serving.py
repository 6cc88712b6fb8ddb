"""Serving waiting customers as soon as there is stock for them, where that changes nothing but the number of states.

Stock and the demand that it will serve in the same period anyway lie side by side until `fulfil`, and each pair of amounts
would be a state. Where every site serves one channel that waits, `fulfil` may be played at once as well: what is left is the
same. Only sites that ship to other sites lose an option, to let their own customers wait for the sake of others'.
"""

from __future__ import annotations

import numpy as np

from allotment.engine.dynamics.period import play_phase
from allotment.engine.state import State, empty_flows
from allotment.scenario.problem import FULFIL, Floats, Problem


def may_serve_at_once(problem: Problem) -> bool:
    """Tell whether playing `fulfil` early leaves every later state and all money of the period as they are."""
    rules, sites, channels, fulfilment = problem.rules, problem.sites, problem.channels, problem.fulfilment
    one_to_one = len(set(fulfilment.site)) == len(set(fulfilment.channel)) == problem.shape.fulfilment
    waits = (channels.stays == 1.0).all() and channels.open_ended.all() and not problem.prices.late.any()
    unlimited = all(np.isinf(limit).all() for limit in (fulfilment.capacity, sites.handling, sites.storage, sites.max_position))
    plain = not (sites.plant.any() or sites.shrinkage.any() or problem.shape.groups or problem.shape.lives > 1)
    certain = (fulfilment.accept == 1.0).all() and not channels.commitment.any()
    return bool(one_to_one and waits and unlimited and plain and certain and not (rules.allocates or rules.protects))


def lends(problem: Problem) -> bool:
    """Tell whether a site that serves customers can ship to other sites."""
    return bool(np.isin(problem.lanes.site, problem.fulfilment.site).any())


def served(problem: Problem, state: State) -> State:
    """Return states in which stock has served what waits for it."""
    return play_phase(problem, FULFIL, state, empty_flows(problem, len(state.period)), None)[0]


def left_after_serving(problem: Problem, stock: Floats, waiting: Floats) -> tuple[Floats, Floats]:
    """Return stock (B, S, K, A) and demand by due slot (B, C, K, D) without what the one will serve of the other."""
    stock, waiting = stock.copy(), waiting.copy()
    for site, channel in zip(problem.fulfilment.site, problem.fulfilment.channel, strict=True):
        for slot in reversed(range(waiting.shape[-1])):
            units = np.minimum(stock[:, site, :, 0], waiting[:, channel, :, slot])
            stock[:, site, :, 0] -= units
            waiting[:, channel, :, slot] -= units
    return stock, waiting
