"""A recorded episode in a programme: what was executed, as values of the programme's variables.

With everything fixed, the programme's money is the episode's: that is how it is checked. With a part fixed, it says what
perfect foresight is worth in the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from allotment.engine.state import MOVEMENTS, Decision, Flows, State
from allotment.programs.draft import Draft
from allotment.programs.linear_program import NONE
from allotment.programs.opening import Opening, opening_at
from allotment.programs.service import late_shipments
from allotment.programs.supply import fixed_cost_a_unit, turns_away
from allotment.programs.worth import worth
from allotment.scenario.problem import CHARGE, DECIDE, FULFIL, RECEIVE, SIGNS, TERMS, Flags, Floats, Problem
from allotment.simulation.simulation import Simulation

FLOWS = ("executed", "shipped", "on_time", "late", "lost", "open_demand", "demand", "received")
FINANCING = [TERMS.index("interest"), TERMS.index("discount_taken")]
STOCKS = ("expired", "shrunk", "discarded", "on_hand", "in_transit")


class Episode(NamedTuple):
    """What happened in an episode, by period T: units as in `Flows`."""

    executed: Floats  # (T, L, K)
    shipped: Floats  # (T, F, K)
    on_time: Floats  # (T, C, K)
    late: Floats  # (T, C, K)
    lost: Floats  # (T, C, K)
    open_demand: Floats  # (T, C, K)
    demand: Floats  # (T, C, K)
    received: Floats  # (T, L, K)
    expired: Floats  # (T, S, K)
    shrunk: Floats  # (T, S, K)
    discarded: Floats  # (T, S, K)
    on_hand: Floats  # (T, S, K)
    in_transit: Floats  # (T, L, K)
    due: Floats  # (T, C, K) units of open demand that are due at `charge`, not a number where that cannot be seen
    money: Floats  # (T,) what each record counts, income less costs
    financing: Floats  # (T,) of that, what early payment saved less interest, which no programme counts
    opening: Opening  # with what the measured periods begin
    begun: float  # money that their first record counts already when they begin

    def closing(self, problem: Problem) -> Floats:
        """Return what is left in the end, on hand and in transit, less what is open: (K,) units."""
        left = self.on_hand[-1].sum(axis=0) + self.in_transit[-1].sum(axis=0) - self.open_demand[-1].sum(axis=0)
        sequence = problem.clock.sequence.tolist()
        after = sequence.index(RECEIVE) > sequence.index(CHARGE)
        return left - (self.discarded[-1].sum(axis=0) if after else 0.0)


def recorded(problem: Problem, seeds: Sequence[int], decide: Callable[[Simulation], Decision]) -> list[Episode]:
    """Play the first episode of each seed with somebody's decisions, and return what happened."""
    simulation = Simulation(problem, len(seeds))
    simulation.reset(np.arange(len(seeds)), np.array(seeds, dtype=np.int64), np.zeros(len(seeds), dtype=np.int64))
    periods, openings, begun = [], [], np.zeros(len(seeds))
    for period in range(problem.clock.length):
        if period == problem.clock.warm_up:
            openings = [opening_at(problem, simulation.state, world) for world in range(len(seeds))]
            begun = _booked(problem, simulation.state, period)
        flows = simulation.step(decide(simulation))
        units = {name: np.array(getattr(flows, name)) for name in (*FLOWS, *STOCKS)}
        periods.append({**units, "due": _due(problem, simulation.state, flows), "money": flows.terms @ SIGNS})
        periods[-1]["financing"] = flows.terms[:, FINANCING] @ SIGNS[FINANCING]
    stacked = {name: np.stack([period[name] for period in periods], axis=1) for name in periods[0]}
    return [
        Episode(**{name: units[place] for name, units in stacked.items()}, opening=openings[place], begun=float(begun[place]))
        for place in range(len(seeds))
    ]


def _booked(problem: Problem, state: State, period: int) -> Floats:
    """Return the money of what has moved since the last record was closed, (B,)."""
    moved = {name: getattr(state, name) for name in MOVEMENTS}
    moved["paid"] = np.where(problem.lanes.on_receipt[:, None], state.received, 0.0)
    return sum((moved[name] * worth(problem, name, period)).sum(axis=(1, 2)) for name in moved)


def _due(problem: Problem, state: State, flows: Flows) -> Floats:
    """Return the units that were due at `charge`, (B, C, K), from a state that is a period older unless the season is over."""
    due, slots = problem.channels.due, np.arange(state.open_demand.shape[-1])
    if not due.any():
        return np.array(flows.open_demand)
    sequence = problem.clock.sequence.tolist()
    over = problem.clock.season and bool((state.period == problem.clock.length).all())
    if sequence.index(FULFIL) < sequence.index(DECIDE) and not over:
        return np.full(flows.open_demand.shape, np.nan)
    since = due if over else due + 1
    return np.array((state.open_demand * (slots >= since[:, None])[:, None]).sum(axis=-1))


def fix_orders(draft: Draft, executed: Floats, lanes: Flags) -> None:
    """Let what some lanes (L,) ship be what was executed, (T, L, K) units, and cost what it did."""
    draft.program.fix(draft.orders[draft.before :, lanes], executed[:, lanes])
    for period, units in enumerate(executed):
        borne = (fixed_cost_a_unit(draft, period) * units).sum(axis=1) - fixed_costs(draft, period, units)
        draft.program.constant += draft.weights[period] * borne[lanes].sum()


def fixed_costs(draft: Draft, period: int, units: Floats) -> Floats:
    """Return the fixed costs of shipments (L, K) by lane, (L,)."""
    prices, ships = draft.problem.prices, units > 1e-9
    fixed = draft.now(prices.fixed, period) * ships.any(axis=1)
    return fixed + (draft.now(prices.line, period) * ships).sum(axis=1)


def fix_everything(draft: Draft, episode: Episode) -> None:
    """Let everything be what it was, interest and what early payment saved included."""
    fix_orders(draft, episode.executed, np.ones(draft.problem.shape.lanes, dtype=bool))
    _fix_service(draft, episode)
    _fix_stocks(draft, episode)
    draft.program.constant += float(draft.weights @ episode.financing[-len(draft.weights) :])


def _fix_service(draft: Draft, episode: Episode) -> None:
    """Let serving be as it was: what was asked for, shipped on each lane, there when due, late, and what waited."""
    program, channels, slots = draft.program, draft.problem.channels, np.arange(draft.problem.shape.slots)
    program.fix(draft.demanded[..., None], episode.demand)
    program.fix(draft.shipped, episode.shipped)
    due = (slots >= channels.due[:, None])[:, None]
    waits = np.where(draft.waiting == NONE, draft.unserved, draft.waiting)
    for chosen, units in ((np.ones_like(due), episode.open_demand), (due, episode.due)):
        known = np.isfinite(units)
        low, high = np.where(known, units, -np.inf), np.where(known, units, np.inf)
        program.add(program.constraints(low, high, units.shape)[..., None], waits, np.where(chosen, _kept(draft), 0.0))
    _fix_timeliness(draft, episode, waits)


def _kept(draft: Draft) -> Floats:
    """Return the units that wait of a unit that is not served, or that waits, (T, C, K, D)."""
    channels, slots = draft.problem.channels, np.arange(draft.problem.shape.slots)
    cancelled = (channels.last[:, None] == slots) & ~channels.open_ended[:, None]
    stays = np.where(cancelled, 0.0, np.where(channels.due[:, None] == slots, channels.stays[:, None], 1.0))
    return np.where(draft.waiting == NONE, stays[:, None], 1.0)


def _fix_timeliness(draft: Draft, episode: Episode, waits: np.ndarray) -> None:
    """Let as many units of each channel be there when due, and late, as were."""
    program, fulfilment, channels = draft.program, draft.problem.fulfilment, draft.problem.channels
    slots = np.arange(draft.problem.shape.slots)
    in_time = (slots <= fulfilment.on_time[:, None])[:, None]
    overdue = ((slots == channels.due[:, None]) & (channels.last > channels.due)[:, None])[:, None]
    rows = program.constraints(episode.on_time, episode.on_time, episode.on_time.shape)
    program.add(rows[:, fulfilment.channel][..., None], draft.shipped, np.where(in_time, 1.0, 0.0))
    rows = program.constraints(episode.late, episode.late, episode.late.shape)
    program.add(rows[:, fulfilment.channel][..., None], draft.shipped, np.where(late_shipments(draft), 1.0, 0.0))
    program.add(rows[..., None], waits, np.where(overdue, _kept(draft), 0.0))


def _fix_stocks(draft: Draft, episode: Episode) -> None:
    """Let what is on hand, expires, disappears and is turned away be what was."""
    program = draft.program
    program.fix(draft.expired[..., None], episode.expired)
    program.fix(draft.shrunk, episode.shrunk)
    program.fix(draft.on_hand, episode.on_hand)
    if not turns_away(draft).any():
        return
    limited = turns_away(draft)[draft.problem.lanes.to][:, None]
    low, high = np.where(limited, episode.received, -np.inf), np.where(limited, episode.received, np.inf)
    received = program.constraints(low, high, episode.received.shape)
    for record, lane, sku, columns in draft.accepted:
        program.add(received[record, lane, sku][:, None], columns, 1.0)
