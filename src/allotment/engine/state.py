"""What a batch of simulated worlds holds between two decisions, and what a period leaves on record.

Every array has a leading batch axis B. Stock on its way is kept by the period in which it was ordered, with the period in
which it will arrive beside it: one array answers both "what arrives now" and "what has been outstanding for how long".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allotment.scenario.problem import TERMS, Floats, Integers, Problem


class State(NamedTuple):
    """The state of a batch of worlds. Axes as in `Problem`; ages A and due slots D have one place so far."""

    on_hand: Floats  # (B, S, K, A) units
    in_transit: Floats  # (B, order slots, L, K, A) units; slot = period of the order modulo the slots
    arrival: Integers  # (B, order slots, L) period in which the slot's shipment arrives; only the engine may read it
    open_orders: Floats  # (B, C, K, D) units
    demand_history: Floats  # (B, history slots, C, K) units; slot = period modulo the slots
    demand: Floats  # (B, C, K) units demanded in this period so far
    received: Floats  # (B, L, K) units received in this period so far
    period: Integers  # (B,)
    seed: Integers  # (B,)
    episode: Integers  # (B,)


class Flows(NamedTuple):
    """What happened in the period that a step closed. Units, money at the end; stocks are those at `charge`."""

    demand: Floats  # (B, C, K)
    shipped: Floats  # (B, F, K)
    lost: Floats  # (B, C, K)
    open_orders: Floats  # (B, C, K)
    received: Floats  # (B, L, K)
    requested: Floats  # (B, L, K)
    executed: Floats  # (B, L, K)
    cut_reason: NDArray[np.int8]  # (B, L, K) code in `REASONS` of the last cut, 0 for none
    on_hand: Floats  # (B, S, K)
    in_transit: Floats  # (B, L, K)
    money: Floats  # (B, terms, K) positive magnitudes, in the order of `TERMS`
    reward: Floats  # (B,) money


def empty_state(problem: Problem, batch: int) -> State:
    """Return a state of zeros; `reset` fills it."""
    sites, skus = problem.sharing.initial_stock.shape
    lanes, channels, slots = len(problem.lanes.to), len(problem.serving.lost), problem.lanes.slots
    return State(
        on_hand=np.zeros((batch, sites, skus, 1)),
        in_transit=np.zeros((batch, slots, lanes, skus, 1)),
        arrival=np.full((batch, slots, lanes), -1),
        open_orders=np.zeros((batch, channels, skus, 1)),
        demand_history=np.zeros((batch, problem.demand.history_slots, channels, skus)),
        demand=np.zeros((batch, channels, skus)),
        received=np.zeros((batch, lanes, skus)),
        period=np.zeros(batch, dtype=np.int64),
        seed=np.zeros(batch, dtype=np.int64),
        episode=np.zeros(batch, dtype=np.int64),
    )


def empty_flows(problem: Problem, batch: int) -> Flows:
    """Return a record of zeros; a step fills it."""
    sites, skus = problem.sharing.initial_stock.shape
    lanes, channels, fulfilment = len(problem.lanes.to), len(problem.serving.lost), len(problem.serving.site)
    return Flows(
        demand=np.zeros((batch, channels, skus)),
        shipped=np.zeros((batch, fulfilment, skus)),
        lost=np.zeros((batch, channels, skus)),
        open_orders=np.zeros((batch, channels, skus)),
        received=np.zeros((batch, lanes, skus)),
        requested=np.zeros((batch, lanes, skus)),
        executed=np.zeros((batch, lanes, skus)),
        cut_reason=np.zeros((batch, lanes, skus), dtype=np.int8),
        on_hand=np.zeros((batch, sites, skus)),
        in_transit=np.zeros((batch, lanes, skus)),
        money=np.zeros((batch, len(TERMS), skus)),
        reward=np.zeros(batch),
    )
