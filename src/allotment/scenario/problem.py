"""The compiled world: a scenario as arrays, the only thing the engine reads.

Axes: sites S, SKUs K, channels C, suppliers U, supply lanes L, fulfilment lanes F, periods in a cycle P. Unlimited
capacities are infinite. The class is a named tuple because both implementations of the dynamics read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Keys = NDArray[np.uint64]

RECEIVE, DECIDE, DEMAND, FULFIL, CHARGE = range(5)
NO_DEMAND, TABLE, NORMAL, HISTORY = range(4)  # how a channel × SKU draws its demand

TERMS = (
    "revenue",
    "purchase",
    "inbound_freight",
    "outbound_freight",
    "fixed_ordering",
    "holding",
    "in_transit",
    "backorder",
    "lost_sale",
    "salvage",
)
INCOME = ("revenue", "salvage")
REASONS = ("", "lane", "capacity", "no_stock", "minimum")  # why an order was cut
ROUNDING = 1e-9  # units; where units are continuous, less than this is rounding error and no shipment or cut


class Clock(NamedTuple):
    """How a period and an episode run."""

    sequence: Integers  # (5,) phase codes in the order of a period
    decide_at: int  # position of `decide`
    received_first: bool  # `receive` comes before `decide`
    demand_first: bool  # `demand` comes before `decide`
    season: bool  # the episode terminates after its last period
    length: int  # periods in an episode, warm-up included
    warm_up: int  # periods


class Sharing(NamedTuple):
    """What sites and suppliers hold and can move, and how a scarce limit is shared."""

    whole: bool  # units are integers
    by_priority: bool  # lanes of one owner are supplied by priority, else all in proportion
    largest_remainder: bool  # whole units left by proportional shares go to the largest remainders
    initial_stock: Floats  # (S, K) units
    handling: Floats  # (S,) units/period
    supplier_capacity: Floats  # (U,) units/period


class Lanes(NamedTuple):
    """Supply lanes."""

    supplier: Integers  # (L,) supplier, or -1
    site: Integers  # (L,) source site, or -1
    to: Integers  # (L,) destination site
    allowed: Flags  # (L, K)
    priority: Integers  # (L,) 1 is supplied first
    order: Integers  # (L,) lanes by priority, then file order
    capacity: Floats  # (L,) units/period
    minimum: Floats  # (L, K) units
    multiple: Floats  # (L, K) units, 0 for none
    slots: int  # longest lead time + 1
    lead_row: Integers  # (L,) row of the tables
    stream: Keys  # (L,)


class Demand(NamedTuple):
    """Demand processes."""

    kind: Integers  # (C, K)
    row: Integers  # (P, C, K) row of the tables
    mean: Floats  # (P, C, K) units/period, what an informed policy may know
    deviation: Floats  # (P, C, K) standard deviation, likewise
    stream: Keys  # (C, K)
    history: Floats  # (recorded periods, C, K) units
    replayed: bool  # the history is replayed, else resampled
    window: int  # periods either side from which a period is resampled, or -1 for any
    history_stream: np.uint64
    history_slots: int  # periods of demand kept in the state


class Tables(NamedTuple):
    """Discrete distributions end to end; see `tables`."""

    first: Floats  # (rows,)
    start: Integers  # (rows + 1,)
    cumulative: Floats
    guide_start: Integers  # (rows + 1,)
    guide: Integers


class Serving(NamedTuple):
    """Fulfilment lanes, and pairs of lane and SKU in the order of the rule; pairs of one group share in proportion."""

    site: Integers  # (F,)
    channel: Integers  # (F,)
    capacity: Floats  # (F,) units/period
    pair_lane: Integers  # (pairs,)
    pair_sku: Integers  # (pairs,)
    group_start: Integers  # (groups + 1,)
    lost: Flags  # (C,) unmet demand is lost
    home: Integers  # (C,) the site with the cheapest lane to the channel


class Prices(NamedTuple):
    """What a unit, or a shipment, is worth or costs."""

    price: Floats  # (C, K) money/unit, 0 where the objective is cost
    purchase: Floats  # (L, K) money/unit
    inbound_freight: Floats  # (L, K) money/unit
    fixed: Floats  # (L,) money per period with a shipment
    line: Floats  # (L, K) money per period with a shipment
    outbound_freight: Floats  # (F, K) money/unit
    holding: Floats  # (S, K) money/unit/period
    in_transit: Floats  # (L, K) money/unit/period
    backorder: Floats  # (C, K) money/unit/period
    shortage: Floats  # (C, K) money/unit
    site_salvage: Floats  # (S, K) money/unit
    channel_salvage: Floats  # (C, K) money/unit


class Problem(NamedTuple):
    """Everything the dynamics need, in the parts that the phases of a period use."""

    clock: Clock
    sharing: Sharing
    lanes: Lanes
    demand: Demand
    tables: Tables
    serving: Serving
    prices: Prices

    @property
    def cycle(self) -> int:
        """Return the number of periods after which demand's parameters repeat."""
        return self.demand.mean.shape[0]


@dataclass(frozen=True)
class Names:
    """What each position on an axis is called."""

    skus: list[str]
    suppliers: list[str]
    sites: list[str]
    channels: list[str]
    supply_lanes: list[str]
    fulfilment_lanes: list[str]
