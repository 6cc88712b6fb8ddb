"""What stock loses by itself, and what a period's record counts of stocks: holding, goods in transit, open demand, overflow.

Relaxed: which units are issued first where goods perish, and in whole units how many disappear unseen.
"""

from __future__ import annotations

import numpy as np

from allotment.programs.draft import Draft
from allotment.programs.linear_program import NONE
from allotment.quantities import Integers
from allotment.scenario.problem import Floats


def expire(draft: Draft, period: int) -> None:
    """Discard what has no life left and let the rest age; then let units disappear."""
    perishes = draft.problem.goods.shelf_life > 0
    if perishes.any():
        old = draft.stock
        draft.expired[period] = gone = np.where(perishes, old[..., 0], NONE)
        older = np.concatenate([old[..., 1:], np.full_like(old[..., :1], NONE)], axis=-1)
        draft.stock = np.where(perishes[:, None], older, old)
        draft.program.pay(gone, draft.worth("expired", period))
    shrinks = draft.problem.sites.shrinkage > 0.0
    if shrinks.any():
        _shrink(draft, period, np.where(shrinks[:, None, None], draft.stock, NONE))


def _shrink(draft: Draft, period: int, shrinking: Integers) -> None:
    """Let a share of the stock disappear, or in whole units as much as pleases the programme."""
    program, sites = draft.program, draft.problem.sites
    rows, _ = draft.new_stock()
    draft.shrunk[period] = gone = program.variables(0.0, np.inf, shrinking != NONE)
    program.pay(gone, draft.worth("shrunk", period)[..., None])
    program.add(rows, gone, -1.0)
    if not draft.problem.rules.whole:
        balance = program.constraints(0.0, 0.0, gone.shape[:2])
        program.add(balance[..., None], gone, 1.0)
        program.add(balance[..., None], shrinking, -sites.shrinkage[:, None, None])


def charge(draft: Draft, period: int) -> None:
    """Close a period's record: pay for stock on hand and in transit, and for open demand that is due."""
    program, slots = draft.program, np.arange(draft.problem.shape.slots)
    draft.on_hand[period] = draft.stock
    program.pay(draft.stock, draft.worth("on_hand", period)[..., None])
    ordered, lane, sku = np.nonzero(draft.in_transit)
    price = np.broadcast_to(draft.worth("in_transit", period), draft.in_transit.shape[1:])
    program.pay(draft.orders[ordered, lane, sku], price[lane, sku][:, None])
    due = (slots >= draft.problem.channels.due[:, None])[:, None]
    program.pay(draft.open_demand, np.where(due, draft.worth("due", period)[..., None], 0.0) * draft.kept)
    _overflow(draft, period)


def _overflow(draft: Draft, period: int) -> None:
    """Pay for what is held beyond a site's storage where that is allowed."""
    sites, program = draft.problem.sites, draft.program
    storage, price = draft.now(sites.storage, period), draft.now(draft.problem.prices.overflow, period)
    charged = np.isfinite(storage) & sites.overflow_charged & (price > 0.0)
    if not charged.any():
        return
    beyond = program.variables(0.0, np.inf, charged)
    rows = np.where(charged, program.constraints(-np.inf, storage, storage.shape), NONE)
    program.add(rows[:, None, None], draft.stock, draft.problem.goods.volume[:, None])
    program.add(rows, beyond, -1.0)
    program.pay(beyond, -draft.weights[period] * price)


def pay_at_the_end(draft: Draft) -> None:
    """Count what is left at a season's end at its salvage."""
    last, program = draft.path.periods - 1, draft.program
    program.pay(draft.stock, draft.worth("remaining_stock", last)[..., None])
    program.pay(draft.open_demand, draft.worth("remaining_demand", last)[..., None] * draft.kept)
    ordered, lane, sku = np.nonzero(draft.in_transit)
    price = np.broadcast_to(draft.worth("remaining_in_transit", last), draft.in_transit.shape[1:])
    program.pay(draft.orders[ordered, lane, sku], price[lane, sku][:, None])


def keep_at_least(draft: Draft, units: Floats) -> None:
    """Let at least so many units (K,) be left in the end, on hand and in transit, less what is open."""
    skus = len(units)
    rows = draft.program.constraints(units, np.inf, (skus,))
    ordered, lane, sku = np.nonzero(draft.in_transit)
    draft.program.add(rows[sku][:, None], draft.orders[ordered, lane, sku], 1.0)
    draft.program.add(rows[:, None], draft.stock, 1.0)
    draft.program.add(rows[:, None], draft.open_demand, -draft.kept)
