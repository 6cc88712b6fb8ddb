"""What stock loses by itself: units whose life is over, and units that disappear unseen until they are counted."""

from __future__ import annotations

import numpy as np

from allotment.engine import randomness
from allotment.engine.dynamics.arrays import Array, like, namespace, only
from allotment.engine.dynamics.shipping import issued
from allotment.engine.state import State
from allotment.scenario.problem import Problem


def expire(problem: Problem, state: State) -> State:
    """Discard what has no life left and let the rest age; then let units disappear, and count where it is time."""
    xp = namespace(state.on_hand)
    if problem.goods.shelf_life.any():
        perishes = like(state.on_hand, problem.goods.shelf_life > 0)
        gone = xp.where(perishes, state.on_hand[..., 0], xp.zeros_like(state.on_hand[..., 0]))
        state = state._replace(on_hand=aged(problem, state.on_hand), expired=state.expired + gone)
    return _shrink(problem, state) if problem.sites.shrinkage.any() else state


def aged(problem: Problem, on_hand: Array) -> Array:
    """Return stock (B, S, K, A) a period older, without what has no life left."""
    xp, perishes = namespace(on_hand), like(on_hand, problem.goods.shelf_life > 0)
    older = xp.concat([on_hand[..., 1:], xp.zeros_like(on_hand[..., :1])], axis=-1)
    return xp.where(perishes[:, None], older, on_hand)


def _shrink(problem: Problem, state: State) -> State:
    on_hand = state.on_hand.sum(axis=-1)
    lost = _disappearing(problem, state, on_hand)
    stock, _ = issued(problem, state.on_hand, lost)
    every = np.where(problem.sites.count_every > 0, problem.sites.count_every, 1)
    counted = (problem.sites.count_every > 0) & ((state.period[:, None] + 1) % every == 0)
    unrecorded_loss = only(state.unrecorded_loss + lost, ~counted[..., None])
    return state._replace(on_hand=stock, unrecorded_loss=unrecorded_loss, shrunk=state.shrunk + lost)


def _disappearing(problem: Problem, state: State, on_hand: Array) -> Array:
    """Return the units (B, S, K) that disappear in this period: each by its site's chance."""
    chance = problem.sites.shrinkage[:, None]
    if not problem.rules.whole:
        return on_hand * like(on_hand, chance)
    return randomness.coming_through(problem.sites.shrinkage_stream, on_hand, chance, state.seed, state.episode, state.period)
