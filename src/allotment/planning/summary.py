"""A plan summed up for reading: what each channel in each region asked for, got from where, and lacks, with the reasons.

Where there are more than thirty pairs of channel and region, the sums are by channel.
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

    titles: list[str]  # of the groups
    wanted: Floats  # (G,) units
    committed: Floats  # (G,)
    by_warehouse: Floats  # (G, warehouses) units shipped
    missing: dict[str, Floats]  # units that stay unmet (G,), by reason

    @property
    def served(self) -> Floats:
        """Return the units that groups get (G,)."""
        return self.by_warehouse.sum(axis=1)

    def reasons(self, group: int) -> str:
        """Return why a group lacks units, the reason of most units first."""
        found = sorted(((units[group], name) for name, units in self.missing.items() if units[group] > ROUNDING), reverse=True)
        return ", ".join(name.replace("_", " ") for _, name in found)


def summary(plan: Plan) -> Summary:
    """Return a plan's sums by channel and region, or by channel alone where there are many."""
    titles, group = _groups(plan)
    day = plan.day
    by_warehouse = np.zeros((len(titles), len(plan.book.warehouses)))
    np.add.at(by_warehouse, (group[day.options.claim], day.options.site), plan.units)
    missing = {
        REASONS[code]: total_by(group, np.where(plan.reasons == code, plan.missing, 0.0), len(titles))
        for code in np.unique(plan.reasons[plan.missing > ROUNDING])
    }
    wanted, committed = (total_by(group, units, len(titles)) for units in (day.claims.wanted, day.claims.committed))
    return Summary(titles, wanted, committed, by_warehouse, missing)


def _groups(plan: Plan) -> tuple[list[str], Integers]:
    """Return what groups are called, in the order of the demand, and the group of each claim."""
    book = plan.book
    for with_regions in (True, False):
        names = [
            f"{book.channels[channel]} {book.regions[region] if with_regions else ''}".strip() or "all demand"
            for channel, region in zip(book.channel, book.region, strict=True)
        ]
        titles = list(dict.fromkeys(names))
        if len(titles) <= MOST_GROUPS:
            break
    index = {title: place for place, title in enumerate(titles)}
    return titles, np.array([index[name] for name in names])
