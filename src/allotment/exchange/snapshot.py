"""A snapshot: what a planner knows of a world at a decision, by name. The same facts as an observation, as one would send them.

It is checked in two steps: by its own types (units are finite and not negative), and against a world (every name is known,
every site and SKU is there). Each error names the field.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticKnownError

from allotment.scenario.errors import ScenarioError, explain

MOST_UNITS = 1e9
MOST_MONEY = 1e12
LARGEST_MEMORY = 1e6
MOST_PERIODS = 1_000_000
LONGEST_FORECAST = LONGEST_HISTORY = 366  # periods; of history as many as the world keeps, where that is more
MOST_ENTRIES = 100_000  # of one list
MOST_KEYS = 100  # of one entry, known and unknown


def _whole(value: Any) -> Any:
    """Take 4.0 for 4: JSON does not tell them apart."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _number(value: Any) -> Any:
    """Take Python's and NumPy's numbers, and not whatever can be turned into one."""
    if type(value) in (float, int) or isinstance(value, float | int | np.floating | np.integer):
        return value
    raise PydanticKnownError("float_type")


Units = Annotated[float, Field(ge=0, le=MOST_UNITS, allow_inf_nan=False), BeforeValidator(_number)]
Number = Annotated[float, Field(ge=-LARGEST_MEMORY, le=LARGEST_MEMORY, allow_inf_nan=False), BeforeValidator(_number)]
Periods = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=MOST_PERIODS)]
Date = Annotated[int, BeforeValidator(_whole), Field(ge=-MOST_PERIODS, le=MOST_PERIODS)]
AtLeastOne = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=MOST_PERIODS)]


def _at_most(entries: int, description: str) -> Any:
    return Field(fail_fast=True, max_length=entries, description=description)


class SnapshotError(ScenarioError):
    """A snapshot that cannot be used; the message names the field, what was seen and what is allowed."""


class Part(BaseModel):
    """A frozen piece of a snapshot that refuses unknown keys and silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _few_keys(cls, content: Any) -> Any:
        """Refuse too many keys as one fault: each unknown one would be another."""
        if isinstance(content, dict) and len(content) > MOST_KEYS:
            raise ValueError(f"must have at most {MOST_KEYS} keys, not {len(content)}")
        return content


class InTransit(Part):
    """Units on their way to a site, ordered in one period."""

    source: Annotated[str, Field(alias="from", description="supplier or site that ships them")]
    to: Annotated[str, Field(description="site they are on their way to")]
    sku: str
    units: Units
    age: Annotated[AtLeastOne | None, Field(description="periods since they were ordered")] = None
    life: Annotated[
        AtLeastOne | None, Field(description="periods on sale left, where goods perish; all of them if left out")
    ] = None
    promised: Annotated[Periods | None, Field(description="periods until promised to arrive, instead of the age")] = None

    @model_validator(mode="after")
    def _age_or_promise(self) -> InTransit:
        if (self.age is None) == (self.promised is None):
            raise ValueError("must state either age or promised")
        return self


class OpenDemand(Part):
    """Units that a channel has ordered and not received yet."""

    channel: str
    sku: str
    units: Units
    due: Annotated[
        Date | None, Field(description="periods until it is due, negative where late; as the latest orders where left out")
    ] = None


class Owed(Part):
    """Units that a source has accepted to ship and has not, on a lane that keeps a backlog."""

    source: Annotated[str, Field(alias="from")]
    to: str
    sku: str
    units: Units


Money = Annotated[float, Field(ge=-MOST_MONEY, le=MOST_MONEY, allow_inf_nan=False), BeforeValidator(_number)]
Amount = Annotated[float, Field(ge=0, le=MOST_MONEY, allow_inf_nan=False), BeforeValidator(_number)]
Due = Annotated[list[Amount], Field(fail_fast=True, max_length=MOST_ENTRIES)]


class Unpaid(Owed):
    """Units that have come in since the last period was closed, on a lane that is paid for on receipt."""


class Balances(Part):
    """Where the cash of a world with a treasury stands."""

    cash: Annotated[Money, Field(description="money in cash")]
    debt: Annotated[Amount, Field(description="money drawn on the credit line")] = 0.0
    payables: Annotated[
        dict[str, Due], Field(description="money owed to each supplier, by settlements until it is paid, the next one first")
    ] = {}
    receivables: Annotated[
        dict[str, Due], Field(description="money that each channel owes, by settlements until it is paid, the next one first")
    ] = {}
    unpaid: Annotated[
        list[Unpaid], _at_most(MOST_ENTRIES, "received and not booked yet, where goods are paid for on receipt")
    ] = []
    budgets: Annotated[
        dict[str, Amount], Field(description="money left of each budget; may be left out where a budget period begins")
    ] = {}


class PastDemand(Part):
    """What a channel demanded in past periods."""

    channel: str
    sku: str
    units: Annotated[list[Units], _at_most(MOST_ENTRIES, "by period, the latest first")]


class ForecastPeriod(Part):
    """What is expected of one period."""

    mean: Units
    deviation: Annotated[Units, Field(description="standard deviation")]


class Forecast(Part):
    """What a channel is expected to demand, instead of what the world's own demand process says."""

    channel: str
    sku: str
    periods: Annotated[list[ForecastPeriod], Field(min_length=1), _at_most(LONGEST_FORECAST, "the coming one first")]


class Snapshot(Part):
    """What is known of a world when a decision is due. Of each list the first fault is told, so that there are never many."""

    period: Annotated[Periods, Field(description="periods since the world's calendar (its season of demand) began")]
    stock: Annotated[
        dict[str, dict[str, Units | Annotated[list[Units], Field(fail_fast=True, max_length=MOST_ENTRIES)]]],
        Field(
            description="units on hand by site and SKU; of what perishes a number (fresh), or a list by periods on sale left"
        ),
    ]
    in_transit: Annotated[list[InTransit], _at_most(MOST_ENTRIES, "ordered and not received yet")] = []
    open_demand: Annotated[list[OpenDemand], _at_most(MOST_ENTRIES, "ordered by customers and not shipped yet")] = []
    owed: Annotated[list[Owed], _at_most(MOST_ENTRIES, "accepted by sources and not shipped yet")] = []
    goodwill: Annotated[
        dict[str, Number], Field(description="by channel, 1 where left out; needed where the policy observes it")
    ] = {}
    demand_history: Annotated[
        list[PastDemand], _at_most(MOST_ENTRIES, "needed where the policy observes it; 0 where left out")
    ] = []
    treasury: Annotated[Balances | None, Field(description="needed in worlds with a treasury")] = None
    forecast: Annotated[
        list[Forecast], _at_most(MOST_ENTRIES, "instead of the world's own, for the channels and SKUs named")
    ] = []
    memory: Annotated[
        Annotated[list[Number], Field(fail_fast=True, max_length=MOST_ENTRIES)] | None,
        Field(description="the last plan's memory; none for a first decision"),
    ] = None


def as_snapshot(content: Snapshot | dict[str, Any], where: str = "snapshot") -> Snapshot:
    """Return a snapshot from the content of a JSON object; `SnapshotError` names the field that is wrong."""
    if isinstance(content, Snapshot):
        return content
    try:
        return Snapshot.model_validate(content)
    except ValidationError as error:
        raise SnapshotError(explain(error, content, Snapshot, where)) from None
