"""The compiled world: a scenario as arrays, the only thing the engine reads.

Every array is declared once, with its axes and its unit: `minimum: Annotated[Floats, "L K", "units"]`. The array dynamics read
it as `problem.lanes.minimum`, the kernel as `LANES_MINIMUM` (see `engine.layout`).

Axes: sites S, SKUs K, channels C, suppliers U, supply lanes L, fulfilment lanes F, remaining lives A, due slots D, goodwill
groups G, regimes R, priority classes J, accounts M (one where a world has a treasury), slots of payments V, budgets Q; periods
of a demand table P, periods of a calendar T (one where nothing changes).
Unlimited amounts are infinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np

from allotment.quantities import CODES, REASONS, ROUNDING, Flags, Floats, Integers, Keys

__all__ = ["CODES", "REASONS", "ROUNDING", "Flags", "Floats", "Integers", "Keys"]  # beside what is declared here

RECEIVE, DECIDE, DEMAND, FULFIL, EXPIRE, CHARGE, SETTLE = range(7)
PROPORTIONAL, PRIORITY, BALANCED, MIN_SHORTAGE = range(4)  # rationing rules
RATIONING = {"proportional": PROPORTIONAL, "priority": PRIORITY, "balanced": BALANCED, "min_shortage": MIN_SHORTAGE}
BY_RECEIVER = (BALANCED, MIN_SHORTAGE)  # the rules that compare receivers, and give them whole units one at a time
CROSSING, IN_ORDER, KAPLAN = range(3)  # how orders on one lane may overtake each other


class Clock(NamedTuple):
    """How a period and an episode run."""

    sequence: Annotated[Integers, "phases", "phase codes in the order of a period"]
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
    budgets: bool = False  # and how what may be spent is divided
    smooth_fixed: float = 0.0  # units by which most of a smooth fixed cost has come at least; 0 = no stand-in
    smooth_goodwill: bool = False  # goodwill, and demand that follows it, have the slopes of smooth stand-ins
    relaxed: bool = False  # nothing is left without a useful gradient, or a treatment of it has been named


class Goods(NamedTuple):
    """Stock-keeping units."""

    unit_cost: Annotated[Floats, "T K", "money/unit"]
    stock_value: Annotated[Floats, "K", "money/unit that a change of stock counts; 0 where it counts nothing"]
    volume: Annotated[Floats, "K", "m³/unit"]
    shelf_life: Annotated[Integers, "K", "periods, 0 for what does not perish"]
    lifo: Annotated[Flags, "K", "the freshest leave first"]


class Sites(NamedTuple):
    """Places that hold stock."""

    initial_stock: Annotated[Floats, "S K", "units"]
    handling: Annotated[Floats, "T S", "units/period"]
    storage: Annotated[Floats, "T S", "m³"]
    overflow_charged: Annotated[Flags, "S", "what does not fit costs, else it is turned away"]
    max_position: Annotated[Floats, "S K", "units"]
    plant: Annotated[Flags, "S"]
    production_capacity: Annotated[Floats, "T S", "units/period"]
    yield_low: Annotated[Floats, "S", "good units per unit consumed"]
    yield_high: Annotated[Floats, "S"]
    yield_stream: Annotated[Keys, "S"]
    shrinkage: Annotated[Floats, "S", "chance of a unit to disappear in a period"]
    shrinkage_stream: Annotated[Keys, "S K"]
    count_every: Annotated[Integers, "S", "periods, 0 for never"]
    expected_demand: Annotated[Floats, "S K", "units/period near a site, or downstream of it"]
    from_downstream: Annotated[Integers, "S", "sites in an order in which each comes before those that supply it"]
    cycle: Annotated[Integers, "S", "sites with equal numbers supply each other"]
    downstream: Annotated[Flags, "S S", "goods of the one may reach the other, itself included, without going round a cycle"]


class Suppliers(NamedTuple):
    """Sources outside the network."""

    capacity: Annotated[Floats, "T U", "units/period"]
    fill_low: Annotated[Floats, "U", "share of an order that is shipped"]
    fill_high: Annotated[Floats, "U"]
    fill_by_unit: Annotated[Flags, "U", "each unit by that chance, else a share of all"]
    event_low: Annotated[Floats, "U", "a unit of capacity in periods whose event lies between; 2 for suppliers without events"]
    event_high: Annotated[Floats, "U"]


class Lanes(NamedTuple):
    """Supply lanes."""

    supplier: Annotated[Integers, "L", "supplier, or -1"]
    site: Annotated[Integers, "L", "source site, or -1"]
    plant: Annotated[Integers, "L", "source site where that is a plant, or -1"]
    to: Annotated[Integers, "L", "destination site"]
    allowed: Annotated[Flags, "L K"]
    priority: Annotated[Integers, "L", "1 is supplied first"]
    order: Annotated[Integers, "L", "lanes by priority, then file order"]
    capacity: Annotated[Floats, "T L", "units/period"]
    minimum: Annotated[Floats, "L K", "units"]
    multiple: Annotated[Floats, "L K", "units, 0 for none"]
    backlog: Annotated[Flags, "L", "what the source lacks is owed"]
    on_receipt: Annotated[Flags, "L", "purchase and freight are paid when goods arrive"]
    initial: Annotated[Floats, "ages L K", "units in transit when an episode begins, ordered 1, 2, … periods ago"]
    slots: int  # periods of orders kept: longest lead time + 1
    constant: Annotated[Integers, "L", "the lead time, -1 where it is random"]
    crossing: Annotated[Integers, "L"]
    longest: Annotated[Integers, "L", "the longest lead time, after which what has not arrived is given up"]
    lost: Annotated[Floats, "L", "chance of a shipment never to arrive"]
    lost_stream: Annotated[Keys, "L draws"]
    lead_row: Annotated[Integers, "L", "row of the tables"]
    stream: Annotated[Keys, "L draws", "one draw a lane, or one a SKU in every lane where any lane draws by SKU"]
    by_sku: Annotated[Flags, "L"]
    fill_stream: Annotated[Keys, "L K", "of what a supplier ships of an order"]


class Demand(NamedTuple):
    """Demand processes."""

    kind: Annotated[Integers, "C K"]
    row: Annotated[Integers, "P C K", "row of the tables"]
    centre: Annotated[Floats, "P C K", "units/period, nominal mean of a distribution that is inverted at it"]
    mean: Annotated[Floats, "P C K", "units/period, what an informed policy may know"]
    deviation: Annotated[Floats, "P C K", "standard deviation, likewise"]
    repeats: bool  # the P periods repeat, else the last one stays
    shape: Annotated[Floats, "C K", "dispersion, or coefficient of variation"]
    floor: Annotated[Floats, "C K", "units/period, lowest mean"]
    rounded: Annotated[Flags, "C K", "draws are rounded to whole units"]
    maximum: Annotated[Floats, "C K", "units"]
    noise: Annotated[Floats, "C K", "how far draws lie from the mean, relative to the distribution's own"]
    stream: Annotated[Keys, "C K"]
    loading: Annotated[Floats, "C K", "of the common factor, 0 for independent draws"]
    factor_stream: Annotated[Keys, "C K"]
    event_low: Annotated[Floats, "C K", "a unit in periods whose event lies between"]
    event_high: Annotated[Floats, "C K"]
    event_stream: np.uint64
    recorded: Annotated[Floats, "recorded_periods C K", "units"]
    replayed: bool  # the history is replayed, else resampled
    window: int  # periods either side from which a period is resampled, or -1 for any
    history_stream: np.uint64
    history_slots: int  # periods of demand kept in the state
    of_sales: bool  # what is kept is sales


class Modulation(NamedTuple):
    """What multiplies the mean of demand and follows from the past: goodwill and regimes."""

    goodwill_group: Annotated[Integers, "C", "group of a channel, -1 for none"]
    goodwill: Annotated[Floats, "4", "growth, decay, cap, floor"]
    regime: Annotated[Integers, "C K", "regime of a demand, -1 for none"]
    multiplier: Annotated[Floats, "R states"]
    transition: Annotated[Floats, "R states states", "cumulative, from a state to each"]
    initial: Annotated[Integers, "R", "state of the first period"]
    stream: Annotated[Keys, "R"]


class Tables(NamedTuple):
    """Discrete distributions end to end; see `tables`."""

    first: Annotated[Floats, "rows"]
    start: Annotated[Integers, "rows+1"]
    cumulative: Annotated[Floats, "values"]
    guide_start: Annotated[Integers, "rows+1"]
    guide: Annotated[Integers, "slices"]


class Fulfilment(NamedTuple):
    """Fulfilment lanes."""

    site: Annotated[Integers, "F"]
    channel: Annotated[Integers, "F"]
    capacity: Annotated[Floats, "T F", "units/period"]
    latest: Annotated[Integers, "F", "last slot whose demand a lane can still serve in time"]
    on_time: Annotated[Integers, "F", "last slot whose demand it can serve by its due period"]
    accept: Annotated[Floats, "F", "chance of a unit's customer to accept"]
    accept_stream: Annotated[Keys, "F K"]


class Claims(NamedTuple):
    """Claims (fulfilment lane, SKU and due slot) in the order of the fulfilment rule; those of one group rank equally."""

    lane: Annotated[Integers, "claims"]
    sku: Annotated[Integers, "claims"]
    slot: Annotated[Integers, "claims"]
    group_start: Annotated[Integers, "claim_groups+1"]
    promised_lane: Annotated[Integers, "promises", "lanes and SKUs in the order in which commitments are served"]
    promised_sku: Annotated[Integers, "promises"]


class Channels(NamedTuple):
    """Classes of customer demand.

    Slot j of a channel's open demand holds what is due in `due_in` − j periods; the last slot holds all that is later.
    """

    due: Annotated[Integers, "C", "slot of what is due in this period"]
    last: Annotated[Integers, "C", "last slot"]
    open_ended: Annotated[Flags, "C", "the last slot waits on, else what is left in it is lost"]
    stays: Annotated[Floats, "C", "chance of a unit that is not served when due to wait"]
    stays_stream: Annotated[Keys, "C K"]
    initial_open: Annotated[Floats, "C K", "units open when an episode begins, due the period before"]
    commitment: Annotated[Floats, "C K", "units/period promised"]
    nearest_site: Annotated[Integers, "C", "the site with the cheapest lane to the channel"]
    rank: Annotated[Integers, "C", "class of a channel's priority, 0 is served first"]


class Treasury(NamedTuple):
    """Cash, terms of payment, credit and budgets; nothing but nought where a world has no treasury."""

    exists: bool
    cash: float  # money when an episode begins
    floor: float  # money that is kept back
    limit: float  # money, the most that is borrowed
    interest: float  # 1/period, of what is borrowed
    slots: int  # periods ahead for which payments are kept, at least 1
    net: Annotated[Integers, "U", "periods from the record until an invoice is paid, 0 for at once"]
    discount: Annotated[Floats, "U", "part of an invoice that early payment saves; 0 where that costs more than credit"]
    early: Annotated[Integers, "U", "slot of an invoice that can be paid early now, once due ones are paid; -1 for none"]
    collection: Annotated[Integers, "C", "periods from the record until a sale is paid, 0 for at once"]
    per: int  # periods of a budget period, at least 1
    budget_of: Annotated[Integers, "S K", "budget of a site's SKU, -1 for none"]
    budget: Annotated[Integers, "L K", "budget that pays for goods on a lane, -1 for none"]
    amounts: Annotated[Floats, "budget_periods Q", "money a budget period, by turns; 0 where the policy divides the total"]
    total: Annotated[Floats, "budget_periods", "money that the policy divides, by turns"]


class Prices(NamedTuple):
    """What a unit, or a shipment, is worth or costs, by period of the calendar.

    A third text names the attribute of a scenario that states a price as it is; the other prices are put together in `prices`.
    """

    price: Annotated[Floats, "T C K", "money/unit, 0 where the objective is cost"]
    revenue: Annotated[Floats, "T F K", "money/unit, the price of a lane's channel"]
    purchase: Annotated[Floats, "T L K", "money/unit, 0 between sites"]
    production: Annotated[Floats, "T L K", "money/unit that a plant ships"]
    inbound_freight: Annotated[Floats, "T L K", "money/unit"]
    fixed: Annotated[Floats, "T L", "money per period with a shipment"]
    line: Annotated[Floats, "T L K", "money per period with a shipment", "supply_lanes.line_cost"]
    outbound_freight: Annotated[Floats, "T F K", "money/unit"]
    holding: Annotated[Floats, "T S K", "money/unit/period"]
    in_transit: Annotated[Floats, "T L K", "money/unit/period", "supply_lanes.in_transit_cost"]
    site_capital: Annotated[Floats, "T S K", "money/unit/period, what capital in stock costs"]
    lane_capital: Annotated[Floats, "T L K", "money/unit/period, what capital in goods on their way costs"]
    backorder: Annotated[Floats, "T C K", "money/unit/period", "channels.backorder_cost"]
    shortage: Annotated[Floats, "T C K", "money/unit", "channels.shortage_cost"]
    late: Annotated[Floats, "T C K", "money/unit", "channels.late_cost"]
    waste: Annotated[Floats, "T S K", "money/unit", "skus.waste_cost"]
    overflow: Annotated[Floats, "T S", "money/m³/period"]
    site_salvage: Annotated[Floats, "T S K", "money/unit", "sites.salvage"]
    lane_salvage: Annotated[Floats, "T L K", "money/unit, that of the site the lane leads to"]
    channel_salvage: Annotated[Floats, "T C K", "money/unit", "channels.salvage"]
    stock_bought: Annotated[Floats, "T L K", "money/unit, what stock at cost gains with what is paid for"]
    stock_shipped: Annotated[Floats, "T F K", "money/unit, at most 0: what it loses to customers"]
    stock_gone: Annotated[Floats, "T S K", "money/unit, at most 0: what it loses in a site"]
    stock_vanished: Annotated[Floats, "T L K", "money/unit, at most 0: what it loses when paid goods never arrive"]
    stock_discarded: Annotated[Floats, "T L K", "money/unit, at most 0: what it loses when paid goods are turned away"]


class Linear(NamedTuple):
    """Units × price, summed over all places: an addend of a money term, by SKU.

    `units` is a field of `Flows`, or what a period leaves beside it (`engine.dynamics.money.UNITS`); `price` is a field of
    `Prices`. What counts `at` the end is paid once, when a season has ended. The units of `ARRIVALS` still enter the last
    record where a `receive` follows its `charge`.
    """

    term: str
    units: str
    price: str
    at: Literal["charge", "end"] = "charge"


TERMS = (
    "revenue",
    "purchase",
    "stock_change",
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
    "interest",
    "capital",
    "discount_taken",
)
INCOME = ("revenue", "stock_change", "salvage", "discount_taken")
PAID_AT_ONCE = (  # costs that are paid in the period's record; purchases and revenue go by terms, the others are no cash
    *("production", "inbound_freight", "outbound_freight", "fixed_ordering", "holding", "in_transit", "lateness"),
    *("waste", "overflow"),
)
SIGNS = np.array([1.0 if term in INCOME else -1.0 for term in TERMS])
LINEAR = (
    Linear("revenue", "shipped", "revenue"),
    Linear("purchase", "paid", "purchase"),
    Linear("stock_change", "paid", "stock_bought"),
    Linear("stock_change", "shipped", "stock_shipped"),
    Linear("stock_change", "expired", "stock_gone"),
    Linear("stock_change", "shrunk", "stock_gone"),
    Linear("stock_change", "consumed", "stock_gone"),
    Linear("stock_change", "discarded", "stock_discarded"),
    Linear("stock_change", "vanished", "stock_vanished"),
    Linear("production", "paid", "production"),
    Linear("inbound_freight", "paid", "inbound_freight"),
    Linear("outbound_freight", "shipped", "outbound_freight"),
    Linear("holding", "on_hand", "holding"),
    Linear("in_transit", "in_transit", "in_transit"),
    Linear("capital", "on_hand", "site_capital"),
    Linear("capital", "in_transit", "lane_capital"),
    Linear("backorder", "due", "backorder"),
    Linear("lost_sale", "lost", "shortage"),
    Linear("lateness", "late", "late"),
    Linear("waste", "expired", "waste"),
    Linear("salvage", "remaining_in_transit", "lane_salvage", at="end"),
    Linear("salvage", "remaining_stock", "site_salvage", at="end"),
    Linear("salvage", "remaining_demand", "channel_salvage", at="end"),
)  # the terms that are not here are more than a price of units: fixed ordering costs, overflow, interest, discounts
ARRIVALS = ("paid", "received", "discarded", "vanished")


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
    modulation: Modulation
    tables: Tables
    fulfilment: Fulfilment
    claims: Claims
    channels: Channels
    prices: Prices
    treasury: Treasury
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
    budgets: list[str]
