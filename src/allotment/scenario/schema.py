"""What a scenario file may say: the typed parts of a world.

Every part forbids unknown keys and carries the unit of each number. How amounts by SKU, by period and at random are written
stands in `amounts`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag, model_validator

from allotment.scenario.amounts import (
    AnyPerSku,
    Calendar,
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

Phase = Literal["receive", "decide", "demand", "fulfil", "expire", "charge"]
PHASES: tuple[Phase, ...] = ("receive", "decide", "demand", "fulfil", "charge")
LISTS = (  # sections of parts
    *("skus", "suppliers", "sites", "channels", "supply_lanes", "fulfilment_lanes", "demand", "regimes", "histories"),
)
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]


class Sku(Part):
    """A stock-keeping unit."""

    name: str
    unit_cost: OwnCalendar = 0.0  # money/unit
    price: OwnCalendar = 0.0  # money/unit
    case_pack: Positive = 1.0  # units; the default order multiple of supplier lanes
    volume: Own = 0.0  # m³/unit
    shelf_life: AtLeastOne | None = None  # periods on sale, the one of receipt included; none = does not perish
    issue: Literal["fifo", "lifo"] = "fifo"  # which of its units leave first: the oldest or the freshest
    waste_cost: OwnCalendar = 0.0  # money/unit that expires


class ShareBetween(Part):
    """A share drawn evenly between two, once a lane (or plant) and period."""

    uniform: tuple[Probability, Probability]

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

    name: str
    capacity: Calendar | None = None  # units/period over its lanes and SKUs; none = unlimited
    fill_rate: Share = 1.0  # of what it accepts, what it ships: each unit by this chance, or a share drawn


class HoldingRate(Part):
    """Holding cost as a rate on the SKU's unit cost."""

    rate: NonNegative  # 1/period


HoldingCost = Annotated[
    Annotated[HoldingRate, Tag("HoldingRate")] | Annotated[PerSkuCalendar, Tag("PerSku")], holds_keys_of(HoldingRate, "PerSku")
]


class Site(Part):
    """A place that holds stock; a plant turns what it holds into goods of the same SKU as it ships them."""

    name: str
    kind: Literal["warehouse", "store", "plant"] = "warehouse"
    initial_stock: PerSku = 0.0  # units, fresh
    holding_cost: HoldingCost = 0.0  # money/unit/period
    storage: Calendar | None = None  # m³; none = unlimited
    overflow: Literal["reject", "charge"] = "reject"  # what does not fit is turned away at receipt, or costs
    overflow_cost: Calendar = 0.0  # money/m³/period beyond storage
    handling: Calendar | None = None  # units shipped out per period, transfers and customer orders together
    max_position: PerSku | None = None  # units on hand after shipments, under way and owed to it
    salvage: AnyPerSku = 0.0  # money/unit left at the end of a season
    shrinkage: Probability = 0.0  # chance of a unit on hand to disappear unseen in a period
    count_every: AtLeastOne | None = None  # periods between counts, which set the records right; none = never
    production_capacity: Calendar | None = None  # plant: units/period over its lanes and SKUs
    production_yield: Annotated[Share, Field(alias="yield")] = 1.0  # plant: good units per unit consumed
    production_cost: PerSkuCalendar = 0.0  # plant: money/good unit

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

    backorder_probability: Probability


Unmet = Annotated[
    Annotated[PartialBackorder, Tag("PartialBackorder")] | Annotated[Literal["lost", "backorder"], Tag("word")],
    holds_keys_of(PartialBackorder, "word"),
]


class Channel(Part):
    """A class of customer demand, usually a sales channel in a region."""

    name: str
    region: str | None = None
    priority: AtLeastOne = 1  # 1 is served first
    price: PerSkuCalendar | None = None  # money/unit; none = the SKU's price
    unmet: Unmet = "lost"  # what becomes of demand that is not served by its due period
    shortage_cost: PerSkuCalendar = 0.0  # money/unit lost
    backorder_cost: PerSkuCalendar = 0.0  # money/unit/period on every unit still open at `charge` and due by then
    late_cost: PerSkuCalendar = 0.0  # money/unit, once, when it is not there in its due period
    due_in: Count = 0  # periods from the demand to its due period
    max_lateness: Count | None = None  # periods after which what waits is cancelled, and lost; none = never
    commitment: PerSku = 0.0  # units a period promised, served before all else
    fulfilment_history: Probability = 1.0  # past on-time-in-full rate
    salvage: AnyPerSku = 0.0  # money/unit still open at the end of a season

    @model_validator(mode="after")
    def _what_is_lost_is_not_late(self) -> Channel:
        if self.unmet == "lost" and self.max_lateness:
            raise ValueError(f"max_lateness {self.max_lateness} needs demand that waits (unmet: backorder), not unmet: lost")
        return self


class Freight(Part):
    """Freight as a base plus a rate on the distance between the lane's ends."""

    base: PerSkuCalendar = 0.0  # money/unit
    per_km: NonNegative = 0.0  # money/unit/km


FreightCost = Annotated[
    Annotated[Freight, Tag("Freight")] | Annotated[PerSkuCalendar, Tag("PerSku")], holds_keys_of(Freight, "PerSku")
]


class SupplyLane(Part):
    """A way for goods to reach a site: supplier → site, plant → site, or site → site (a transfer)."""

    source: Annotated[str, Field(alias="from")]
    to: str
    skus: list[str] | None = None  # SKU name patterns; none = all
    lead_time: Count | LeadTime = 0  # periods
    unit_cost: PerSkuCalendar | None = None  # money/unit; none = the SKU's from a supplier, 0 between sites (an internal price)
    charged: Literal["on_shipment", "on_receipt"] = "on_shipment"  # when purchase and freight are paid
    freight: FreightCost = 0.0  # money/unit, or by distance
    fixed_cost: Calendar = 0.0  # money per period with a shipment
    line_cost: PerSkuCalendar = 0.0  # money per period and SKU with a shipment
    capacity: Calendar | None = None  # units/period over its SKUs
    minimum: PerSku = 0.0  # units per SKU; a smaller shipment is dropped
    multiple: PositivePerSku | None = None  # units; none = the SKU's case pack from a supplier, 1 between sites
    in_transit_cost: PerSkuCalendar = 0.0  # money/unit/period
    priority: AtLeastOne = 1  # 1 is supplied first
    unfilled: Literal["dropped", "backlog"] = "dropped"  # what source, supplier or plant lacks is forgotten, or owed
    initial_in_transit: list[PerSku] = []  # units under way when an episode begins, ordered 1, 2, … periods ago


class FulfilmentLane(Part):
    """A way for goods to reach customers: site → channel."""

    source: Annotated[str, Field(alias="from")]
    to: str
    freight: FreightCost = 0.0  # money/unit, or by distance
    capacity: Calendar | None = None  # units/period over its SKUs
    transit_time: Count = 0  # periods; what is shipped now arrives so much later, and may be late
    accept_probability: Probability = 1.0  # chance of a unit's customer to accept this way, in an emergency say


class Correlation(Part):
    """Draws that move together: a common normal factor in each draw of an entry (Gaussian copula)."""

    coefficient: Probability  # correlation of any two draws that share a factor
    across: Literal["channels", "skus", "all"] = "all"  # a factor for each SKU, for each channel, or one in all


class Demand(Part):
    """The demand process of the channels and SKUs that match two name patterns."""

    channel: str = "*"
    sku: str = "*"
    process: DemandProcess
    correlation: Correlation | None = None
    regime: str | None = None  # of `regimes`, whose state multiplies the mean


class Regime(Part):
    """A Markov chain whose state multiplies the mean of demand (Markov-modulated demand)."""

    name: str
    multipliers: Annotated[list[NonNegative], Field(min_length=1)]  # by state
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

    scope: Literal["channel", "shared"] = "shared"
    growth: Positive = 1.01  # multiplier of the multiplier after a period without unmet units
    decay: Positive = 0.9  # and after one with
    cap: Positive = 2.0
    floor: Positive = 0.2

    @model_validator(mode="after")
    def _bounds_hold_one(self) -> Goodwill:
        if not self.floor <= 1.0 <= self.cap:
            raise ValueError(f"floor and cap must hold 1, where goodwill begins, not {self.floor:g} to {self.cap:g}")
        return self


class Horizon(Part):
    """How long an episode lasts and how it ends: a window truncates, a season terminates."""

    kind: Literal["window", "season"] = "window"
    periods: AtLeastOne
    warm_up: Count = 0  # periods that metrics leave out
    discount: Annotated[float, Field(gt=0, le=1)] = 1.0  # per period, on metrics
    discount_rewards: bool = False  # on rewards too


class ObservationGroups(Part):
    """Which named groups of the state a policy's network sees, beside stock on hand (as the records have it)."""

    in_transit: Literal["by_age", "by_lane", "by_site_and_age", "by_site"] = "by_age"
    open_demand: Literal["total", "by_due_period"] = "total"
    by_remaining_life: bool = False  # stock on hand, where goods perish
    demand_history: Count = 0  # periods back
    history_of: Literal["demand", "sales"] = "demand"  # sales, where lost demand is not seen
    calendar: bool = False
    forecast: Count = 0  # periods ahead, mean and standard deviation; informed policies only
    owed: bool = True  # what sources owe, where lanes keep a backlog
    goodwill: bool = False


class RecordedDemand(Part):
    """Recorded demand of consecutive periods, by name, for demand that is resampled or replayed."""

    name: str
    units: dict[str, dict[str, list[NonNegative]]]  # by channel and SKU, the first period first; 0 for what is left out

    @model_validator(mode="after")
    def _equally_long(self) -> RecordedDemand:
        lengths = {len(series) for row in self.units.values() for series in row.values()}
        if len(lengths) != 1:
            raise ValueError(f"units must have one length for all channels and SKUs, not {sorted(lengths)}")
        return self


class DataSource(Part):
    """A reader that fills parts of the scenario from files outside the project."""

    reader: str  # of an installed entry point in the group `allotment.datasets`: iowa_liquor, or one of your own
    folder: str
    options: dict[str, float | int | str | bool] = {}


class KnownValue(Part):
    """A published or computed value that a correct implementation reproduces."""

    policy: str
    value: float  # money per period, in the sign of the objective
    source: str


class Scenario(Part):
    """A world: network, demand, lead times, money, horizon and sequence of events."""

    name: str
    purpose: str = ""
    source: str = ""
    known: list[KnownValue] = []
    seed: Count = 0  # of numbers that the file leaves to chance
    units: Literal["integer", "continuous"] = "integer"
    objective: Literal["profit", "cost"] = "profit"
    horizon: Horizon
    sequence: list[Phase] = list(PHASES)
    decisions: Annotated[list[Literal["orders", "allocation", "protection"]], Field(min_length=1)] = ["orders"]
    rationing: Literal["proportional", "priority", "balanced", "min_shortage"] = "proportional"
    remainder: Literal["largest", "none"] = "largest"
    fulfilment: Literal["priority", "nearest", "fair_share", "first_come"] = "priority"
    data: DataSource | None = None
    skus: Annotated[list[Sku], Field(min_length=1)]
    suppliers: Annotated[list[Supplier], Field(min_length=1)]
    sites: Annotated[list[Site], Field(min_length=1)]
    channels: Annotated[list[Channel], Field(min_length=1)]
    supply_lanes: Annotated[list[SupplyLane], Field(min_length=1)]
    fulfilment_lanes: Annotated[list[FulfilmentLane], Field(min_length=1)]
    distances: dict[str, dict[str, NonNegative]] = {}  # km from a site or supplier to a site or region
    demand: Annotated[list[Demand], Field(min_length=1)]
    regimes: list[Regime] = []
    goodwill: Goodwill | None = None
    histories: list[RecordedDemand] = []
    observation: ObservationGroups = ObservationGroups()
    test: dict[str, object] = {}  # sections that replace this file's own in test worlds

    @model_validator(mode="after")
    def _sequence_is_legal(self) -> Scenario:
        order = {phase: place for place, phase in enumerate(self.sequence)}
        if len(order) != len(self.sequence) or set(order) - {"expire"} != set(PHASES):
            raise ValueError(
                f"sequence must name each of {', '.join(PHASES)} once, and expire at most once, not {self.sequence}"
            )
        if order["fulfil"] < order["demand"]:
            raise ValueError(f"sequence must put fulfil after demand, not {self.sequence}")
        late = [phase for phase in ("decide", "fulfil", "expire") if order.get(phase, -1) > order["charge"]]
        if late:
            raise ValueError(f"sequence must put charge after {late[0]}, not {self.sequence}")
        if order["decide"] > order["fulfil"] and set(self.decisions) - {"orders"}:
            raise ValueError(f"decisions beside orders need a sequence with decide before fulfil, not {self.sequence}")
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
