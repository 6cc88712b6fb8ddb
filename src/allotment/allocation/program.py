"""The best allocation by linear programming: the most value, commitments kept as far as supply allows.

    maximise    sum over options of value × units
    subject to  claims:       units of a claim <= wanted
                commitments:  units of a claim + shortfall >= committed
                pools:        what is drawn on a pool up to each date <= what has become available by then
                limits:       units that a limit counts <= capacity

The sum of shortfalls is minimised first and the value then, with no larger sum. Of plans of one value an earlier one is
taken: a date later costs a millionth of the value. The constraints of one SKU are those of a network flow, so that
the programme's vertices are whole; where they are not (SKUs that share carriers), or a shipment is below its minimum, the
same programme is solved in integers. How: `solving`.

No answer is believed: each is looked up in the day (`feasible`), cut to what is possible where it is not, and measured against
a bound on what any allocation can reach. Where it is not proven to be the best, a warning says by how much it may fall short.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from allotment.allocation import solving
from allotment.allocation.constraints import (
    Draws,
    Model,
    draws_of,
    kept_within,
    model_of,
    with_minimums,
    with_shipments,
    with_shortfalls,
)
from allotment.allocation.day import PART, Day, Flags, Floats, rounding_error
from allotment.allocation.feasible import check_possible, first_fault
from allotment.allocation.filling import fill
from allotment.allocation.ordering import order_by
from allotment.allocation.projection import project
from allotment.allocation.solving import Answer, Clock, Unsolved

PATIENCE = 20.0  # seconds for programmes in integers
PATIENCE_IN_FRACTIONS = 60.0
PROVEN = 1e-7  # of the value, by which the best may be more than what is proven
FRACTION = 1e-6  # units by which a whole number may be missed

Solve = Callable[[Model], Answer]


class Best(NamedTuple):
    """What a programme's solution is, and what none can better."""

    x: Floats
    shortest: float  # units by which any allocation falls short of commitments, all together
    cheapest: float  # what any costs that falls short no more


def optimal(day: Day, patience: float = PATIENCE) -> Floats:
    """Return drawn units (O, D) of the most value.

    Where this is not proven, because the programme in integers is not solved within `patience` seconds or numbers are too far
    apart, a `RuntimeWarning` says how much more may be reached.
    """
    draws = draws_of(day)
    if len(draws.option) == 0:
        return np.zeros(day.options.pools.shape)
    model = model_of(day, draws)
    found, proof, stopped = _found(day, draws, model, patience)
    candidates = [_possible(day, drawn) for drawn in found] or [_filled_up(day, np.zeros(day.options.pools.shape))]
    drawn = min(candidates, key=lambda one: _costs(day, draws, model, one))
    check_possible(day, drawn)
    if gap := _gap(
        day,
        _costs(day, draws, model, drawn),
        proof,
        float(np.abs(model.cost).max(where=drawn[draws.option, draws.draw] > 0.0, initial=0.0)),
    ):
        why = f"stopped after {patience:g} s" if stopped else "to the precision of the solver"
        warnings.warn(f"the allocation is possible, but not proven to be the best ({why}): {gap}", RuntimeWarning, stacklevel=2)
    return drawn


def _found(day: Day, draws: Draws, model: Model, patience: float) -> tuple[list[Floats], Best, bool]:
    """Return what solvers find (O, D), with what is proven of any allocation, and whether time ran out."""
    proof = Best(np.zeros(0), 0.0, solving.bound_by(model, np.zeros(len(model.bound))))
    clock = Clock(PATIENCE_IN_FRACTIONS)
    try:
        relaxed = _lexicographic(day, model, lambda each: solving.in_fractions(each, clock, day.whole))
    except Unsolved:
        return [], proof, True
    drawn = draws.placed(day, relaxed.x)
    if _keeps_minimums(day, drawn) and (not day.whole or _is_whole(drawn)):
        return [drawn], relaxed, False
    rounded, clock = _floored(day, drawn), Clock(patience)
    try:
        best = _in_integers(day, draws, model, clock)
    except Unsolved:
        return [rounded], relaxed, True
    proof = Best(best.x, max(relaxed.shortest, best.shortest), max(relaxed.cheapest, best.cheapest))
    return [draws.placed(day, best.x), rounded], proof, clock.ran_out


def _in_integers(day: Day, draws: Draws, model: Model, clock: Clock) -> Best:
    """Return the best of the programme with smallest shipments, and in whole numbers where units are."""
    unit = next(solving.units_of(model, day.whole))
    if unit == 1.0:
        return _lexicographic(day, with_minimums(day, draws, model), lambda each: solving.in_integers(each, clock))
    ships, coarse = _which_ship(_scaled(day, unit), draws, clock)
    fixed = with_shipments(day, draws, model, ships)

    def near(each: Model) -> Answer:
        answer = solving.in_fractions(each, clock, day.whole)
        return solving.in_integers(each, clock, np.rint(answer.x), solving.LARGEST) if day.whole else answer

    try:
        x = _lexicographic(day, fixed, near).x
    except Unsolved:  # what ships in fractions of large units need not in small ones
        x = unit * coarse.x
    return Best(x, unit * coarse.shortest, unit * coarse.cheapest)


def _which_ship(day: Day, draws: Draws, clock: Clock) -> tuple[Flags, Best]:
    """Return which options ship (O,) in the best of a programme that counts in fractions, with smallest shipments."""
    model = with_minimums(day, draws, model_of(day, draws))
    best = _lexicographic(day, model, lambda each: solving.in_integers(each, clock))
    units = draws.placed(day, best.x).sum(axis=1)
    least = day.claims.minimum[day.options.claim]
    return units > np.maximum(FRACTION, 0.5 * least), best


def _scaled(day: Day, unit: float) -> Day:
    """Return the day in fractions of units so many times as large."""
    claims, pools = day.claims, day.pools
    parts = {name: getattr(claims, name) / unit for name in ("wanted", "committed", "minimum")}
    supply, capacity = pools.supply / unit, day.capacity / unit
    return replace(day, claims=claims._replace(**parts), pools=pools._replace(supply=supply), capacity=capacity, whole=False)


def _lexicographic(day: Day, model: Model, solve: Solve) -> Best:
    """Return the best x of a programme: with the least shortfall of commitments, and of these of the most value."""
    if not day.claims.committed.any():
        answer = solve(_without_losses(model))
        return Best(answer.x, 0.0, answer.least)
    promised = with_shortfalls(day, model)
    first = solve(promised)
    short = float(promised.cost @ first.x)
    short = round(short) if abs(short - round(short)) < FRACTION * max(1.0, short) and day.whole else short
    second = solve(kept_within(promised, short, model.cost))
    return Best(second.x, first.least, second.least)


def _without_losses(model: Model) -> Model:
    """Leave out the columns that cost more than they bring, which no best answer uses where nothing is committed."""
    loses = model.cost > 0.0
    return model._replace(cost=np.where(loses, 0.0, model.cost), upper=np.where(loses, 0.0, model.upper))


def _possible(day: Day, drawn: Floats) -> Floats:
    """Return an answer without what the solver's tolerance adds, cut to what is possible, and with what that leaves given."""
    if day.whole:
        drawn = np.rint(drawn)
        return drawn if first_fault(day, drawn) is None else _filled_up(day, project(day, drawn.sum(axis=1)).drawn)
    return _filled_up(day, project(day, drawn.sum(axis=1)).drawn)


def _floored(day: Day, relaxed: Floats) -> Floats:
    """Return a solution in fractions cut to whole units and without shipments below the minimum."""
    units = relaxed.sum(axis=1)
    return _filled_up(day, project(day, np.floor(units + FRACTION) if day.whole else units).drawn)


def _filled_up(day: Day, drawn: Floats) -> Floats:
    """Give claims what is left, by falling value: first what is committed, then what brings anything."""
    by_value = order_by(-day.options.value)
    drawn = fill(day, by_value, drawn, day.claims.committed)
    return fill(day, by_value[day.options.value[by_value] > 0.0], drawn)


def _costs(day: Day, draws: Draws, model: Model, drawn: Floats) -> tuple[float, float]:
    """Return by how many units commitments fall short, all together, and what the rest costs."""
    short = np.maximum(day.claims.committed - day.served(drawn), 0.0).sum()
    return float(short), math.fsum(model.cost * drawn[draws.option, draws.draw])


def _gap(day: Day, costs: tuple[float, float], proof: Best, dearest: float) -> str | None:
    """Say how much more may be reached than an allocation does; None where nothing but rounding error."""
    short, cost = costs
    kept = math.ceil(proof.shortest - PART) if day.whole else proof.shortest
    if short - kept > (0.5 if day.whole else float(rounding_error(day.claims.committed.sum()))):
        return f"as many as {short - kept:,.15g} units more of what is committed may be served"
    if cost - proof.cheapest > PROVEN * max(abs(cost), abs(proof.cheapest), dearest * max(1.0, short)):
        return f"as much as {cost - proof.cheapest:,.6g} of value more may be reached"
    return None


def _is_whole(drawn: Floats) -> bool:
    return bool(np.abs(drawn - np.rint(drawn)).max() < FRACTION)


def _keeps_minimums(day: Day, drawn: Floats) -> bool:
    units = drawn.sum(axis=1)
    least = day.claims.minimum[day.options.claim]
    return not ((units > FRACTION * np.minimum(1.0, least)) & (units < least - FRACTION * np.maximum(1.0, least))).any()
