"""A plan summed up for reading: what each channel in each region asked for, got from where, and lacks, with the reasons.

Where there are too many pairs of channel and region the sums are by channel; where the demand names neither, by order or SKU.
Of what is still too many, the largest are shown and the others summed up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allotment.allocation.day import REASONS, ROUNDING, Floats, Integers, total_by
from allotment.planning.outcome import Plan

MOST_GROUPS = 30


@dataclass(frozen=True)
class Summary:
    """Sums over groups of claims (G,)."""

    kind: str  # what the groups are: channel, order, sku
    titles: list[str]  # of the groups
    wanted: Floats  # (G,) units
    committed: Floats  # (G,)
    by_warehouse: Floats  # (G, warehouses) units shipped
    missing: dict[str, Floats]  # units that stay unmet (G,), by reason
    others: bool  # the last group sums up what has none of its own

    @property
    def served(self) -> Floats:
        """Return the units that groups get (G,)."""
        return self.by_warehouse.sum(axis=1)

    def reasons(self, group: int) -> str:
        """Return why a group lacks units, the reason of most units first."""
        found = sorted(((units[group], name) for name, units in self.missing.items() if units[group] > ROUNDING), reverse=True)
        return ", ".join(name.replace("_", " ") for _, name in found)


def summary(plan: Plan, most: int = MOST_GROUPS) -> Summary:
    """Return a plan's sums by channel and region, by channel, by order or by SKU, in at most so many groups."""
    kind, titles, group, others = _groups(plan, most)
    day = plan.day
    by_warehouse = np.zeros((len(titles), len(plan.book.warehouses)))
    np.add.at(by_warehouse, (group[day.options.claim], day.options.site), plan.units)
    missing = {
        REASONS[code]: total_by(group, np.where(plan.reasons == code, plan.missing, 0.0), len(titles))
        for code in np.unique(plan.reasons[plan.missing > ROUNDING])
    }
    wanted, committed = (total_by(group, units, len(titles)) for units in (day.claims.wanted, day.claims.committed))
    return Summary(kind, titles, wanted, committed, by_warehouse, missing, others)


def _groups(plan: Plan, most: int) -> tuple[str, list[str], Integers, bool]:
    """Return what groups are, what they are called, which each claim belongs to, and whether the last sums up many."""
    for kind, columns in (
        ("channel", ("channel", "region")),
        ("channel", ("channel",)),
        ("order", ("order",)),
        ("sku", ("sku",)),
    ):
        names = [" ".join(filter(None, parts)) for parts in zip(*(_names(plan, column) for column in columns), strict=True)]
        if any(names) and (len(set(names)) <= most or kind != "channel" or columns == ("channel",)):
            return kind, *_largest(names, plan.day.claims.wanted, most, kind)
    return "channel", ["all demand"], np.zeros(plan.book.demand.rows, dtype=np.int64), False


def _names(plan: Plan, column: str) -> list[str]:
    """Return the name that each claim has in a column; those of channels and regions are the book's."""
    book = plan.book
    if column in ("channel", "region"):
        known, place = (book.channels, book.channel) if column == "channel" else (book.regions, book.region)
        return [known[one] for one in place.tolist()]
    return book.demand.name(column)


def _largest(names: list[str], wanted: Floats, most: int, kind: str) -> tuple[list[str], Integers, bool]:
    """Return titles and groups of claims of such names; beyond `most`, the smallest are one group."""
    titles = list(dict.fromkeys(names))
    index = {title: place for place, title in enumerate(titles)}
    group = np.array([index[name] for name in names], dtype=np.int64)
    if len(titles) <= most:
        return titles, group, False
    kept = np.sort(np.argsort(-total_by(group, wanted, len(titles)), kind="stable")[: most - 1])
    place = np.full(len(titles), len(kept))
    place[kept] = np.arange(len(kept))
    return [*(titles[one] for one in kept), f"{len(titles) - len(kept):,} other {kind}s"], place[group], True
