"""Which columns the tables of a day have, what their cells say, and what tells their rows apart.

A column marked `required` must be there and filled. In any other an empty cell is unknown and never counts in its row's favour:
a quantity is none, a date or a limit is not set, and of what rows are compared by (a priority, a distance, a margin) it is the
worst that the column has. What was assumed is told. Headers match whatever their case, blanks, hyphens and underscores. Columns
with other names are not read, which is told too, unless a name is so close to one of these, or so common a word for it, that it
is probably meant for it, which is an error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from allotment.allocation.confirmation import STRATEGIES
from allotment.allocation.day import NEVER

NOT_SAID = math.nan  # another column, or nothing, decides

Kind = Literal["name", "units", "level", "amount", "money", "share", "percent", "number", "day", "hour", "flag", "strategy"]
Worst = Literal["lowest", "highest"]


@dataclass(frozen=True)
class Column:
    """What the cells of a column say."""

    kind: Kind
    required: bool = False
    default: float = 0.0  # what an empty cell of numbers stands for; that of a name is the empty one
    worst: Worst | None = None  # it stands for the lowest or the highest of the column instead
    empty: str = ""  # the same in words, where they are not the number itself


@dataclass(frozen=True)
class Layout:
    """The columns of a table, and which of them tell its rows apart: the first set whose first column the table has."""

    columns: dict[str, Column]
    keys: tuple[tuple[str, ...], ...] = ()
    synonyms: dict[str, str] | None = None  # words that are not read, and the column that they are probably meant for
    summed: str | None = None  # the units that a row of totals would repeat
    several: bool = False  # rows may have the same keys
    either: tuple[str, ...] = ()  # each row has one of these


WAREHOUSE = Column("name", required=True)
SKU = Column("name")
NAMES = {
    **dict.fromkeys(
        ("item", "items", "itemno", "article", "articleno", "articlenumber", "product", "material", "skuid"), "sku"
    ),
    **dict.fromkeys(("location", "site", "depot", "wh", "warehouseid"), "warehouse"),
    **dict.fromkeys(("orderid", "orderno", "ordernumber", "salesorder"), "order"),
}
QUANTITIES = ("qty", "quantity", "amount", "pieces", "pcs")


def meant(units: str, *dates: tuple[str, str]) -> dict[str, str]:
    """Return common words for a table's columns: for its units, and for its dates."""
    return {**NAMES, **dict.fromkeys(QUANTITIES, units), **dict(dates)}


NO_DATE = "no such date"
OTHERS_LAST = "last"

LAYOUTS = {
    "stock": Layout(
        {
            "warehouse": WAREHOUSE,
            "sku": SKU,
            "on_hand": Column("level", required=True),
            "safety_stock": Column("units"),  # that is not given to another warehouse
        },
        keys=(("warehouse", "sku"),),
        synonyms=meant("on_hand"),
        summed="on_hand",
    ),
    "demand": Layout(  # what a channel asks for in a region, or order lines
        {
            "order": Column("name"),
            "line": Column("name"),  # of the order, where it asks for a SKU on several
            "channel": Column("name"),
            "region": Column("name"),
            "sku": SKU,
            "demand": Column("units", required=True),
            "committed": Column("units"),
            "confirmed": Column("units"),
            "strategy": Column(
                "strategy", default=STRATEGIES.index("redistribute"), empty="redistribute"
            ),  # on re-allocation of what is confirmed
            "weight": Column("number", default=NOT_SAID, empty="the demand"),  # of a fair share; the demand where there is none
            "unit_margin": Column(
                "money", default=NOT_SAID, empty="the channel's, else the lowest"
            ),  # money/unit, instead of the channel's
            "priority": Column(
                "number", default=NOT_SAID, empty="the channel's, else last"
            ),  # 1 is served first, instead of the channel's
            "ordered": Column("day", default=NEVER, empty="after all others"),
            "due": Column("day", default=NEVER, empty=NO_DATE),
            "max_lateness": Column(
                "number", default=NEVER, empty="as late as need be"
            ),  # days; late rather than never where it is not said
            "ship_from": Column("day", empty="today"),  # the first day on which anything may leave
            "ship_by": Column("day", default=NEVER, empty=NO_DATE),  # the last
            "minimum": Column("units"),  # the smallest shipment
        },
        keys=(("order", "line", "sku"), ("channel", "region", "sku"), ("region", "sku"), ("sku",)),
        synonyms=meant(
            "demand", ("duedate", "due"), ("deliverydate", "due"), ("requireddate", "due"), ("orderdate", "ordered")
        ),
        summed="demand",
    ),
    "lanes": Layout(  # which warehouse serves whom; all serve all without this table
        {
            "warehouse": WAREHOUSE,
            "region": Column("name"),
            "channel": Column("name"),
            "km": Column("amount", worst="highest"),
            "freight": Column(
                "amount", default=NOT_SAID, empty="the channel's rate × km, else the highest"
            ),  # money/unit, instead of the channel's rate × km
            "transit": Column("number", worst="highest"),  # days
            "cut_off": Column("hour", worst="lowest"),  # after which nothing leaves today
            "priority": Column("number", default=NEVER, empty=OTHERS_LAST),  # of the warehouse for the region, 1 is asked first
        },
        keys=(("warehouse", "region", "channel"),),
        synonyms={**NAMES, "distance": "km", "distancekm": "km", "leadtime": "transit", "cost": "freight"},
    ),
    "transport": Layout(
        {"warehouse": WAREHOUSE, "channel": Column("name"), "outbound_capacity": Column("units", required=True)},  # a day
        keys=(("warehouse", "channel"),),
        synonyms=meant("outbound_capacity", ("capacity", "outbound_capacity")),
        summed="outbound_capacity",
    ),
    "channels": Layout(
        {
            "channel": Column("name", required=True),
            "unit_margin": Column("money", worst="lowest"),  # money/unit
            "otif": Column("share", worst="lowest"),  # past on-time-in-full rate
            "freight_per_unit_km": Column("amount", worst="highest"),  # money
            "priority": Column("number", default=NEVER, empty=OTHERS_LAST),
            "quota": Column(
                "percent", default=NOT_SAID, empty="a share of what the others leave"
            ),  # of what each warehouse has
            "forecast": Column("amount"),  # mean demand still to come, units of each SKU
            "forecast_deviation": Column("amount"),
        },
        keys=(("channel",),),
        synonyms={"margin": "unit_margin"},
    ),
    "receipts": Layout(
        {
            "warehouse": WAREHOUSE,
            "sku": SKU,
            "arrives": Column("day", required=True),
            "units": Column("units", required=True),
        },
        keys=(("warehouse", "sku"),),
        synonyms=meant("units", ("date", "arrives"), ("arrivaldate", "arrives"), ("eta", "arrives"), ("duedate", "arrives")),
        summed="units",
        several=True,
    ),
    "reservations": Layout(  # of an order (hard) or of a channel (soft)
        {
            "order": Column("name"),
            "channel": Column("name"),
            "warehouse": WAREHOUSE,
            "sku": SKU,
            "requested": Column("units", default=NOT_SAID, empty="what is reserved"),  # what is reserved where it is not said
            "reserved": Column("units", required=True),
            "delivered": Column("units"),
            "cancelled": Column("flag", empty="no"),
            "expires": Column("day", default=NEVER, empty=NO_DATE),  # the last day of a channel's
        },
        keys=(("order", "channel", "warehouse", "sku"), ("channel", "warehouse", "sku")),
        synonyms=meant("reserved"),
        summed="reserved",
        either=("order", "channel"),
    ),
    "offers": Layout(
        {
            "supplier": Column("name", required=True),
            "sku": SKU,
            "unit_cost": Column("amount", required=True),  # money/unit
            "lead_time": Column("number", required=True),  # days
            "minimum": Column("units"),  # of an order
            "capacity": Column("units", default=NEVER, empty="no limit"),
        },
        keys=(("supplier", "sku"),),
        synonyms={**NAMES, "price": "unit_cost", "cost": "unit_cost", "moq": "minimum"},
    ),
}
