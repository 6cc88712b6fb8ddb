"""What a batch of simulated worlds holds between two decisions, and what a period leaves on record.

Every array has a leading batch axis B. Stock on its way is kept by the period in which it was ordered, with the period in
which it will arrive beside it: one array answers both "what arrives now" and "what has been outstanding for how long".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from allotment.scenario.problem import TERMS, Floats, Integers, Problem


class State(NamedTuple):
    """The state of a batch of worlds. Axes as in `Problem`; N counts periods of orders, H periods of history.

    What follows from a feature that a world does not have is an array without entries.
    """

    on_hand: Floats  # (B, S, K, A) units, by remaining life
    in_transit: Floats  # (B, N, L, K, A) units; slot = period of the order modulo the slots
    arrival: Integers  # (B, N, L, draws) period in which the slot's shipment arrives; only the engine may read it
    under_way: Floats  # (B, L, K) units, the sum of `in_transit`
    open_orders: Floats  # (B, C, K, D) units, by due slot
    owed: Floats  # (B, L, K) units that sources owe, where lanes keep a backlog
    reserved: Floats  # (B, S, C, K) units set aside for a channel in this period
    protected: Floats  # (B, S, J, K) units that classes below may not use in this period
    offered: Floats  # (B, F, K) units that the policy allocates in this period
    hidden: Floats  # (B, S, K) units that have disappeared and are still in the records
    goodwill: Floats  # (B, G) multiplier of mean demand
    regime: Integers  # (B, R) state of each Markov chain
    demand_history: Floats  # (B, H, C, K) units; slot = period modulo the slots
    handling_left: Floats  # (B, S) units that a site can still ship out in this period
    demand: Floats  # (B, C, K) units demanded in the record under way, as all that follow
    received: Floats  # (B, L, K) units
    discarded: Floats  # (B, S, K) units turned away for want of room
    shipped: Floats  # (B, F, K) units
    on_time: Floats  # (B, C, K) units shipped that are there when due
    lost: Floats  # (B, C, K) units
    late: Floats  # (B, C, K) units that were not there when due
    expired: Floats  # (B, S, K) units
    shrunk: Floats  # (B, S, K) units
    period: Integers  # (B,)
    seed: Integers  # (B,)
    episode: Integers  # (B,)


class Flows(NamedTuple):
    """What happened in the period whose record a step closed. Units, money at the end; stocks are those at `charge`."""

    demand: Floats  # (B, C, K)
    shipped: Floats  # (B, F, K)
    on_time: Floats  # (B, C, K) shipped, and there when due
    lost: Floats  # (B, C, K)
    late: Floats  # (B, C, K)
    open_orders: Floats  # (B, C, K)
    received: Floats  # (B, L, K)
    requested: Floats  # (B, L, K)
    executed: Floats  # (B, L, K)
    cut_reason: NDArray[np.int64]  # (B, L, K) code in `REASONS` of the last cut, 0 for none
    on_hand: Floats  # (B, S, K)
    in_transit: Floats  # (B, L, K)
    owed: Floats  # (B, L, K)
    expired: Floats  # (B, S, K)
    shrunk: Floats  # (B, S, K)
    discarded: Floats  # (B, S, K)
    consumed: Floats  # (B, S, K) lost in production: what a plant used up beyond what it shipped
    offered: Floats  # (B, F, K) units that the policy allocated
    granted: Floats  # (B, F, K) units of these that were reserved, or shipped
    offer_reason: NDArray[np.int64]  # (B, F, K) why less
    money: Floats  # (B, terms, K) positive magnitudes, in the order of `TERMS`
    terms: Floats  # (B, terms) the same, summed over SKUs
    reward: Floats  # (B,) money


class Decided(NamedTuple):
    """What the policy decides; an array without entries where the scenario leaves it to a rule."""

    orders: Floats  # (B, L, K) units requested on each supply lane
    allocation: Floats  # (B, F, K) units of each site's stock offered to each channel
    protection: Floats  # (B, S, J, K) units that classes below each may not use


def reserves(problem: Problem) -> bool:
    """Tell whether the policy's allocation is decided before demand, and so reserves."""
    return bool(problem.rules.allocates and not problem.clock.demand_first)


def state_shapes(problem: Problem) -> dict[str, tuple[tuple[int, ...], DTypeLike, float]]:
    """Return the shape of each array of the state without its batch axis, its type and what it is filled with."""
    n = problem.shape
    slots = problem.lanes.slots
    draws = problem.lanes.stream.shape[1]
    classes = n.classes if problem.rules.protects else 0
    by_channel = n.channels, n.skus
    by_site = n.sites, n.skus
    by_lane = n.lanes, n.skus
    floats: dict[str, tuple[int, ...]] = {
        "on_hand": (*by_site, n.lives),
        "in_transit": (slots, *by_lane, n.lives),
        "under_way": by_lane,
        "open_orders": (*by_channel, n.slots),
        "owed": by_lane if problem.lanes.backlog.any() else (0, n.skus),
        "reserved": (n.sites, *by_channel) if reserves(problem) else (0, *by_channel),
        "protected": (n.sites, classes, n.skus),
        "offered": (n.fulfilment, n.skus) if problem.rules.allocates else (0, n.skus),
        "hidden": by_site if problem.sites.shrinkage.any() else (0, n.skus),
        "goodwill": (n.groups,),
        "demand_history": (problem.demand.history_slots, *by_channel),
        "handling_left": (n.sites,),
        "demand": by_channel,
        "received": by_lane,
        "discarded": by_site,
        "shipped": (n.fulfilment, n.skus),
        "on_time": by_channel,
        "lost": by_channel,
        "late": by_channel,
        "expired": by_site,
        "shrunk": by_site,
    }
    integers = {"arrival": (slots, n.lanes, draws), "regime": (n.regimes,), "period": (), "seed": (), "episode": ()}
    shapes: dict[str, tuple[tuple[int, ...], DTypeLike, float]] = {
        name: (shape, np.float64, 1.0 if name == "goodwill" else 0.0) for name, shape in floats.items()
    }
    shapes |= {name: (shape, np.int64, -1 if name == "arrival" else 0) for name, shape in integers.items()}
    return {name: shapes[name] for name in State._fields}


def flow_shapes(problem: Problem) -> dict[str, tuple[tuple[int, ...], DTypeLike, float]]:
    """Return the shape of each array of the record without its batch axis, its type and what it is filled with."""
    n = problem.shape
    by_channel, by_site, by_lane, by_service = (
        (n.channels, n.skus),
        (n.sites, n.skus),
        (n.lanes, n.skus),
        (n.fulfilment, n.skus),
    )
    offers = by_service if problem.rules.allocates else (0, n.skus)
    shapes = {
        **dict.fromkeys(("demand", "on_time", "lost", "late", "open_orders"), by_channel),
        **dict.fromkeys(("received", "requested", "executed", "cut_reason", "in_transit", "owed"), by_lane),
        **dict.fromkeys(("on_hand", "expired", "shrunk", "discarded", "consumed"), by_site),
        "shipped": by_service,
        "offered": offers,
        "granted": offers,
        "offer_reason": offers,
        "money": (len(TERMS), n.skus),
        "terms": (len(TERMS),),
        "reward": (),
    }
    integers = ("cut_reason", "offer_reason")
    return {name: (shapes[name], np.int64 if name in integers else np.float64, 0.0) for name in Flows._fields}


def decided_shapes(problem: Problem) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of a decision without its batch axis."""
    n = problem.shape
    return {
        "orders": (n.lanes, n.skus),
        "allocation": (n.fulfilment, n.skus) if problem.rules.allocates else (0, n.skus),
        "protection": (n.sites, n.classes, n.skus) if problem.rules.protects else (0, n.classes, n.skus),
    }


def empty_state(problem: Problem, batch: int) -> State:
    """Return a state of worlds before their first period; `reset` fills it."""
    return State(*(np.full((batch, *shape), fill, dtype) for shape, dtype, fill in state_shapes(problem).values()))


def empty_flows(problem: Problem, batch: int) -> Flows:
    """Return a record of zeros; a step fills it."""
    return Flows(*(np.zeros((batch, *shape), dtype) for shape, dtype, _ in flow_shapes(problem).values()))


def only_orders(problem: Problem, orders: Floats) -> Decided:
    """Return the decision to order (B, L, K) units, to protect nothing and to leave serving to the scenario's rule."""
    batch, skus = len(orders), problem.shape.skus
    return Decided(orders, np.zeros((batch, 0, skus)), np.zeros((batch, *decided_shapes(problem)["protection"])))
