"""A plan: what to order, transfer and ship now, by name. Every quantity can be executed against the snapshot it answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A frozen piece of a plan."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class PolicyVersion(Part):
    """Which policy answered."""

    name: str
    kind: Annotated[str, Field(description="learned or rule-based")]
    version: Annotated[str, Field(description="digest of the policy's bundle")]


class Order(Part):
    """Units to order from a supplier, or to move from one site to another."""

    source: Annotated[str, Field(alias="from")]
    to: str
    sku: str
    units: Annotated[float, Field(description="what can be executed; whole where the world's units are")]
    requested: Annotated[float, Field(description="what the policy asked for")]
    reason: Annotated[str, Field(description="why less than requested, empty where nothing was cut")]


class Shipment(Part):
    """Units to ship to a channel now, of what it has ordered so far."""

    source: Annotated[str, Field(alias="from")]
    to: str
    sku: str
    units: float


class Reservation(Part):
    """Units to set aside for a channel in this period, before its demand is known."""

    site: str
    channel: str
    sku: str
    units: float
    requested: Annotated[float, Field(description="what the policy asked for")]


class Protection(Part):
    """Units that channels of a lower priority than this one may not use in this period."""

    site: str
    priority: int
    sku: str
    units: float


class Spending(Part):
    """What a budget pays for in this plan."""

    budget: Annotated[str, Field(description="its name: the group of SKUs, the region of sites, or both")]
    amount: Annotated[float, Field(description="money that it had for orders now")]
    spent: Annotated[float, Field(description="money that they take, in purchase prices")]


class Unmet(Part):
    """Units of open demand that cannot be shipped now."""

    channel: str
    sku: str
    units: float
    reason: Annotated[str, Field(description="no_stock where no site that serves the channel has any left, else capacity")]


class Plan(Part):
    """What to do now."""

    policy: PolicyVersion
    period: int
    orders: list[Order]
    shipments: list[Shipment]
    unmet: list[Unmet]
    reservations: list[Reservation] = []
    protection: list[Protection] = []
    budgets: list[Spending] = []
    memory: Annotated[list[float] | None, Field(description="to be sent with the next snapshot, where the policy remembers")]
