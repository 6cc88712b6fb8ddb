"""Goods to customers: what is open, what is shipped, what waits and what is lost.

Relaxed: who is served first, who accepts an emergency shipment, and in whole units whose unserved demand waits.
"""

from __future__ import annotations

import numpy as np

from allotment.programs.draft import Draft
from allotment.programs.linear_program import NONE
from allotment.quantities import Flags, Integers
from allotment.scenario.problem import Floats


def open_period(draft: Draft, period: int) -> None:
    """Let handling be there again, and open demand be a period older."""
    handling = draft.now(draft.problem.sites.handling, period)
    if np.isfinite(handling).any():
        rows = draft.program.constraints(-np.inf, handling, handling.shape)
        draft.handling[period] = np.where(np.isfinite(handling), rows, NONE)


def demand(draft: Draft, period: int, older: list[tuple[Integers, Floats]]) -> list[tuple[Integers, Floats]]:
    """Return what is open with the period's demand: terms of columns and units of each, both (C, K, D)."""
    units, least = draft.path.demand[period], draft.path.least_demand[period]
    new = np.full(draft.open_demand.shape, NONE)
    new[..., 0] = draft.demanded[period] = draft.program.variables(least, units, units)
    return [*older, (new, np.ones(new.shape))]


def aged(draft: Draft) -> list[tuple[Integers, Floats]]:
    """Return what is open a period later, as `demand`: one slot on, and those in the last slot wait there."""
    columns, kept = draft.open_demand, draft.kept
    slots = np.arange(columns.shape[-1])
    if len(slots) == 1:
        return [(columns, kept)]
    last = draft.problem.channels.last[:, None, None]
    older = np.concatenate([np.full_like(columns[..., :1], NONE), columns[..., :-1]], axis=-1)
    of_older = np.concatenate([kept[..., :1], kept[..., :-1]], axis=-1)
    stays = np.where(slots == last, columns, NONE)
    return [(np.where(slots <= last, older, NONE), of_older), (stays, kept)]


def fulfil(draft: Draft, period: int, is_open: list[tuple[Integers, Floats]]) -> None:
    """Ship to open demand out of stock; what is not served when due is lost or waits."""
    fulfilment, problem, program = draft.problem.fulfilment, draft.problem, draft.program
    slots = np.arange(problem.shape.slots)
    there = np.any([columns != NONE for columns, _ in is_open], axis=0)
    stocked = (draft.stock != NONE).any(axis=-1)
    possible = there[fulfilment.channel] & (slots <= fulfilment.latest[:, None])[:, None] & stocked[fulfilment.site][..., None]
    draft.shipped[period] = shipped = program.variables(0.0, np.inf, possible)
    draft.unserved[period] = unserved = program.variables(0.0, np.inf, there)
    rows = np.where(there, program.constraints(0.0, 0.0, there.shape), NONE)
    for columns, units in is_open:
        program.add(rows, columns, units)
    program.add(rows[fulfilment.channel], shipped, -1.0)
    program.add(rows, unserved, -1.0)
    _keep_to_limits(draft, period, shipped)
    _take_from_stock(draft, shipped)
    _pay(draft, period, shipped)
    _settle(draft, period, unserved)


def _keep_to_limits(draft: Draft, period: int, shipped: Integers) -> None:
    fulfilment, program = draft.problem.fulfilment, draft.program
    capacity = draft.now(fulfilment.capacity, period)
    if np.isfinite(capacity).any():
        rows = np.where(np.isfinite(capacity), program.constraints(-np.inf, capacity, capacity.shape), NONE)
        program.add(rows[:, None, None], shipped, 1.0)
    program.add(draft.handling[period][fulfilment.site][:, None, None], shipped, 1.0)


def _take_from_stock(draft: Draft, shipped: Integers) -> None:
    """Take what is shipped out of stock, of whatever remaining life."""
    program, site = draft.program, draft.problem.fulfilment.site
    rows, old = draft.new_stock()
    if old.shape[-1] == 1:
        program.add(rows[site], shipped, -1.0)
        return
    taken = program.variables(0.0, np.inf, old != NONE)
    program.add(rows, taken, -1.0)
    balance = program.constraints(0.0, 0.0, taken.shape[:2])
    program.add(balance[..., None], taken, 1.0)
    program.add(balance[site][..., None], shipped, -1.0)


def _pay(draft: Draft, period: int, shipped: Integers) -> None:
    """Book what is shipped, and what of it comes too late."""
    of_lanes = _of_channels(draft, "late", period)[draft.problem.fulfilment.channel]
    draft.program.pay(shipped, draft.worth("shipped", period)[..., None])
    draft.program.pay(shipped, np.where(late_shipments(draft), of_lanes, 0.0))


def late_shipments(draft: Draft) -> Flags:
    """Return which shipments count as late, (F, 1, D): sent before the demand is overdue, there only after."""
    fulfilment, channels, slots = draft.problem.fulfilment, draft.problem.channels, np.arange(draft.problem.shape.slots)
    due, last = channels.due[fulfilment.channel][:, None], channels.last[fulfilment.channel][:, None]
    return ((slots > fulfilment.on_time[:, None]) & (slots <= due) & (last > due))[:, None]


def _of_channels(draft: Draft, units: str, period: int) -> Floats:
    """Return what a unit of a channel's flow is worth, (C, K, 1)."""
    n = draft.problem.shape
    return np.broadcast_to(draft.worth(units, period), (n.channels, n.skus))[..., None]


def _settle(draft: Draft, period: int, unserved: Integers) -> None:
    """Let what is not served when due wait, or be lost; and lose what has waited too long."""
    channels, slots = draft.problem.channels, np.arange(draft.problem.shape.slots)
    due = (channels.due[:, None] == slots)[:, None]
    cancelled = ((channels.last[:, None] == slots) & ~channels.open_ended[:, None])[:, None]
    stays = np.where(cancelled, 0.0, np.where(due, channels.stays[:, None, None], 1.0))
    stays = np.broadcast_to(stays, unserved.shape)
    drawn = draft.problem.rules.whole & (stays > 0.0) & (stays < 1.0) & (unserved != NONE)
    lost = _of_channels(draft, "lost", period)
    draft.waiting[period] = waits = draft.program.variables(0.0, np.inf, drawn)
    rows = np.where(drawn, draft.program.constraints(0.0, np.inf, drawn.shape), NONE)
    draft.program.add(rows, unserved, 1.0)
    draft.program.add(rows, waits, -1.0)
    draft.program.pay(waits, -lost)
    draft.program.pay(unserved, lost * np.where(drawn, 1.0, 1.0 - stays))
    draft.open_demand, draft.kept = np.where(drawn, waits, unserved), np.where(drawn, 1.0, stays)
    late = due & (channels.last > channels.due)[:, None, None]
    draft.program.pay(draft.open_demand, np.where(late, _of_channels(draft, "late", period), 0.0) * draft.kept)
