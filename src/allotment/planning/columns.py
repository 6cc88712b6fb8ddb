"""Which columns the tables of a day have, what their cells say, and what tells their rows apart.

A column marked `required` must be there and filled; an empty cell of any other stands for its default. Columns with other
names are not read, unless a name is so close to one of these that it is probably misspelt, which is an error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from allotment.allocation.confirmation import STRATEGIES
from allotment.allocation.day import NEVER

NOT_SAID = math.nan  # another column, or nothing, decides

Kind = Literal["name", "units", "amount", "money", "share", "percent", "number", "day", "hour", "flag", "strategy"]


@dataclass(frozen=True)
class Column:
    """What the cells of a column say."""

    kind: Kind
    required: bool = False
    default: float = 0.0  # of numbers; that of a name is the empty one


@dataclass(frozen=True)
class Layout:
    """The columns of a table, and which of them tell its rows apart: the first set whose first column the table has."""

    columns: dict[str, Column]
    keys: tuple[tuple[str, ...], ...] = ()


WAREHOUSE = Column("name", required=True)
SKU = Column("name")

LAYOUTS = {
    "stock": Layout(
        {
            "warehouse": WAREHOUSE,
            "sku": SKU,
            "on_hand": Column("units", required=True),
            "safety_stock": Column("units"),  # that is not given to another warehouse
        },
        keys=(("warehouse", "sku"),),
    ),
    "demand": Layout(  # what a channel asks for in a region, or order lines
        {
            "order": Column("name"),
            "channel": Column("name"),
            "region": Column("name"),
            "sku": SKU,
            "demand": Column("units", required=True),
            "committed": Column("units"),
            "confirmed": Column("units"),
            "strategy": Column("strategy", default=STRATEGIES.index("redistribute")),  # on re-allocation of what is confirmed
            "weight": Column("number", default=NOT_SAID),  # of a fair share; the demand where there is none
            "unit_margin": Column("money", default=NOT_SAID),  # money/unit, instead of the channel's
            "priority": Column("number", default=NOT_SAID),  # 1 is served first, instead of the channel's
            "ordered": Column("day"),
            "due": Column("day", default=NEVER),
            "max_lateness": Column("number", default=NEVER),  # days; late rather than never where it is not said
            "ship_from": Column("day"),  # the first day on which anything may leave
            "ship_by": Column("day", default=NEVER),  # the last
            "minimum": Column("units"),  # the smallest shipment
        },
        keys=(("order", "sku"), ("channel", "region", "sku"), ("region", "sku"), ("sku",)),
    ),
    "lanes": Layout(  # which warehouse serves whom; all serve all without this table
        {
            "warehouse": WAREHOUSE,
            "region": Column("name"),
            "channel": Column("name"),
            "km": Column("amount"),
            "freight": Column("amount", default=NOT_SAID),  # money/unit, instead of the channel's rate × km
            "transit": Column("number"),  # days
            "cut_off": Column("hour", default=24.0),  # after which nothing leaves today
            "priority": Column("number", default=NEVER),  # of the warehouse for the region, 1 is asked first
        },
        keys=(("warehouse", "region", "channel"),),
    ),
    "transport": Layout(
        {"warehouse": WAREHOUSE, "channel": Column("name"), "outbound_capacity": Column("units", required=True)},  # a day
        keys=(("warehouse", "channel"),),
    ),
    "channels": Layout(
        {
            "channel": Column("name", required=True),
            "unit_margin": Column("money"),  # money/unit
            "otif": Column("share", default=1.0),  # past on-time-in-full rate
            "freight_per_unit_km": Column("amount"),  # money
            "priority": Column("number", default=NEVER),
            "quota": Column("percent", default=NOT_SAID),  # of what each warehouse has
            "forecast": Column("amount"),  # mean demand still to come, units of each SKU
            "forecast_deviation": Column("amount"),
        },
        keys=(("channel",),),
    ),
    "receipts": Layout(
        {
            "warehouse": WAREHOUSE,
            "sku": SKU,
            "arrives": Column("day", required=True),
            "units": Column("units", required=True),
        },
    ),
    "reservations": Layout(  # of an order (hard) or of a channel (soft)
        {
            "order": Column("name"),
            "channel": Column("name"),
            "warehouse": WAREHOUSE,
            "sku": SKU,
            "requested": Column("units", default=NOT_SAID),  # what is reserved where it is not said
            "reserved": Column("units", required=True),
            "delivered": Column("units"),
            "cancelled": Column("flag"),
            "expires": Column("day", default=NEVER),  # the last day of a channel's
        },
        keys=(("order", "channel", "warehouse", "sku"), ("channel", "warehouse", "sku")),
    ),
    "offers": Layout(
        {
            "supplier": Column("name", required=True),
            "sku": SKU,
            "unit_cost": Column("amount", required=True),  # money/unit
            "lead_time": Column("number", required=True),  # days
            "minimum": Column("units"),  # of an order
            "capacity": Column("units", default=NEVER),
        },
        keys=(("supplier", "sku"),),
    ),
}
