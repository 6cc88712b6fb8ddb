"""Prices as arrays: what a scenario states of money, by period of the calendar, place and SKU.

A price that a scenario states as it is names that attribute where it is declared (`Prices`); the others are put together here.
"""

from __future__ import annotations

from typing import get_args, get_type_hints

import numpy as np

from allotment.scenario.fulfilment import FulfilmentReader
from allotment.scenario.lanes import LaneReader, sku_calendar
from allotment.scenario.problem import Floats, Prices
from allotment.scenario.schema import HoldingRate, Scenario
from allotment.scenario.spreading import aligned, by_period, calendar


def compile_prices(scenario: Scenario, lanes: LaneReader, fulfilment: FulfilmentReader, of_stock: dict[str, Floats]) -> Prices:
    """Return every price of a scenario; `of_stock` holds what a change of stock counts."""
    price = fulfilment.prices()
    price = price if scenario.objective == "profit" else np.zeros_like(price)
    stated = {name: _stated(scenario, lanes, source) for name, source in stated_prices().items()}
    sites = {site.name: place for place, site in enumerate(scenario.sites)}
    return Prices(
        price=price,
        revenue=price[:, fulfilment.channel],
        outbound_freight=fulfilment.freight(),
        holding=aligned([_holding(scenario, position) for position in range(len(sites))]),
        overflow=by_period([site.overflow_cost for site in scenario.sites], 0.0),
        lane_salvage=stated["site_salvage"][:, [sites[lane.to] for lane in lanes.lanes]],
        **of_stock,
        **lanes.prices(),
        **stated,
    )


def stated_prices() -> dict[str, str]:
    """Return the prices that a scenario states as they are, each with its `section.attribute`."""
    hints = get_type_hints(Prices, include_extras=True)
    return {name: found[3] for name, hint in hints.items() if len(found := get_args(hint)) > 3}


def _stated(scenario: Scenario, lanes: LaneReader, source: str) -> Floats:
    """Return what every part of a section states, (periods, parts, skus); what SKUs state holds at every site."""
    section, attribute = source.split(".")
    if section == "supply_lanes":
        return lanes.calendars(attribute)
    if section == "skus":
        return np.repeat(sku_calendar(scenario, attribute)[:, None], len(scenario.sites), axis=1)
    skus = [sku.name for sku in scenario.skus]
    parts = []
    for position, part in enumerate(getattr(scenario, section)):
        value, where = getattr(part, attribute), f"{section}[{position}].{attribute}"
        parts.append(calendar(value, skus, where, seed=(str(scenario.seed), section, part.name, attribute)))
    return aligned(parts)


def _holding(scenario: Scenario, position: int) -> Floats:
    """Return a site's holding cost by period, (periods, skus) money/unit/period: stated, or a rate on the unit cost."""
    site = scenario.sites[position]
    if isinstance(site.holding_cost, HoldingRate):
        return site.holding_cost.rate * sku_calendar(scenario, "unit_cost")
    seed = str(scenario.seed), "sites", site.name, "holding_cost"
    return calendar(site.holding_cost, [sku.name for sku in scenario.skus], f"sites[{position}].holding_cost", seed=seed)
