"""The rules of allocation by name: functions from a day to what each option draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from allotment.allocation import sequences, sourcing
from allotment.allocation.day import Day, Floats
from allotment.allocation.fairness import fair
from allotment.allocation.methods import Method
from allotment.allocation.program import optimal

Rule = Callable[[Day], Floats]


def most_value(day: Day, values_are_known: bool | None = None) -> Floats:
    """Return the allocation of the most value; where no values are known, of the most units at the least freight.

    Values are taken to be known where one of them is positive, unless `values_are_known` says so.
    """
    known = bool((day.options.value > 0.0).any()) if values_are_known is None else values_are_known
    return optimal(day if known else replace(day, claims=day.claims._replace(committed=day.claims.wanted)))


RULES: dict[str, Rule] = {
    Method.OPTIMAL: most_value,
    Method.PRIORITY: sequences.priority,
    Method.PRIORITY_DUE: sequences.priority_due,
    Method.EARLIEST_DUE: sequences.earliest_due,
    Method.FIRST_COME: sequences.first_come,
    Method.FAIR_SHARE: fair,
    Method.NEAREST: sequences.nearest,
    Method.HIGHEST_STOCK: sourcing.highest_stock,
    Method.SOURCING: sourcing.sourcing,
}
BY_QUOTA: dict[str, bool] = {Method.QUOTA: False, Method.QUOTA_BORROWING: True}  # whether channels may borrow what others leave
