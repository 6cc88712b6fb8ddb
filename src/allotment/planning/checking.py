"""A plan is looked up in its tables before anyone sees it, whatever method made it.

Too large a day is refused before it is put together: what would take too much memory is counted first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allotment.allocation.day import Day, Floats
from allotment.allocation.feasible import Fault, first_fault
from allotment.planning.matching import Book
from allotment.scenario.errors import ScenarioError

MOST_PLACES = 5_000_000  # of stock: warehouses × SKUs × dates; of lanes: warehouses × regions × channels
MOST_OPTIONS = 5_000_000  # ways of serving claims: claims × warehouses × dates
MOST_PAIRS = 5_000_000  # of offers and needs


def check_size(what: str, most: int, **counts: int) -> None:
    """Refuse what would be larger than `most`, by the counts that make it so: `ScenarioError`."""
    product = int(np.prod([float(count) for count in counts.values()]))
    if product > most:
        parts = " × ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
        raise ScenarioError(f"{parts} make {product:,} {what}; at most {most:,} are planned at once")


def checked(day: Day, book: Book, method: str, drawn: Any) -> Floats:
    """Return units drawn (O, D) that keep to the tables; `ScenarioError` for what does not, which is never shown."""
    try:
        units = np.asarray(drawn, dtype=float)
        fault = first_fault(day, units)
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"method {method} gave no allocation: {str(error).splitlines()[0]}") from None
    if fault:
        raise ScenarioError(
            f"method {method} gave a plan that is not possible, and nothing is planned: {_words(day, book, fault)}"
        )
    return units


def _words(day: Day, book: Book, fault: Fault) -> str:
    """Return in the tables' names what a plan breaks."""
    if fault.kind == "pool":
        site, sku = day.pools.site[fault.place], day.pools.sku[fault.place]
        names = " ".join(filter(None, (book.warehouses[site], book.skus[sku])))
        return f"{names} gives {fault.units:,.15g} of {fault.bound:,.15g} units"
    if fault.kind == "limit":
        return f"a carrier moves {fault.units:,.15g} of {fault.bound:,.15g} units a day"
    claim = fault.place if fault.kind == "wanted" else int(day.options.claim[fault.place])
    return f"row {claim + 1} of {book.demand.source}: {fault}"
