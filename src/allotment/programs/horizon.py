"""What lies beyond a programme that looks only some periods ahead: what is left then, and what its mean demand leaves out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allotment.programs.draft import Draft
from allotment.programs.linear_program import NONE, Solution
from allotment.programs.supply import fixed_cost_a_unit
from allotment.programs.worth import worth
from allotment.quantities import Floats

ENDS = np.linspace(0.0, 3.0, 16)  # of tiers in which an expected shortage is taken as linear, in standard deviations
SHIPPED = 1e-6  # units above which something is shipped


def replacement_cost(draft: Draft) -> Floats:
    """Return what it takes at least to buy a unit and bring it to each site, (S, K) money; 0 where nothing leads there.

    The cheapest of the draft's periods and the best of its yields count, so that nothing is bought to be left. Where a change
    of stock counts, so does what is paid less what stock gains.
    """
    problem, lanes = draft.problem, draft.problem.lanes
    periods = range(draft.first, draft.first + draft.path.periods)
    spent = [-worth(problem, "paid", period) - worth(problem, "received", period) for period in periods]
    good = np.maximum(np.where(lanes.plant >= 0, draft.path.plant_yield.max(axis=0)[lanes.plant], 1.0)[:, None], 1e-9)
    lost = np.where((lanes.plant >= 0)[:, None], -worth(problem, "consumed", draft.first)[lanes.plant], 0.0) * (
        1.0 / good - 1.0
    )
    paid = np.where(lanes.allowed, np.min(spent, axis=0) + lost, np.inf)
    cost = np.full(problem.sites.initial_stock.shape, np.inf)
    for _ in cost:  # one lane farther each time
        of_source = np.where((lanes.site >= 0)[:, None], cost[lanes.site] / good, 0.0)
        np.minimum.at(cost, lanes.to, paid + of_source)
    return np.where(np.isfinite(cost), cost, 0.0)


def value_what_is_left(draft: Draft) -> None:
    """Count what is left at the end of a horizon: stock, and what is on its way, at its replacement cost at a site.

    Open demand counts what serving it will still bring, by the lane on which that is most. Without the one a programme sells
    out, without the other it hurries to serve what may wait.
    """
    problem, last = draft.problem, draft.first + draft.path.periods - 1
    stock, counts = replacement_cost(draft), draft.weights[-1]
    brings = np.broadcast_to(worth(problem, "shipped", last), (problem.shape.fulfilment, problem.shape.skus))
    demand = np.full((problem.shape.channels, problem.shape.skus), -np.inf)
    np.maximum.at(demand, problem.fulfilment.channel, brings - stock[problem.fulfilment.site])
    demand = np.where(np.isfinite(demand), demand, 0.0)
    ordered, lane, sku = np.nonzero(draft.in_transit)
    on_the_way = stock[problem.lanes.to] - _due_on_receipt(draft)
    draft.program.pay(draft.stock, counts * stock[..., None])
    draft.program.pay(draft.orders[ordered, lane, sku], counts * on_the_way[lane, sku][:, None])
    draft.program.pay(draft.open_demand, counts * demand[..., None] * draft.kept)


def _due_on_receipt(draft: Draft) -> Floats:
    """Return what a unit in transit still costs when it arrives, (L, K) money: the most of the draft's periods."""
    problem, periods = draft.problem, range(draft.first, draft.first + draft.path.periods)
    on_receipt = problem.lanes.on_receipt[:, None]
    due = [np.where(on_receipt, -worth(problem, "paid", each), 0.0) - worth(problem, "received", each) for each in periods]
    return np.broadcast_to(np.max(due, axis=0), problem.lanes.allowed.shape)


class Uncertainty(NamedTuple):
    """How far what is to come deviates from its mean, in standard deviations of demand near each site, (T, S, K) units."""

    demand: Floats  # mean of each period
    before: Floats  # deviation of demand since the decision, or as long as orders do not answer, when a period begins
    after: Floats  # and when it ends


def hedge_shortages(draft: Draft, uncertain: Uncertainty, waiting: Floats, lost: Floats) -> None:
    """Count what stock at the end of each period is expected to save: what a programme of means leaves out.

    Demand deviates normally from its mean. A unit that waits costs `waiting` a period, (S, K) money; one that is lost costs
    `lost`, but once: what is short at the end of a period was lost in it only as far as it was not short when the period began.
    The expected shortage is taken as linear between `ENDS` (Rossi, Tarim, Prestwich, Hnich 2014, Applied Mathematics and
    Computation 231). The more stock has saved, the less the next unit saves, so that a programme takes tiers in their order.
    """
    program = draft.program
    for period, deviation in enumerate(uncertain.after):
        held = draft.on_hand[period]
        there = (held != NONE).any(axis=-1) & (deviation > 0.0)
        saved = _saved(uncertain, period, waiting, lost)
        tiers = program.variables(0.0, deviation[..., None] * np.diff(ENDS), there[..., None] & (saved > 0.0))
        rows = np.where(there, program.constraints(0.0, np.inf, there.shape), NONE)
        program.add(rows[..., None], held, 1.0)
        program.add(rows[..., None], tiers, -1.0)
        program.pay(tiers, draft.weights[period] * saved)


def _saved(uncertain: Uncertainty, period: int, waiting: Floats, lost: Floats) -> Floats:
    """Return what a unit in each tier saves in a period, (S, K, tiers) money, less from tier to tier."""
    after, before = (np.maximum(each[period], 1e-9)[..., None] for each in (uncertain.after, uncertain.before))
    units = after * ENDS
    at_end = _less_short(units, after)
    at_start = _less_short(units + uncertain.demand[period][..., None], before)
    saved = waiting[..., None] * at_end + lost[..., None] * np.maximum(at_end - at_start, 0.0)
    return np.minimum.accumulate(saved, axis=-1)


def _less_short(units: Floats, deviation: Floats) -> Floats:
    """Return by how much a unit between two numbers of them (…, n) lowers the expected shortage, (…, n − 1)."""
    from scipy.special import ndtr

    ends = units / deviation
    loss = deviation * (np.exp(-0.5 * ends**2) / np.sqrt(2.0 * np.pi) - ends * ndtr(-ends))
    return -np.diff(loss) / np.maximum(np.diff(units), 1e-12)


def fixed_costs_borne(draft: Draft) -> Floats:
    """Return what of fixed costs units bear in a draft as it is made, (T, L, K) money."""
    return np.stack([fixed_cost_a_unit(draft, period) for period in range(draft.path.periods)])


def scale_fixed_costs(draft: Draft, found: Solution, charged: Floats) -> Floats:
    """Let each unit bear its share of its shipment's fixed costs, shipments being as large as in a solution.

    `charged` (T, L, K) is what units bear so far; returns what they bear now. What is not shipped stays as dear as it was.
    Solved again and again, small shipments price themselves out: dynamic slope scaling (Kim and Pardalos 1999, Operations
    Research Letters 24(4)).
    """
    bears = charged.copy()
    for period in range(draft.path.periods):
        columns = draft.orders[draft.before + period]
        units = found.of(columns).sum(axis=-1)
        fixed, line = draft.now(draft.problem.prices.fixed, period), draft.now(draft.problem.prices.line, period)
        of_lanes = np.maximum(units.sum(axis=1, keepdims=True), 1.0)
        share = fixed[:, None] / of_lanes + line / np.maximum(units, 1.0)
        bears[period] = np.where(units > SHIPPED, share, charged[period])
        draft.program.pay(columns, (draft.weights[period] * (charged[period] - bears[period]))[..., None])
    return bears
