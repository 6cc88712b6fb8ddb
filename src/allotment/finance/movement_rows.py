"""The rows of an episode's log as they are written: arrays of units between places, one movement for each that is not zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from allotment.exchange.movement_schema import COLUMNS, LOST, PLACES, SITE, place_kind
from allotment.scenario.errors import ScenarioError, shown
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers

_TYPES: dict[str, Any] = {"text": "str", "number": np.float64, "whole": np.int64, "time": np.int64}
Places = str | Sequence[str]  # one for all units, or one for each position of their first axis


class MovementRows:
    """A log that grows, period by period; its places have the names of a world."""

    def __init__(self, world: World, episode: int) -> None:
        names, lanes = world.names, world.problem.lanes
        _check_names(names.sites)
        self.sites = names.sites
        self.in_transit = [f"in_transit:{lane}" for lane in names.supply_lanes]
        self.made = [f"made:{site}" for site in names.sites]
        self.unrecorded = [f"unrecorded:{site}" for site in names.sites]
        self.customers = [f"customer:{channel}" for channel in names.channels]
        self.sources = [
            f"supplier:{names.suppliers[supplier]}" if supplier >= 0 else self.made[plant] if plant >= 0 else names.sites[site]
            for supplier, plant, site in zip(lanes.supplier, lanes.plant, lanes.site, strict=True)
        ]
        self.lanes = names.supply_lanes
        self._skus, self._currency, self._episode = names.skus, world.scenario.currency or "", episode
        self._perishable = world.problem.goods.shelf_life > 0
        self._rows: list[dict[str, Any]] = []
        self._opened = 0  # rows before the period
        self._before_decision = 0  # rows of the period before its decision
        self.period = 0

    def add(
        self,
        kind: Places,
        units: Floats,
        start: Places,
        end: Places,
        *,
        expiry: Integers | None = None,
        unit_cost: Floats | None = None,
        unit_price: Floats | None = None,
        document: Places = "",
        reason: str = "",
    ) -> None:
        """Note units (places, K) or (places, K, A) that moved from start to end.

        `expiry` (A,) is the period in which each remaining life ends; costs and prices are (places, K) in money/unit, NaN
        where none is known.
        """
        for index in np.argwhere(units > 0.0).tolist():
            place, sku = index[:2]
            cost, price = (np.nan if money is None else float(money[place, sku]) for money in (unit_cost, unit_price))
            self._rows.append(
                {
                    "event": f"{self._episode}-{len(self._rows)}",
                    "time": self.period,
                    "kind": _at(kind, place),
                    "sku": self._skus[sku],
                    "units": float(units[tuple(index)]),
                    "from": _at(start, place),
                    "to": _at(end, place),
                    "lot": f"expires:{expiry[index[2]]}" if expiry is not None and self._perishable[sku] else "",
                    "unit_cost": cost,
                    "unit_price": price,
                    "currency": "" if np.isnan(cost) and np.isnan(price) else self._currency,
                    "document": _at(document, place),
                    "reason": reason,
                }
            )

    def decision_is_due(self) -> None:
        """Note that what moved in this period so far moved before its decision."""
        self._before_decision = len(self._rows) - self._opened

    def end_period(self) -> None:
        """Number the period's movements, those before its decision below 0, and go on to the next."""
        for number, row in enumerate(self._rows[self._opened :]):
            row["seq"] = number - self._before_decision
        self._opened, self._before_decision = len(self._rows), 0
        self.period += 1

    def frame(self) -> pd.DataFrame:
        """Return the log as `read_movements` would."""
        frame = pd.DataFrame(self._rows, columns=list(COLUMNS)).assign(line="", entity="")
        for name, column in COLUMNS.items():
            frame[name] = frame[name].astype(_TYPES[column.holds])
        return frame


def _at(places: Places, position: int) -> str:
    return places if isinstance(places, str) else places[position]


def _check_names(sites: Sequence[str]) -> None:
    """Refuse names of sites that are those of other places: `ScenarioError`."""
    for site in sites:
        if ":" in site or place_kind(site) != SITE:
            allowed = f"has no colon, which parts {', '.join(PLACES)} from their names, and is not {LOST}"
            raise ScenarioError(f"movements: site {shown(site)}: the name of a site in a log {allowed}")
