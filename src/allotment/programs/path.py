"""What chance does in an episode, whatever is decided: drawn by the world's own functions, from the episode's seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allotment.engine import randomness
from allotment.engine.dynamics.feasibility import plant_yield, supplier_capacity
from allotment.engine.dynamics.period import demand
from allotment.engine.state import State, empty_state
from allotment.scenario.problem import IN_ORDER, KAPLAN, Floats, Integers, Problem

NEVER = 2**40  # a period that no episode reaches


@dataclass(frozen=True)
class SamplePath:
    """Demand, arrivals and capacities of periods 0 … T − 1 of one episode; orders of earlier periods come first in `arrival`.

    Where demand follows goodwill, it lies between what it is after the worst service and after the best.
    """

    demand: Floats  # (T, C, K) units at most
    least_demand: Floats  # (T, C, K) units
    arrival: Integers  # (orders before + T, L, K) period in which an order arrives
    supplier_capacity: Floats  # (T, U) units
    filled: Floats  # (T, L) units shipped of a unit that the supplier accepted
    plant_yield: Floats  # (T, S) good units per unit consumed

    def since(self, period: int) -> SamplePath:
        """Return the path from a period on, which then is period 0; all orders stay."""
        return SamplePath(
            self.demand[period:],
            self.least_demand[period:],
            self.arrival - period,
            self.supplier_capacity[period:],
            self.filled[period:],
            self.plant_yield[period:],
        )

    @property
    def periods(self) -> int:
        """Return T."""
        return len(self.demand)


def sample_path(problem: Problem, seed: int) -> SamplePath:
    """Return what chance does in the first episode of a seed."""
    periods = np.arange(problem.clock.length)
    state = _at(problem, seed, periods)
    most = _demand(problem, seed, best=True)
    return SamplePath(
        demand=most,
        least_demand=_demand(problem, seed, best=False) if problem.shape.groups else most,
        arrival=_arrivals(problem, seed),
        supplier_capacity=np.broadcast_to(supplier_capacity(problem, state), (len(periods), problem.shape.suppliers)),
        filled=_filled(problem, state),
        plant_yield=np.broadcast_to(plant_yield(problem, state), (len(periods), problem.shape.sites)),
    )


def _at(problem: Problem, seed: int, periods: Integers) -> State:
    """Return a state without stock whose worlds are the periods of an episode."""
    return empty_state(problem, len(periods))._replace(seed=np.full(len(periods), seed), period=periods)


def _demand(problem: Problem, seed: int, best: bool) -> Floats:
    """Return the demand (T, C, K) of an episode whose goodwill is the highest, or the lowest, that it can be."""
    state, units = empty_state(problem, 1)._replace(seed=np.array([seed]), regime=problem.modulation.initial[None]), []
    goodwill = np.ones_like(state.goodwill)
    for period in range(problem.clock.length):
        before = state._replace(period=np.array([period]), goodwill=goodwill, demand=state.demand * 0.0)
        state = demand(problem, before)
        units.append(state.demand[0])
        goodwill = _next_goodwill(problem, goodwill, best)
    return np.stack(units)


def _next_goodwill(problem: Problem, goodwill: Floats, best: bool) -> Floats:
    """Return the highest, or the lowest, goodwill that may follow."""
    growth, decay, cap, floor = problem.modulation.goodwill if len(problem.modulation.goodwill) else (1.0, 1.0, 1.0, 1.0)
    after = np.minimum(goodwill * growth, cap), np.maximum(goodwill * decay, floor)
    return np.maximum(*after) if best else np.minimum(*after)


def _arrivals(problem: Problem, seed: int) -> Integers:
    """Return when orders arrive, (before + T, L, K): those before the episode, the oldest first, then those of its periods."""
    lanes, before = problem.lanes, len(problem.lanes.initial)
    ordered = np.arange(-before, problem.clock.length)
    seeds, first = np.full(len(ordered), seed), np.zeros(len(ordered), dtype=np.int64)
    drawn = randomness.lead_times(problem, seeds, first, ordered)
    arrival = np.maximum(ordered[:, None, None] + drawn, 0)
    in_order = arrival.copy()
    in_order[before:] = np.maximum.accumulate(arrival, axis=0)[before:]
    arrival = np.where((lanes.crossing == IN_ORDER)[:, None], in_order, arrival)
    if (lanes.crossing == KAPLAN).any():
        arrival = np.where((lanes.crossing == KAPLAN)[:, None], _of_kaplan(ordered, drawn, before), arrival)
    return np.broadcast_to(arrival, (*arrival.shape[:2], problem.shape.skus))


def _of_kaplan(ordered: Integers, drawn: Integers, before: int) -> Integers:
    """Return when orders arrive that do so in the first period in which they are as old as is drawn then."""
    arrival = np.full(drawn.shape, NEVER)
    for period in ordered[before:][::-1]:
        age = (period - ordered)[:, None, None]
        arrival = np.where((age >= drawn[before + period]) & (age >= 0), period, arrival)
    return arrival


def _filled(problem: Problem, state: State) -> Floats:
    """Return the share of what suppliers accept that they ship, (T, L); where each unit has its own chance, at most all."""
    suppliers, lanes = problem.suppliers, problem.lanes
    of_supplier = lanes.supplier >= 0
    low, high = (np.where(of_supplier, share[lanes.supplier], 1.0) for share in (suppliers.fill_low, suppliers.fill_high))
    chance = randomness.uniforms(lanes.fill_stream[:, 0], state.seed, state.episode, state.period)
    by_unit = of_supplier & suppliers.fill_by_unit[lanes.supplier]
    return np.where(by_unit, np.where(low > 0.0, 1.0, 0.0), low + chance * (high - low))
