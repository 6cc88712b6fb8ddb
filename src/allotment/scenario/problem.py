"""The compiled world: a scenario as arrays, the only thing the engine reads.

Axes: sites S, SKUs K, channels C, suppliers U, supply lanes L, fulfilment lanes F, remaining lives A, due slots D, goodwill
groups G, regimes R, priority classes J; periods of a demand table P, periods of a calendar T (one where nothing changes).
Unlimited amounts are infinite. Parts are named tuples because both implementations of the dynamics read them.
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

RECEIVE, DECIDE, DEMAND, FULFIL, EXPIRE, CHARGE = range(6)
# How a channel × SKU draws its demand: from tables, by inverting a distribution at a mean that moves, or from a record.
NO_DEMAND, TABLE, NORMAL, HISTORY, POISSON, NEGATIVE_BINOMIAL, GEOMETRIC, GAMMA, DETERMINISTIC, EVENT = range(10)
PROPORTIONAL, PRIORITY, BALANCED, MIN_SHORTAGE = range(4)  # rationing rules
CROSSING, IN_ORDER, KAPLAN = range(3)  # how orders on one lane may overtake each other

TERMS = (
    "revenue",
    "purchase",
    "production",
    "inbound_freight",
    "outbound_freight",
    "fixed_ordering",
    "holding",
    "in_transit",
    "backorder",
    "lost_sale",
    "lateness",
    "waste",
    "overflow",
    "salvage",
)
INCOME = ("revenue", "salvage")
REASONS = ("", "lane", "capacity", "no_stock", "protected", "position", "minimum", "deadline", "storage")  # why less was done
CODES = {reason: code for code, reason in enumerate(REASONS)}
ROUNDING = 1e-9  # units; where units are continuous, less than this is rounding error and no shipment or cut


class Clock(NamedTuple):
    """How a period and an episode run."""

    sequence: Integers  # (phases,) phase codes in the order of a period
    decide_at: int  # position of `decide`
    received_first: bool  # `receive` comes before `decide`
    demand_first: bool  # `demand` comes before `decide`
    season: bool  # the episode terminates after its last period
    cycle: int  # periods after which seasons of demand and calendars repeat together
    length: int  # periods in an episode, warm-up included
    warm_up: int  # periods
    discount: float  # per period, of rewards


class Rules(NamedTuple):
    """How what is scarce is shared, and what the policy decides beside orders."""

    whole: bool  # units are integers
    rationing: int
    largest_remainder: bool  # whole units left by proportional shares go to the largest remainders
    orders: bool  # the policy says what is requested on supply lanes
    allocates: bool  # and what each site ships to each channel
    protects: bool  # and what lower classes may not use
    relaxed: bool = False  # nothing is left without a useful gradient, or a treatment of it has been named


class Goods(NamedTuple):
    """Stock-keeping units."""

    unit_cost: Floats  # (T, K) money/unit
    volume: Floats  # (K,) m³/unit
    shelf_life: Integers  # (K,) periods, 0 for what does not perish
    lifo: Flags  # (K,) the freshest leave first


class Sites(NamedTuple):
    """Places that hold stock."""

    initial_stock: Floats  # (S, K) units
    handling: Floats  # (T, S) units/period
    storage: Floats  # (T, S) m³
    overflow_charged: Flags  # (S,) what does not fit costs, else it is turned away
    max_position: Floats  # (S, K) units
    plant: Flags  # (S,)
    production_capacity: Floats  # (T, S) units/period
    yield_low: Floats  # (S,) good units per unit consumed
    yield_high: Floats  # (S,)
    yield_stream: Keys  # (S,)
    shrinkage: Floats  # (S,) chance of a unit to disappear in a period
    shrinkage_stream: Keys  # (S, K)
    count_every: Integers  # (S,) periods, 0 for never
    expected_demand: Floats  # (S, K) units/period near a site, or downstream of it
    from_downstream: Integers  # (S,) sites in an order in which each comes before those that supply it
    cycle: Integers  # (S,) sites with equal numbers supply each other
    downstream: Flags  # (S, S) goods of the one may reach the other, itself included, without going round a cycle


class Suppliers(NamedTuple):
    """Sources outside the network."""

    capacity: Floats  # (T, U) units/period
    fill_low: Floats  # (U,) share of an order that is shipped
    fill_high: Floats  # (U,)
    fill_by_unit: Flags  # (U,) each unit by that chance, else a share of all
    event_low: Floats  # (U,) a unit of capacity in periods whose event lies between; 2 for suppliers without events
    event_high: Floats  # (U,)


class Lanes(NamedTuple):
    """Supply lanes."""

    supplier: Integers  # (L,) supplier, or -1
    site: Integers  # (L,) source site, or -1
    plant: Integers  # (L,) source site where that is a plant, or -1
    to: Integers  # (L,) destination site
    allowed: Flags  # (L, K)
    priority: Integers  # (L,) 1 is supplied first
    order: Integers  # (L,) lanes by priority, then file order
    capacity: Floats  # (T, L) units/period
    minimum: Floats  # (L, K) units
    multiple: Floats  # (L, K) units, 0 for none
    backlog: Flags  # (L,) what the source lacks is owed
    on_receipt: Flags  # (L,) purchase and freight are paid when goods arrive
    initial: Floats  # (ages, L, K) units under way when an episode begins, ordered 1, 2, … periods ago
    slots: int  # periods of orders kept: longest lead time + 1
    constant: Integers  # (L,) the lead time, -1 where it is random
    crossing: Integers  # (L,)
    lead_row: Integers  # (L,) row of the tables
    stream: Keys  # (L, draws) one draw a lane, or one a SKU in every lane where any lane draws by SKU
    by_sku: Flags  # (L,)
    fill_stream: Keys  # (L, K) of what a supplier ships of an order


class Demand(NamedTuple):
    """Demand processes."""

    kind: Integers  # (C, K)
    row: Integers  # (P, C, K) row of the tables
    centre: Floats  # (P, C, K) units/period, nominal mean of a distribution that is inverted at it
    mean: Floats  # (P, C, K) units/period, what an informed policy may know
    deviation: Floats  # (P, C, K) standard deviation, likewise
    repeats: bool  # the P periods repeat, else the last one stays
    shape: Floats  # (C, K) dispersion, or coefficient of variation
    floor: Floats  # (C, K) units/period, lowest mean
    rounded: Flags  # (C, K) draws are rounded to whole units
    maximum: Floats  # (C, K) units
    noise: Floats  # (C, K) how far draws lie from the mean, relative to the distribution's own
    stream: Keys  # (C, K)
    loading: Floats  # (C, K) of the common factor, 0 for independent draws
    factor_stream: Keys  # (C, K)
    event_low: Floats  # (C, K) a unit in periods whose event lies between
    event_high: Floats  # (C, K)
    event_stream: np.uint64
    history: Floats  # (recorded periods, C, K) units
    replayed: bool  # the history is replayed, else resampled
    window: int  # periods either side from which a period is resampled, or -1 for any
    history_stream: np.uint64
    history_slots: int  # periods of demand kept in the state
    of_sales: bool  # what is kept is sales


class Moods(NamedTuple):
    """What multiplies the mean of demand and follows from the past: goodwill and regimes."""

    goodwill_group: Integers  # (C,) group of a channel, -1 for none
    goodwill: Floats  # growth, decay, cap, floor
    regime: Integers  # (C, K) regime of a demand, -1 for none
    multiplier: Floats  # (R, states)
    transition: Floats  # (R, states, states) cumulative, from a state to each
    initial: Integers  # (R,) state of the first period
    stream: Keys  # (R,)


class Tables(NamedTuple):
    """Discrete distributions end to end; see `tables`."""

    first: Floats  # (rows,)
    start: Integers  # (rows + 1,)
    cumulative: Floats
    guide_start: Integers  # (rows + 1,)
    guide: Integers


class Serving(NamedTuple):
    """Fulfilment lanes, and claims (lane, SKU and due slot) in the order of the rule; claims of one group rank equally.

    Slot j of a channel's open orders holds those that are due in `due_in` − j periods; the last one holds all that are later.
    """

    site: Integers  # (F,)
    channel: Integers  # (F,)
    capacity: Floats  # (T, F) units/period
    latest: Integers  # (F,) last slot whose orders a lane can still serve in time
    on_time: Integers  # (F,) last slot whose orders it can serve by their due period
    accept: Floats  # (F,) chance of a unit's customer to accept
    accept_stream: Keys  # (F, K)
    claim_lane: Integers  # (claims,)
    claim_sku: Integers  # (claims,)
    claim_slot: Integers  # (claims,)
    group_start: Integers  # (groups + 1,)
    promised_lane: Integers  # (promises,) lanes and SKUs in the order in which commitments are served
    promised_sku: Integers  # (promises,)
    commitment: Floats  # (C, K) units/period
    due: Integers  # (C,) slot of what is due in this period
    last: Integers  # (C,) last slot
    open_ended: Flags  # (C,) the last slot waits on, else what is left in it is lost
    stays: Floats  # (C,) chance of a unit that is not served when due to wait
    stays_stream: Keys  # (C, K)
    home: Integers  # (C,) the site with the cheapest lane to the channel
    rank: Integers  # (C,) class of a channel's priority, 0 is served first


class Prices(NamedTuple):
    """What a unit, or a shipment, is worth or costs, by period of the calendar."""

    price: Floats  # (T, C, K) money/unit, 0 where the objective is cost
    purchase: Floats  # (T, L, K) money/unit, 0 between sites
    production: Floats  # (T, L, K) money/unit that a plant ships
    inbound_freight: Floats  # (T, L, K) money/unit
    fixed: Floats  # (T, L) money per period with a shipment
    line: Floats  # (T, L, K) money per period with a shipment
    outbound_freight: Floats  # (T, F, K) money/unit
    holding: Floats  # (T, S, K) money/unit/period
    in_transit: Floats  # (T, L, K) money/unit/period
    backorder: Floats  # (T, C, K) money/unit/period
    shortage: Floats  # (T, C, K) money/unit
    late: Floats  # (T, C, K) money/unit
    waste: Floats  # (T, K) money/unit
    overflow: Floats  # (T, S) money/m³/period
    site_salvage: Floats  # (S, K) money/unit
    channel_salvage: Floats  # (C, K) money/unit


class Shape(NamedTuple):
    """How long each axis is."""

    sites: int
    skus: int
    channels: int
    suppliers: int
    lanes: int
    fulfilment: int
    lives: int
    slots: int
    groups: int
    regimes: int
    classes: int


class Problem(NamedTuple):
    """Everything the dynamics need, in the parts that the phases of a period use."""

    clock: Clock
    rules: Rules
    goods: Goods
    sites: Sites
    suppliers: Suppliers
    lanes: Lanes
    demand: Demand
    moods: Moods
    tables: Tables
    serving: Serving
    prices: Prices
    shape: Shape

    def table_period(self, period: Integers) -> Integers:
        """Return which of the P periods of demand's tables a period of the episode is."""
        periods = len(self.demand.mean)
        return period % periods if self.demand.repeats else np.minimum(period, periods - 1)


@dataclass(frozen=True)
class Names:
    """What each position on an axis is called."""

    skus: list[str]
    suppliers: list[str]
    sites: list[str]
    channels: list[str]
    supply_lanes: list[str]
    fulfilment_lanes: list[str]
