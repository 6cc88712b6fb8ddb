"""From matched tables to the arrays that the rules read: claims, pools, and every way of serving a claim.

Each lane of a claim is an option on the first day on which anything may leave, and again on each later day on which its
warehouse receives the SKU. What leaves or arrives too late is kept as an option that is blocked, for the reason's sake.
"""

from __future__ import annotations

import numpy as np

from allotment.allocation.day import NEVER, NONE, Claims, Day, Flags, Floats, Integers, Options, Pools, reason
from allotment.allocation.deadlines import first_departure, misses_deadline
from allotment.planning.checking import MOST_OPTIONS, MOST_PLACES, check_size
from allotment.planning.lanes import Lanes, lanes_of, transport_of
from allotment.planning.matching import Book
from allotment.planning.reservations import Holdings, arrivals, holdings_of, orders_of, pools_of


def assemble(book: Book, ignore: frozenset[str] = frozenset()) -> tuple[Day, Floats]:
    """Return the day, with the factors to ignore left out, and the days (T,) of its dates, counted from today."""
    places = {"warehouses": len(book.warehouses), "SKUs": len(book.skus)}
    check_size("places", MOST_PLACES, **places)
    lanes, holdings = lanes_of(book, ignore), holdings_of(book)
    leaves = np.maximum(first_departure(0.0, book.now, lanes.cut_off), _days(book, "ship_from", 0.0)[lanes.claim])
    days = np.unique(np.concatenate([[0.0], leaves, arrivals(book) if "receipts" in book.tables else []]))
    check_size("places and dates", MOST_PLACES, **places, dates=len(days))
    pools = pools_of(book, holdings, days)
    pair, date = _departures(book, lanes, leaves, days, pools)
    claim, site = lanes.claim[pair], lanes.site[pair]
    arrival = days[date] + lanes.transit[pair]
    limit_of, capacity = transport_of(book, ignore)
    check_size("limits of carriers", MOST_PLACES, capacities=len(capacity), dates=len(days))
    limit = limit_of[site, book.channel[claim]]
    options = Options.of(
        claim=claim,
        pools=_drawn_on(book, holdings, claim, site),
        site=site,
        date=date,
        arrival=arrival,
        limits=np.where(limit >= 0, limit * len(days) + date, NONE) if len(capacity) else None,
        value=lanes.value[pair],
        distance=lanes.distance[pair],
        preference=lanes.preference[pair],
        blocked=np.where(_too_late(book, claim, days[date], lanes.transit[pair]), reason("deadline"), 0),
    )
    return Day(_claims(book, ignore), pools, options, np.repeat(capacity, len(days)), book.whole), days


def _claims(book: Book, ignore: frozenset[str]) -> Claims:
    demand, channels = book.demand, book.tables.get("channels")
    wanted, weight, own = (demand.number(name, np.nan) for name in ("demand", "weight", "priority"))
    unknown = NEVER if "priority" in demand.numbers else 0.0  # comes last where others say it
    channel_priority = np.full(len(book.channels), unknown) if channels is None else channels.number("priority", unknown)
    return Claims.of(
        wanted=wanted,
        committed=0.0 if "commitments" in ignore else demand.number("committed", 0.0),
        minimum=demand.number("minimum", 0.0),
        weight=np.where(np.isnan(weight), wanted, weight),
        priority=np.where(np.isnan(own), channel_priority[book.channel], own),
        due=_days(book, "due", NEVER),
        ordered=_days(book, "ordered", NEVER if "ordered" in demand.days else 0.0),
        channel=book.channel,
    )


def _days(book: Book, column: str, default: float) -> Floats:
    """Return a column of days of the demand, counted from today (claims,)."""
    return book.clock.offsets(book.demand.days.get(column, [None] * book.demand.rows), default)


def _departures(book: Book, lanes: Lanes, leaves: Floats, days: Floats, pools: Pools) -> tuple[Integers, Integers]:
    """Return the lane and the date of each option, lane by lane, and date by date on each."""
    if len(days) == 1:
        return np.arange(len(leaves)), np.zeros(len(leaves), dtype=np.int64)
    check_size("ways of serving them", 10 * MOST_OPTIONS, rows_of_demand_and_warehouses=len(leaves), dates=len(days))
    receives = pools.supply[lanes.site * len(book.skus) + book.sku[lanes.claim]] > 0.0
    possible = (days == leaves[:, None]) | ((days > leaves[:, None]) & receives)
    check_size("ways of serving demand", MOST_OPTIONS, dates_of_rows_and_warehouses=int(possible.sum()))
    pair, date = np.nonzero(possible)
    return pair, date


def _too_late(book: Book, claim: Integers, ships: Floats, transit: Floats) -> Flags:
    due, last_day = _days(book, "due", NEVER), _days(book, "ship_by", NEVER)
    lateness = book.demand.number("max_lateness", NEVER)
    return misses_deadline(ships, transit, due[claim], lateness[claim], last_day[claim])


def _drawn_on(book: Book, holdings: Holdings, claim: Integers, site: Integers) -> Integers:
    """Return the pools of each option: what is reserved for its order, then for its channel, then the free stock."""
    place = site * len(book.skus) + book.sku[claim]
    if not len(holdings.held):
        return place[:, None]
    own = [
        _reserved(holdings, holdings.hard, orders_of(book)[claim], place, book),
        _reserved(holdings, ~holdings.hard, book.channel[claim], place, book),
    ]
    return np.column_stack([*own, place])


def _reserved(holdings: Holdings, kind: Flags, owner: Integers, place: Integers, book: Book) -> Integers:
    """Return for owners (O,) and places (O,) the pool of the reservation of a kind, NONE where there is none."""
    places = len(book.warehouses) * len(book.skus)
    rows = np.flatnonzero(kind & (holdings.owner >= 0))
    keys = holdings.owner[rows] * places + holdings.site[rows] * len(book.skus) + holdings.sku[rows]
    found = {key: places + row for key, row in zip(keys.tolist(), rows.tolist(), strict=True)}
    return np.array([found.get(key, NONE) for key in (owner * places + place).tolist()], dtype=np.int64).reshape(-1)
