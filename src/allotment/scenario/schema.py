"""What a scenario file may say: the typed parts of a world.

Every part forbids unknown keys and carries the unit of each number. How amounts by SKU, by period and at random are written
stands in `amounts`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Tag, model_validator

from allotment.scenario.amounts import (
    AnyPerSku,
    AtLeastOne,
    Calendar,
    Count,
    Finite,
    Kept,
    Name,
    NonNegative,
    Own,
    OwnCalendar,
    Part,
    PerSku,
    PerSkuCalendar,
    Positive,
    PositivePerSku,
    Probability,
    holds_keys_of,
)
from allotment.scenario.processes import DemandProcess, LeadTime
from allotment.scenario.treasury_parts import Days, PaymentTerms, Treasury

Phase = Literal["receive", "decide", "demand", "fulfil", "expire", "charge", "settle"]
PHASES: tuple[Phase, ...] = ("receive", "decide", "demand", "fulfil", "charge")
OPTIONAL = ("expire", "settle")  # phases that a sequence may leave out
Seed = Annotated[int, Field(ge=0, lt=2**63)]
LISTS = (  # sections of parts
    *("skus", "suppliers", "sites", "channels", "supply_lanes", "fulfilment_lanes", "demand", "regimes", "histories"),
)
Word = Annotated[str, Field(pattern=r"^\S(.{0,18}\S)?$")]  # on one line, 20 characters at most


class Sku(Part):
    """A stock-keeping unit."""

    name: Name  # what lanes, demand and reports call it
    group: Name | None = None  # what budgets call the SKUs that it belongs to
    unit_cost: OwnCalendar = 0.0  # money/unit, what suppliers charge unless a lane says otherwise
    price: OwnCalendar = 0.0  # money/unit, what customers pay unless a channel says otherwise
    case_pack: Positive = 1.0  # units; the default order multiple of supplier lanes
    volume: Own = 0.0  # m³/unit, the room it takes in storage
    shelf_life: Annotated[Kept, Field(ge=1)] | None = (
        None  # periods on sale, the one of receipt included; none = does not perish
    )
    issue: Literal["fifo", "lifo"] = "fifo"  # which of its units leave first: the oldest or the freshest
    waste_cost: OwnCalendar = 0.0  # money/unit that expires


class ShareBetween(Part):
    """A share drawn evenly between two, once a lane (or plant) and period."""

    uniform: tuple[Probability, Probability]  # the lowest and the highest share

    @model_validator(mode="before")
    @classmethod
    def _a_pair(cls, value: object) -> object:
        pair = value.get("uniform") if isinstance(value, dict) else None
        return {"uniform": tuple(pair)} if isinstance(pair, list) else value


Share = Annotated[
    Annotated[ShareBetween, Tag("ShareBetween")] | Annotated[Probability, Tag("number")], holds_keys_of(ShareBetween, "number")
]


class Supplier(Part):
    """A source outside the network."""

    name: Name  # what lanes call it
    capacity: Calendar | None = None  # units/period over its lanes and SKUs; none = unlimited
    fill_rate: Share = 1.0  # of what it accepts, what it ships: each unit by this chance, or a share drawn
    terms: PaymentTerms | None = None  # when it is paid, in a world with a treasury; none = at once


class HoldingRate(Part):
    """Holding cost as a rate on the SKU's unit cost."""

    rate: NonNegative  # 1/period, of the unit cost
    excludes_capital: bool = (
        False  # the rate is of storage, insurance and obsolescence alone, beside a treasury's capital_charge
    )


HoldingCost = Annotated[
    Annotated[HoldingRate, Tag("HoldingRate")] | Annotated[PerSkuCalendar, Tag("PerSku")], holds_keys_of(HoldingRate, "PerSku")
]


class Site(Part):
    """A place that holds stock; a plant turns what it holds into goods of the same SKU as it ships them."""

    name: Name  # what lanes and reports call it
    region: Name | None = None  # what budgets call the sites that it belongs to
    kind: Literal["warehouse", "store", "plant"] = "warehouse"  # a plant makes what it ships; warehouse and store behave alike
    initial_stock: PerSku = 0.0  # units, fresh, when an episode begins
    holding_cost: HoldingCost = 0.0  # money/unit/period on what is on hand at `charge`, or a rate on the unit cost
    storage: Calendar | None = None  # m³, the room for stock; none = unlimited
    overflow: Literal["reject", "charge"] = "reject"  # what does not fit is turned away at receipt, or costs
    overflow_cost: Calendar = 0.0  # money/m³/period beyond storage
    handling: Calendar | None = None  # units/period shipped out, transfers and customer orders together; none = unlimited
    max_position: PerSku | None = None  # units on hand after shipments, in transit and owed to it; none = unlimited
    salvage: AnyPerSku = 0.0  # money/unit left at the end of a season
    shrinkage: Probability = 0.0  # chance of a unit on hand to disappear unseen in a period
    count_every: AtLeastOne | None = None  # periods between counts, which set the records right; none = never
    production_capacity: Calendar | None = None  # units/period over its lanes and SKUs, of a plant; none = unlimited
    production_yield: Annotated[Share, Field(alias="yield")] = 1.0  # good units per unit consumed, of a plant
    production_cost: PerSkuCalendar = 0.0  # money/unit that a plant ships

    @model_validator(mode="after")
    def _only_plants_produce(self) -> Site:
        stated = self.model_fields_set & {"production_capacity", "production_yield", "production_cost"}
        if stated and self.kind != "plant":
            name = sorted(stated)[0].replace("production_yield", "yield")
            raise ValueError(f"{name} belongs to a site of kind plant, not {self.kind}")
        if self.production_yield == 0.0:
            raise ValueError("yield must be > 0, not 0")
        return self


class PartialBackorder(Part):
    """Demand that waits with a probability, unit by unit, and is lost otherwise."""

    backorder_probability: Probability  # chance of a unit to wait


Unmet = Annotated[
    Annotated[PartialBackorder, Tag("PartialBackorder")] | Annotated[Literal["lost", "backorder"], Tag("word")],
    holds_keys_of(PartialBackorder, "word"),
]


class Channel(Part):
    """A class of customer demand, usually a sales channel in a region."""

    name: Name  # what lanes, demand and reports call it
    region: str | None = None  # where it is, for `distances`
    priority: AtLeastOne = 1  # 1 is served first
    price: PerSkuCalendar | None = None  # money/unit; none = the SKU's price
    unmet: Unmet = "lost"  # what becomes of demand that is not served by its due period
    shortage_cost: PerSkuCalendar = 0.0  # money/unit lost
    backorder_cost: PerSkuCalendar = 0.0  # money/unit/period on every unit still open at `charge` and due by then
    late_cost: PerSkuCalendar = 0.0  # money/unit, once, when it is not there in its due period
    due_in: Kept = 0  # periods from the demand to its due period
    max_lateness: Kept | None = None  # periods after which what waits is cancelled, and lost; none = never
    initial_open: PerSku = 0.0  # units still open when an episode begins, due the period before
    commitment: PerSku = 0.0  # units a period promised, served before all else
    fulfilment_history: Probability = 1.0  # past on-time-in-full rate
    salvage: AnyPerSku = 0.0  # money/unit still open at the end of a season
    collection: Days = 0.0  # days from a sale until it is paid, in a world with a treasury; in whole periods, rounded up

    @model_validator(mode="after")
    def _what_is_lost_is_not_late(self) -> Channel:
        if self.unmet == "lost" and self.max_lateness:
            raise ValueError(f"max_lateness {self.max_lateness} needs demand that waits (unmet: backorder), not unmet: lost")
        if "initial_open" in self.model_fields_set and (self.unmet == "lost" or self.max_lateness == 0):
            raise ValueError("initial_open needs demand that waits (unmet: backorder, and no max_lateness of 0)")
        return self


class Freight(Part):
    """Freight as a base plus a rate on the distance between the lane's ends."""

    base: PerSkuCalendar = 0.0  # money/unit, whatever the distance
    per_km: NonNegative = 0.0  # money/unit/km, times the distance


FreightCost = Annotated[
    Annotated[Freight, Tag("Freight")] | Annotated[PerSkuCalendar, Tag("PerSku")], holds_keys_of(Freight, "PerSku")
]


class SupplyLane(Part):
    """A way for goods to reach a site: supplier → site, plant → site, or site → site (a transfer)."""

    source: Annotated[str, Field(alias="from")]  # the supplier or site that ships, a name or a pattern
    to: str  # the site that receives, a name or a pattern
    skus: list[str] | None = None  # SKU name patterns; none = all
    lead_time: Kept | LeadTime = 0  # periods from the order to its receipt, or how they are drawn
    unit_cost: PerSkuCalendar | None = None  # money/unit; none = the SKU's from a supplier, 0 between sites (an internal price)
    charged: Literal["on_shipment", "on_receipt"] = "on_shipment"  # when purchase and freight are paid
    freight: FreightCost = 0.0  # money/unit, or by distance
    fixed_cost: Calendar = 0.0  # money per period with a shipment
    line_cost: PerSkuCalendar = 0.0  # money per period and SKU with a shipment
    capacity: Calendar | None = None  # units/period over its SKUs; none = unlimited
    minimum: PerSku = 0.0  # units per SKU; a smaller shipment is dropped
    multiple: PositivePerSku | None = None  # units; none = the SKU's case pack from a supplier, 1 between sites
    in_transit_cost: PerSkuCalendar = 0.0  # money/unit/period on what is in transit at `charge`
    priority: AtLeastOne = 1  # 1 is supplied first
    lost_probability: Probability = 0.0  # chance of a shipment never to arrive; it is given up after the longest lead time
    unfilled: Literal["dropped", "backlog"] = "dropped"  # what source, supplier or plant lacks is forgotten, or owed
    initial_in_transit: list[PerSku] = []  # units in transit when an episode begins, ordered 1, 2, … periods ago


class FulfilmentLane(Part):
    """A way for goods to reach customers: site → channel."""

    source: Annotated[str, Field(alias="from")]  # the site that ships, a name or a pattern
    to: str  # the channel that is served, a name or a pattern
    freight: FreightCost = 0.0  # money/unit, or by distance
    capacity: Calendar | None = None  # units/period over its SKUs; none = unlimited
    transit_time: Kept = 0  # periods; what is shipped now arrives so much later, and may be late
    accept_probability: Probability = 1.0  # chance of a unit's customer to accept this way, in an emergency say


class Correlation(Part):
    """Draws that move together: a common normal factor in each draw of an entry (Gaussian copula)."""

    coefficient: Probability  # correlation of any two draws that share a factor
    across: Literal["channels", "skus", "all"] = "all"  # a factor for each SKU, for each channel, or one in all


class Demand(Part):
    """The demand process of the channels and SKUs that match two name patterns."""

    channel: str = "*"  # the channels it holds for, a name or a pattern
    sku: str = "*"  # the SKUs it holds for, a name or a pattern
    process: DemandProcess  # how demand is drawn
    correlation: Correlation | None = None  # which draws move together; none = all are independent
    regime: str | None = None  # of `regimes`, whose state multiplies the mean


class Regime(Part):
    """A Markov chain whose state multiplies the mean of demand (Markov-modulated demand)."""

    name: Name  # what `demand` calls it
    multipliers: Annotated[list[NonNegative], Field(min_length=1)]  # by state
    across: Literal["channels", "skus", "all"] = "all"  # a chain for each SKU, for each channel, or one in all
    transition: list[list[Probability]]  # from state to state, a row each
    initial: Count = 0  # state of the first period

    @model_validator(mode="after")
    def _rows_are_distributions(self) -> Regime:
        states = len(self.multipliers)
        if len(self.transition) != states or any(len(row) != states for row in self.transition):
            raise ValueError(f"transition must have {states} rows of {states} probabilities, one for each multiplier")
        for row in self.transition:
            if abs(sum(row) - 1.0) > 1e-9:
                raise ValueError(f"transition: each row must sum to 1, not {sum(row):g}")
        if self.initial >= states:
            raise ValueError(f"initial must name a state from 0 to {states - 1}, not {self.initial}")
        return self


class Goodwill(Part):
    """Demand that follows past service: after each period the mean's multiplier falls where units were missing, else rises."""

    scope: Literal["channel", "shared"] = "shared"  # one multiplier for each channel, or one that all share
    growth: Positive = 1.01  # multiplier of the multiplier after a period without unmet units
    decay: Positive = 0.9  # and after one with
    cap: Positive = 2.0  # the highest multiplier
    floor: Positive = 0.2  # the lowest multiplier

    @model_validator(mode="after")
    def _bounds_hold_one(self) -> Goodwill:
        if not self.floor <= 1.0 <= self.cap:
            raise ValueError(f"floor and cap must hold 1, where goodwill begins, not {self.floor:g} to {self.cap:g}")
        return self


class Horizon(Part):
    """How long an episode lasts and how it ends: a window truncates, a season terminates."""

    kind: Literal["window", "season"] = "window"  # a window is a cut from what goes on for ever, a season has an end
    periods: AtLeastOne  # periods that are measured
    warm_up: Count = 0  # periods that metrics leave out
    discount: Annotated[float, Field(gt=0, le=1)] = 1.0  # per period, on metrics
    discount_rewards: bool = False  # discount rewards too, not only metrics
    stock_value: Literal["cost", "none"] = "cost"  # of a window, what a change of stock counts: its unit cost, or nothing

    @model_validator(mode="after")
    def _only_windows_value_stock(self) -> Horizon:
        if self.kind == "season" and "stock_value" in self.model_fields_set:
            raise ValueError(
                f"stock_value {self.stock_value} belongs to a window; in a season, sites.salvage values what is left"
            )
        return self


class ObservationGroups(Part):
    """Which named groups of the state a policy's network sees, beside stock on hand (as the records have it)."""

    # units in transit by lane or by destination, with or without the age of the order
    in_transit: Literal["by_age", "by_lane", "by_site_and_age", "by_site"] = "by_age"
    # demand not yet served, in all or by the period in which it is due
    open_demand: Literal["total", "by_due_period"] = "total"
    by_remaining_life: bool = False  # stock on hand by remaining life too, where goods perish
    demand_history: Kept = 0  # periods back
    history_of: Literal["demand", "sales"] = "demand"  # what the history holds; sales where lost demand is not seen
    calendar: bool = False  # where the cycle of seasons stands; always there in seasons of several periods
    forecast: Kept = 0  # periods ahead, mean and standard deviation; informed policies only
    owed: bool = True  # what sources owe, where lanes keep a backlog
    goodwill: bool = False  # the multiplier of mean demand that past service has left
    treasury: bool = False  # cash, debt, headroom, what is due to and from whom, and budgets left


class RecordedDemand(Part):
    """Recorded demand of consecutive periods, by name, for demand that is resampled or replayed."""

    name: Name  # what a demand process calls it
    units: dict[str, dict[str, list[NonNegative]]]  # by channel and SKU, the first period first; 0 for what is left out

    @model_validator(mode="after")
    def _equally_long(self) -> RecordedDemand:
        lengths = {len(series) for row in self.units.values() for series in row.values()}
        if len(lengths) != 1:
            raise ValueError(f"units must have one length for all channels and SKUs, not {sorted(lengths)}")
        return self


class DataSource(Part):
    """A reader that fills parts of the scenario from files outside the project."""

    reader: str  # of an installed entry point in the group `allotment.datasets`: m5, say, or one of your own
    folder: str  # where its files lie; may name environment variables
    options: dict[str, float | int | str | bool] = {}  # what the reader needs to know beside the files


class KnownValue(Part):
    """A published or computed value that a correct implementation reproduces."""

    policy: str  # the policy whose value is known, in words
    value: Finite  # money per period, in the sign of the objective
    source: str  # where the value comes from
    config: dict[str, Any] | Literal["optimal"] | None = None  # a rule's, or the optimum: to compute it again; none = it is not
    overrides: list[str] = []  # texts `a.b=c` that replace values of the world in which it is known
    episodes: Annotated[int, Field(ge=2)] | None = None  # simulated in so many test worlds; none = computed exactly
    step: Annotated[float, Field(gt=0)] = 1.0  # units in which continuous units are counted
    tail: Annotated[float, Field(gt=0, le=0.1)] | None = None  # probability of each tail that is neglected; none = 1e-10


class Scenario(Part):
    """A world: network, demand, lead times, money, horizon and sequence of events."""

    name: Name  # what run folders and reports call the world
    purpose: str = ""  # the question it asks, in a sentence
    source: str = ""  # where it comes from
    known: list[KnownValue] = []  # values that a correct implementation reproduces
    seed: Seed = 0  # of numbers that the file leaves to chance
    units: Literal["integer", "continuous"] = "integer"  # whether units are whole
    objective: Literal["profit", "cost"] = "profit"  # what the score counts; cost leaves out revenue
    currency: Word | None = None  # what reports call the money, such as EUR; none = money
    period: Word = "period"  # what reports call one period, such as week
    horizon: Horizon  # how long an episode lasts
    sequence: list[Phase] = list(PHASES)  # the phases of a period in their order
    # what the policy decides; rules of the world decide the rest
    decisions: Annotated[list[Literal["orders", "allocation", "protection", "budget"]], Field(min_length=1)] = ["orders"]
    # how requests share what is short
    rationing: Literal["proportional", "priority", "balanced", "min_shortage"] = "proportional"
    # who gets the whole units that proportional shares leave: the largest remainders, or nobody
    remainder: Literal["largest", "none"] = "largest"
    fulfilment: Literal["priority", "nearest", "fair_share", "first_come", "worth"] = (
        "priority"  # who is served first, and from where
    )
    data: DataSource | None = None  # a reader that fills parts of the world from files
    skus: Annotated[list[Sku], Field(min_length=1)]  # what is stocked
    suppliers: Annotated[list[Supplier], Field(min_length=1)]  # where goods come from
    sites: Annotated[list[Site], Field(min_length=1)]  # where stock is held
    channels: Annotated[list[Channel], Field(min_length=1)]  # who asks for goods
    supply_lanes: Annotated[list[SupplyLane], Field(min_length=1)]  # who may supply whom
    fulfilment_lanes: Annotated[list[FulfilmentLane], Field(min_length=1)]  # who may serve whom
    distances: dict[str, dict[str, NonNegative]] = {}  # km from a site or supplier to a site or region
    demand: Annotated[list[Demand], Field(min_length=1)]  # how much is asked for
    regimes: list[Regime] = []  # Markov chains that demand follows
    goodwill: Goodwill | None = None  # how demand follows past service; none = it does not
    treasury: Treasury | None = None  # cash that orders need; none = money is counted and never short
    histories: list[RecordedDemand] = []  # recorded demand, to be resampled or replayed
    observation: ObservationGroups = ObservationGroups()  # what networks observe beside stock on hand
    test: dict[str, object] = {}  # sections that replace this file's own in test worlds

    @model_validator(mode="after")
    def _sequence_is_legal(self) -> Scenario:
        order = {phase: place for place, phase in enumerate(self.sequence)}
        if len(order) != len(self.sequence) or set(order) - set(OPTIONAL) != set(PHASES):
            raise ValueError(
                f"sequence must name each of {', '.join(PHASES)} once, and {' and '.join(OPTIONAL)} at most once, "
                f"not {self.sequence}"
            )
        if order["fulfil"] < order["demand"]:
            raise ValueError(f"sequence must put fulfil after demand, not {self.sequence}")
        late = [phase for phase in ("decide", "fulfil", "expire", "settle") if order.get(phase, -1) > order["charge"]]
        if late:
            raise ValueError(f"sequence must put charge after {late[0]}, not {self.sequence}")
        if order["decide"] > order["fulfil"] and set(self.decisions) - {"orders", "budget"}:
            raise ValueError(f"allocation and protection need a sequence with decide before fulfil, not {self.sequence}")
        return self

    @model_validator(mode="after")
    def _what_perishes_expires(self) -> Scenario:
        if "expire" in self.sequence:
            return self
        for position, sku in enumerate(self.skus):
            if sku.shelf_life is not None:
                raise ValueError(f"skus[{position}].shelf_life needs the phase expire in the sequence, not {self.sequence}")
        for position, site in enumerate(self.sites):
            if site.shrinkage > 0.0:
                raise ValueError(f"sites[{position}].shrinkage needs the phase expire in the sequence, not {self.sequence}")
        return self
