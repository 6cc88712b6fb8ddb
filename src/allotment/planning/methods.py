"""The ways to allocate a day, by name, and which columns of the tables each needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from allotment import extensions
from allotment.allocation.confirmation import BrokenGuarantee, reallocate
from allotment.allocation.day import Day, Floats
from allotment.allocation.methods import Method
from allotment.allocation.protection import emsr_b, protected
from allotment.allocation.quotas import quota
from allotment.allocation.rules import BY_QUOTA, RULES, most_value
from allotment.planning.checking import MOST_PAIRS, MOST_PLACES, check_size
from allotment.planning.lanes import knows_margins
from allotment.planning.matching import Book
from allotment.scenario.errors import ScenarioError


@dataclass(frozen=True)
class Allocation:
    """A rule, the columns that it cannot do without, and the reason why it gives a claim less than it could."""

    allocate: Callable[[Day, Book], Floats]
    needs: tuple[tuple[str, str], ...] = ()  # (table, column)
    reason: str = "unprofitable"


def method(name: str, book: Book) -> Allocation:
    """Return a method by its name, or a user's own rule; `ScenarioError` where there is none, or columns are missing."""
    if name not in METHODS:
        return _rule(extensions.find("allocation rule", name, METHODS, "method"))
    for kind, column in METHODS[name].needs:
        table = book.tables.get(kind)
        if table is None:
            raise ScenarioError(f"method {name} needs a table of {kind} with the column {column}")
        if column not in table.numbers:
            raise ScenarioError(f"{table.source}: column {column} is missing; method {name} needs it")
    return METHODS[name]


def _by_quota(borrowing: bool) -> Callable[[Day, Book], Floats]:
    def allocate(day: Day, book: Book) -> Floats:
        channels = book.tables["channels"]
        percent = channels.numbers["quota"]
        if np.nansum(percent) > 100.0 + 1e-9:
            raise ScenarioError(
                f"{channels.source}: column quota sums to {np.nansum(percent):g}; at most 100 percent can be given"
            )
        if 0.0 < np.nansum(percent) <= 1.0:
            row = int(np.nanargmax(percent))
            hint = f"of all quotas together is {np.nansum(percent):g} percent; write 60 for 60 percent"
            raise channels.fault(row, "quota", f"{percent[row]:g} {hint}")
        check_size("quotas", MOST_PLACES, channels=len(percent), places=len(day.pools.site))
        return quota(day, percent, borrowing)

    return allocate


def _protected(day: Day, book: Book) -> Floats:
    """Protect forecasts of channels with a higher margin × past on-time-in-full rate by EMSR-b (Littlewood's rule for two)."""
    channels = book.tables["channels"]
    fare = channels.numbers["unit_margin"] * channels.number("otif", 1.0)
    if (fare <= 0.0).any():
        row = int(np.flatnonzero(fare <= 0.0)[0])
        raise channels.fault(row, "unit_margin", f"times otif must be > 0 for protection levels, not {fare[row]:g}")
    order = np.argsort(-fare, kind="stable")
    rank = np.empty(len(fare), dtype=np.int64)
    rank[order] = np.arange(len(fare))
    check_size("protected shares", MOST_PAIRS, channels=len(fare), ways_of_serving_demand=len(day.options.claim))
    mean, deviation = channels.numbers["forecast"], channels.numbers["forecast_deviation"]
    return protected(day, emsr_b(mean[order], deviation[order], fare[order]), rank)


def _reallocated(day: Day, book: Book) -> Floats:
    try:
        return reallocate(day, book.demand.numbers["confirmed"], book.demand.numbers["strategy"].astype(np.int64))
    except BrokenGuarantee as broken:
        short = [f"{_title(book, claim)} {units:g}" for claim, units in zip(broken.claims, broken.units, strict=True)]
        raise ScenarioError(f"{book.demand.source}: supply is too short for what is guaranteed: {', '.join(short)}") from broken


def _title(book: Book, claim: int) -> str:
    """Return what a claim is called in a message."""
    columns = ("order", "channel", "region", "sku")
    names = [book.demand.names[column][claim] for column in columns if column in book.demand.names]
    return f"{' '.join(filter(None, names)) or f'row {claim + 1}'} lacks"


def _rule(allocate: Callable[[Day], Floats]) -> Allocation:
    return Allocation(lambda day, book: allocate(day))


QUOTA, PROTECTION = (
    (("channels", "quota"),),
    tuple(("channels", column) for column in ("unit_margin", "forecast", "forecast_deviation")),
)
METHODS: dict[str, Allocation] = {
    **{name: _rule(rule) for name, rule in RULES.items()},
    Method.OPTIMAL: Allocation(lambda day, book: most_value(day, knows_margins(book))),
    **{name: Allocation(_by_quota(borrowing), QUOTA, "quota") for name, borrowing in BY_QUOTA.items()},
    Method.PROTECTION: Allocation(_protected, PROTECTION, "protected"),
    Method.REALLOCATE: Allocation(_reallocated, (("demand", "confirmed"), ("demand", "strategy")), "strategy"),
}
