"""With what a programme begins: an episode's first stock, or a state that somebody sees before a decision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allotment.engine.state import State
from allotment.scenario.problem import Floats, Problem


class Opening(NamedTuple):
    """Stock, open demand and what is in transit when a programme begins."""

    on_hand: Floats  # (S, K, A) units by remaining life
    open_demand: Floats  # (C, K, D) units by due slot
    in_transit: Floats  # (orders before, L, K, A) units, the oldest order first
    decides: bool = False  # the first period's phases before `decide` have been played


def first_opening(problem: Problem) -> Opening:
    """Return with what an episode begins."""
    fresh = np.maximum(problem.goods.shelf_life - 1, 0)[:, None] == np.arange(problem.shape.lives)
    due = problem.channels.due[:, None, None] == np.arange(problem.shape.slots)
    return Opening(
        on_hand=problem.sites.initial_stock[..., None] * fresh,
        open_demand=problem.channels.initial_open[..., None] * due,
        in_transit=problem.lanes.initial[::-1, ..., None] * fresh,
    )


def opening_at(problem: Problem, state: State, world: int) -> Opening:
    """Return with what one of some worlds begins at a decision; orders since the episode's first are all there."""
    period, slots = int(state.period[world]), problem.lanes.slots
    before = len(problem.lanes.initial)
    in_transit = np.zeros((before + period, *state.pipeline.shape[2:]))
    for ordered in range(max(period - slots, -before), period):
        in_transit[before + ordered] = state.pipeline[world, ordered % slots]
    return Opening(np.array(state.on_hand[world]), np.array(state.open_demand[world]), in_transit, decides=True)
