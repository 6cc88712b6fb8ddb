"""Stock at cost: what a window's record gains with stock that is bought, and loses with stock that goes.

Without it, whoever runs stock down at the end of a window would seem to earn. What has been paid for counts, on hand or on its
way, at a fixed value a unit, so that the changes of an episode sum to what it closes with less what it opened with.
"""

from __future__ import annotations

import numpy as np

from allotment.scenario.lanes import LaneReader, sku_calendar
from allotment.scenario.problem import Floats, Fulfilment, Goods, Lanes, Sites
from allotment.scenario.schema import Scenario


def stock_value(scenario: Scenario, lanes: LaneReader) -> Floats:
    """Return what a unit in stock counts, (skus,) money: its unit cost, or what it can be had for where that is less.

    Of prices that change, the lowest of the calendar counts. Were stock worth more than it can be bought for, buying for
    stock alone would pay. It is 0 in seasons, whose end has salvage, and where `horizon.stock_value` is none.
    """
    cost: Floats = sku_calendar(scenario, "unit_cost").min(axis=0)
    if scenario.horizon.kind == "season" or scenario.horizon.stock_value == "none":
        return np.zeros_like(cost)
    purchase = lanes.prices()["purchase"].min(axis=0)
    bought = np.array([lane.source in lanes.suppliers for lane in lanes.lanes])[:, None] & np.stack(lanes.carried)
    return np.minimum(cost, np.where(bought, purchase, np.inf).min(axis=0))


def stock_prices(goods: Goods, sites: Sites, lanes: Lanes, fulfilment: Fulfilment) -> dict[str, Floats]:
    """Return what stock gains or loses by a unit of each flow, by the fields of `Prices`; nothing where a flow cannot be.

    Goods of a supplier who is paid on receipt belong to the stock from then on; what is turned away never did.
    """
    each = goods.stock_value
    from_supplier = (lanes.supplier >= 0)[:, None]
    unpaid = from_supplier & lanes.on_receipt[:, None]
    turned_away = (np.isfinite(sites.storage).any(axis=0) & ~sites.overflow_charged)[lanes.to][:, None]
    lossy = (sites.shrinkage > 0.0) | (sites.plant & (sites.yield_low < 1.0))
    goes = lossy[:, None] | (goods.shelf_life > 0)
    by_flow = {
        "stock_bought": from_supplier & lanes.allowed,
        "stock_shipped": np.ones((len(fulfilment.site), 1), dtype=bool),
        "stock_gone": goes,
        "stock_vanished": ~unpaid & (lanes.lost > 0.0)[:, None] & lanes.allowed,
        "stock_discarded": turned_away & ~unpaid & lanes.allowed,
    }
    signs = {"stock_bought": 1.0}
    return {name: (np.where(counts, each, 0.0) * signs.get(name, -1.0))[None] for name, counts in by_flow.items()}
