"""What a scenario file may say: the typed parts of a world.

Every part forbids unknown keys and carries the unit of each number. A value written `PerSku` is one number for all
stock-keeping units or a mapping from SKU name patterns to numbers; the most specific pattern wins.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from allotment.scenario.processes import DemandProcess, LeadTime

Phase = Literal["receive", "decide", "demand", "fulfil", "charge"]
PHASES: tuple[Phase, ...] = ("receive", "decide", "demand", "fulfil", "charge")
LISTS = ("skus", "suppliers", "sites", "channels", "supply_lanes", "fulfilment_lanes", "demand")  # sections of named parts

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]
PerSku = NonNegative | dict[str, NonNegative]
PositivePerSku = Positive | dict[str, Positive]
AnyPerSku = Annotated[float, Field(allow_inf_nan=False)] | dict[str, Annotated[float, Field(allow_inf_nan=False)]]


class Part(BaseModel):
    """A frozen piece of a scenario that refuses unknown keys and silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def _holds_keys_of(part: type[Part]) -> Discriminator:
    """Tell a part that is written as a mapping from numbers by SKU: it says at least one key of the part."""

    def name_of_branch(value: object) -> str:
        of_part = isinstance(value, part) or (isinstance(value, dict) and not value.keys().isdisjoint(part.model_fields))
        return part.__name__ if of_part else "PerSku"

    return Discriminator(name_of_branch)


class Sku(Part):
    """A stock-keeping unit."""

    name: str
    unit_cost: NonNegative = 0.0  # money/unit
    price: NonNegative = 0.0  # money/unit
    case_pack: Positive = 1.0  # units; the default order multiple of supplier lanes


class Supplier(Part):
    """A source outside the network."""

    name: str
    capacity: NonNegative | None = None  # units/period over its lanes and SKUs; none = unlimited


class HoldingRate(Part):
    """Holding cost as a rate on the SKU's unit cost."""

    rate: NonNegative  # 1/period


HoldingCost = Annotated[
    Annotated[HoldingRate, Tag("HoldingRate")] | Annotated[PerSku, Tag("PerSku")], _holds_keys_of(HoldingRate)
]


class Site(Part):
    """A place that holds stock."""

    name: str
    kind: Literal["warehouse", "store"] = "warehouse"
    initial_stock: PerSku = 0.0  # units
    holding_cost: HoldingCost = 0.0  # money/unit/period
    handling: NonNegative | None = None  # units shipped out per period, transfers and customer orders together
    salvage: AnyPerSku = 0.0  # money/unit left at the end of a season


class Channel(Part):
    """A class of customer demand, usually a sales channel in a region."""

    name: str
    region: str | None = None
    priority: Annotated[int, Field(ge=1)] = 1  # 1 is served first
    price: PerSku | None = None  # money/unit; none = the SKU's price
    unmet: Literal["lost", "backorder"] = "lost"
    shortage_cost: PerSku = 0.0  # money/unit lost
    backorder_cost: PerSku = 0.0  # money/unit/period on every unit still open at `charge`
    fulfilment_history: Probability = 1.0  # past on-time-in-full rate
    salvage: AnyPerSku = 0.0  # money/unit still open at the end of a season


class Freight(Part):
    """Freight as a base plus a rate on the distance between the lane's ends."""

    base: PerSku = 0.0  # money/unit
    per_km: NonNegative = 0.0  # money/unit/km


FreightCost = Annotated[Annotated[Freight, Tag("Freight")] | Annotated[PerSku, Tag("PerSku")], _holds_keys_of(Freight)]


class SupplyLane(Part):
    """A way for goods to reach a site: supplier → site, or site → site (a transfer)."""

    source: Annotated[str, Field(alias="from")]
    to: str
    skus: list[str] | None = None  # SKU name patterns; none = all
    lead_time: Annotated[int, Field(ge=0)] | LeadTime = 0  # periods
    unit_cost: PerSku | None = None  # money/unit; none = the SKU's unit cost from a supplier, 0 between sites
    freight: FreightCost = 0.0  # money/unit, or by distance
    fixed_cost: NonNegative = 0.0  # money per period with a shipment
    line_cost: PerSku = 0.0  # money per period and SKU with a shipment
    capacity: NonNegative | None = None  # units/period over its SKUs
    minimum: PerSku = 0.0  # units per SKU; a smaller shipment is dropped
    multiple: PositivePerSku | None = None  # units; none = the SKU's case pack from a supplier, 1 between sites
    in_transit_cost: PerSku = 0.0  # money/unit/period
    priority: Annotated[int, Field(ge=1)] = 1  # 1 is supplied first


class FulfilmentLane(Part):
    """A way for goods to reach customers: site → channel."""

    source: Annotated[str, Field(alias="from")]
    to: str
    freight: FreightCost = 0.0  # money/unit, or by distance
    capacity: NonNegative | None = None  # units/period over its SKUs


class Demand(Part):
    """The demand process of the channels and SKUs that match two name patterns."""

    channel: str = "*"
    sku: str = "*"
    process: DemandProcess


class Horizon(Part):
    """How long an episode lasts and how it ends: a window truncates, a season terminates."""

    kind: Literal["window", "season"] = "window"
    periods: Annotated[int, Field(ge=1)]
    warm_up: Annotated[int, Field(ge=0)] = 0  # periods that metrics leave out
    discount: Annotated[float, Field(gt=0, le=1)] = 1.0  # per period, on metrics


class ObservationGroups(Part):
    """Which named groups of the state a policy's network sees, beside stock on hand."""

    outstanding: Literal["by_age", "by_lane", "by_site_and_age", "by_site"] = "by_age"
    demand_history: Annotated[int, Field(ge=0)] = 0  # periods back
    calendar: bool = False
    forecast: Annotated[int, Field(ge=0)] = 0  # periods ahead, mean and standard deviation; informed policies only


class DataSource(Part):
    """A reader that fills parts of the scenario from files outside the project."""

    reader: Literal["iowa_liquor"]
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
    units: Literal["integer", "continuous"] = "integer"
    objective: Literal["profit", "cost"] = "profit"
    horizon: Horizon
    sequence: list[Phase] = list(PHASES)
    rationing: Literal["proportional", "priority"] = "proportional"
    remainder: Literal["largest", "none"] = "largest"
    fulfilment: Literal["priority", "nearest"] = "priority"
    data: DataSource | None = None
    skus: Annotated[list[Sku], Field(min_length=1)]
    suppliers: Annotated[list[Supplier], Field(min_length=1)]
    sites: Annotated[list[Site], Field(min_length=1)]
    channels: Annotated[list[Channel], Field(min_length=1)]
    supply_lanes: Annotated[list[SupplyLane], Field(min_length=1)]
    fulfilment_lanes: Annotated[list[FulfilmentLane], Field(min_length=1)]
    distances: dict[str, dict[str, NonNegative]] = {}  # km from a site or supplier to a site or region
    demand: Annotated[list[Demand], Field(min_length=1)]
    observation: ObservationGroups = ObservationGroups()
    test: dict[str, object] = {}  # sections that replace this file's own in test worlds

    @model_validator(mode="after")
    def _sequence_is_legal(self) -> Scenario:
        order = {phase: place for place, phase in enumerate(self.sequence)}
        if sorted(order) != sorted(PHASES) or len(self.sequence) != len(PHASES):
            raise ValueError(f"sequence must name each of {', '.join(PHASES)} once, not {self.sequence}")
        if order["fulfil"] < max(order["demand"], order["decide"]):
            raise ValueError(f"sequence must put fulfil after demand and decide, not {self.sequence}")
        if self.sequence[-1] != "charge":
            raise ValueError(f"sequence must end with charge, not {self.sequence}")
        return self
