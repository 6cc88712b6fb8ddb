"""The day of the Brunel data allocated by every rule that applies, by the optimum, and as the company did it.

An order is served whole by one warehouse, so that a day is one unit wanted an order and as many in stock as a warehouse may
serve orders. The value of an option is minus its cost; the optimum serves as many orders as possible, then at the least cost.
Fair shares, quotas, protection levels and re-allocation need what the data does not have: divisible orders, channels' shares,
forecasts, confirmations; and with no priorities, priority before due date is the earliest due date. What the company did takes
the days on record, everything else those of the cheapest rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from allotment.allocation import sequences, sourcing
from allotment.allocation.day import Claims, Day, Flags, Floats, Integers, Options, Pools, reason
from allotment.allocation.program import optimal
from allotment.datasets.brunel.orders import Orders

RULES: dict[str, Callable[[Day], Floats]] = {
    "priority (cheapest first)": sequences.priority,
    "earliest_due": sequences.earliest_due,
    "first_come": sequences.first_come,
    "nearest (least freight)": sequences.nearest,
    "highest_stock": sourcing.highest_stock,
    "sourcing (earliest arrival)": sourcing.sourcing,
}


@dataclass(frozen=True)
class Outcome:
    """What one way to allocate the day comes to."""

    name: str
    served: int  # orders
    over_capacity: int  # orders beyond what their warehouses may serve
    units: float
    freight: float  # money
    handling: float  # money
    late: int  # orders
    days_late: float  # sum over orders
    seconds: float  # to allocate; 0 where nothing was allocated

    @property
    def cost(self) -> float:
        """Return freight and handling, in money."""
        return self.freight + self.handling


def day_of(orders: Orders) -> Day:
    """Return the day: orders as claims of one unit, warehouses as pools of the orders that they may serve."""
    order, warehouse = (axis.ravel() for axis in np.indices(orders.eligible.shape))
    possible = orders.possible.ravel()
    count = len(orders.warehouses)
    no_sku, unreserved = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool)
    return Day(
        claims=Claims.of(np.ones(len(orders.units)), due=orders.due),
        pools=Pools(orders.capacity[:, None], np.arange(count), no_sku, unreserved),
        options=Options.of(
            claim=order,
            pools=warehouse,
            arrival=np.nan_to_num(orders.transit).ravel(),
            value=-np.nan_to_num(orders.cost).ravel(),
            distance=np.nan_to_num(orders.freight).ravel(),
            blocked=np.where(possible, 0, reason("lane")),
        ),
        capacity=np.zeros(0),
    )


def compare(orders: Orders) -> Iterator[Outcome]:
    """Yield the outcomes: the company's, the rules', the optimum, and the cheapest way to serve what the company could."""
    day = day_of(orders)
    within = within_capacity(orders)
    as_it_was = replace(orders, transit=np.broadcast_to(orders.recorded_transit[:, None], orders.transit.shape))
    yield outcome("the company, as it was", as_it_was, orders.recorded, 0.0)
    yield outcome("the company, within capacity", as_it_was, np.where(within, orders.recorded, -1), 0.0)
    for name, rule in RULES.items():
        yield _timed(name, orders, day, rule)
    yield _timed("optimum", orders, day, most_orders)
    same = replace(day, claims=day.claims._replace(wanted=within.astype(float)))
    yield _timed("optimum, the company's orders within capacity", orders, same, most_orders)


def most_orders(day: Day) -> Floats:
    """Return the cheapest of the allocations that serve the most orders; drawn units (O, D)."""
    return optimal(replace(day, claims=day.claims._replace(committed=day.claims.wanted)))


def within_capacity(orders: Orders) -> Flags:
    """Return which orders (orders,) the company's warehouses could serve within capacity: the first listed at each."""
    listed = np.argsort(orders.recorded, kind="stable")
    first = np.searchsorted(orders.recorded[listed], np.arange(len(orders.warehouses)))
    place = np.empty(len(listed), dtype=np.int64)
    place[listed] = np.arange(len(listed)) - first[orders.recorded[listed]]
    return place < orders.capacity[orders.recorded]


def outcome(name: str, orders: Orders, warehouse: Integers, seconds: float) -> Outcome:
    """Return what it comes to when each order (orders,) is served by a warehouse, or by none (-1)."""
    served = np.flatnonzero(warehouse >= 0)
    cells = served, warehouse[served]
    late = np.maximum(orders.transit[cells] - orders.due[served], 0.0)
    used = np.bincount(warehouse[served], minlength=len(orders.warehouses))
    return Outcome(
        name=name,
        served=len(served),
        over_capacity=int(np.maximum(used - orders.capacity, 0.0).sum()),
        units=float(orders.units[served].sum()),
        freight=float(orders.freight[cells].sum()),
        handling=float(orders.handling[cells].sum()),
        late=int((late > 0.0).sum()),
        days_late=float(late.sum()),
        seconds=seconds,
    )


def _timed(name: str, orders: Orders, day: Day, rule: Callable[[Day], Floats]) -> Outcome:
    start = time.perf_counter()
    drawn = rule(day)
    seconds = time.perf_counter() - start
    shipped = drawn.sum(axis=1) > 0.0
    warehouse = np.full(len(orders.units), -1, dtype=np.int64)
    warehouse[day.options.claim[shipped]] = day.options.site[shipped]
    return outcome(name, orders, warehouse, seconds)
