"""What a policy sees: stock, units in transit by age, open demand, past demand, the calendar and a forecast.

Rule-based and learned policies receive the same object. It holds nothing of the future: when a shipment will arrive is not
part of it, only when it was ordered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.engine.dynamics.arrays import sum_into, sum_last
from allotment.engine.dynamics.feasibility import inventory_position
from allotment.engine.state import State
from allotment.scenario.problem import Floats, Integers, Problem
from allotment.simulation.simulation import Simulation


def visible_ages(problem: Problem) -> int:
    """Return how many order ages can be in transit at a decision, from 1 period old."""
    return max(0, problem.lanes.slots - 1 - int(problem.clock.received_first))


def mean_demand(problem: Problem) -> Floats:
    """Return each channel's mean demand for each SKU over a cycle, (C, K) units/period."""
    return problem.demand.mean.mean(axis=0)


def by_nearest_site(problem: Problem, by_channel: Floats) -> Floats:
    """Sum channels (…, C, K) into the sites they are nearest to (…, S, K)."""
    return sum_into(by_channel, problem.channels.nearest_site, problem.shape.sites, by_channel.ndim - 2)


def by_destination(problem: Problem, by_lane: Floats) -> Floats:
    """Sum supply lanes (…, L, K) into the sites they lead to (…, S, K)."""
    return sum_into(by_lane, problem.lanes.to, problem.shape.sites, by_lane.ndim - 2)


def by_echelon(problem: Problem, by_site: Floats) -> Floats:
    """Sum sites (B, S, K) over each site and all that are downstream of it, (B, S, K)."""
    together = np.zeros_like(by_site)
    for site, members in enumerate(problem.sites.downstream):
        for member in np.flatnonzero(members):
            together[:, site] += by_site[:, member]
    return together


@dataclass(frozen=True)
class GivenForecast:
    """Forecasts that were made elsewhere, for single channels and SKUs; where one ends, the world's own holds."""

    places: Sequence[tuple[int, int, int]]  # world, channel and SKU of each
    mean: Sequence[Floats]  # of each, (periods,) units, the coming period first
    deviation: Sequence[Floats]  # of each, (periods,) units

    def instead_of(self, own: Floats, given: Sequence[Floats]) -> Floats:
        """Return the world's own numbers (B, periods, C, K) with the given ones, one row a place, in their place."""
        filled = own.copy()
        for (world, channel, sku), units in zip(self.places, given, strict=True):
            shared = units[: own.shape[1]]
            filled[world, : len(shared), channel, sku] = shared
        return filled


@dataclass(frozen=True)
class Observation:
    """What is known of a batch of worlds at a decision. Axes as in `Problem`; ages A count periods since the order."""

    problem: Problem
    by_life: Floats  # (B, S, K, lives) units on hand by remaining life; not aware of what has disappeared unseen
    on_hand: Floats  # (B, S, K) units as the records have them
    open_demand_by_slot: Floats  # (B, C, K, D) units by due slot
    in_transit: Floats  # (B, L, K) units
    owed: Floats  # (B, L, K) units that sources owe; no lanes where none keeps a backlog
    goodwill: Floats  # (B, G) multiplier of mean demand that past service has left
    period: Integers  # (B,)
    slots: Floats  # (B, order slots, L, K, lives) units in transit by the period of the order, modulo the slots
    history: Floats  # (B, history slots, C, K) units demanded, or sold, by period, modulo the slots
    cash: Floats  # (B, M) money; no account where the world has no treasury
    debt: Floats  # (B, M) money drawn on the credit line
    payables: Floats  # (B, V, U) money owed to suppliers, by settlements until it is paid
    receivables: Floats  # (B, V, C) money owed by channels, likewise
    budget_left: Floats  # (B, Q) money left of each budget
    memory: Floats | None = None  # (B, n) what the policy itself kept from its last decision; none before its first
    given: GivenForecast | None = None  # instead of the world's own

    @classmethod
    def of(
        cls, problem: Problem, state: State, memory: Floats | None = None, given: GivenForecast | None = None
    ) -> Observation:
        """Return what a policy sees of a state, beside what it remembers itself and the forecast it may have been given."""
        on_hand = sum_last(state.on_hand) if state.on_hand.shape[-1] > 1 else state.on_hand[..., 0]
        return cls(
            problem=problem,
            by_life=state.on_hand,
            on_hand=on_hand + state.unrecorded_loss if state.unrecorded_loss.shape[1] else on_hand,
            open_demand_by_slot=state.open_demand,
            in_transit=state.in_transit,
            owed=state.owed,
            goodwill=state.goodwill,
            period=state.period,
            slots=state.pipeline,
            history=state.demand_history,
            cash=state.cash,
            debt=state.debt,
            payables=state.payables,
            receivables=state.receivables,
            budget_left=state.budget_left,
            memory=memory,
            given=given,
        )

    @classmethod
    def of_calendar(cls, problem: Problem, periods: Integers) -> Observation:
        """Return what is known of periods (n,) by the calendar alone: forecasts, and no stock anywhere."""
        nothing = np.zeros((len(periods), 0, 0))
        known: dict[str, Any] = {each.name: nothing for each in fields(cls) if each.default is MISSING}
        return cls(**{**known, "problem": problem, "period": periods})

    @property
    def batch(self) -> int:
        """Return the number of worlds."""
        return len(self.period)

    @cached_property
    def open_demand(self) -> Floats:
        """Return open demand, whenever it is due, (B, C, K) units."""
        by_slot = self.open_demand_by_slot
        return sum_last(by_slot) if by_slot.shape[-1] > 1 else by_slot[..., 0]

    @cached_property
    def in_transit_by_age(self) -> Floats:
        """Return units in transit by order age, (B, A, L, K), the youngest (1 period) first."""
        ages = np.arange(1, visible_ages(self.problem) + 1)
        slots = (self.period[:, None] - ages) % self.problem.lanes.slots
        by_slot = self.slots[..., 0] if self.slots.shape[-1] == 1 else sum_last(self.slots)
        return by_slot[np.arange(self.batch)[:, None], slots]

    @cached_property
    def inbound(self) -> Floats:
        """Return units in transit to each site, (B, S, K)."""
        return by_destination(self.problem, self.in_transit)

    @cached_property
    def inbound_by_age(self) -> Floats:
        """Return units in transit to each site by order age, (B, A, S, K), the youngest first."""
        return by_destination(self.problem, self.in_transit_by_age)

    @cached_property
    def demand_history(self) -> Floats:
        """Return past demand, or sales, (B, H, C, K) units, the latest first; zero before the episode began."""
        kept = self.problem.demand.history_slots
        seen = self.problem.clock.demand_first and not self.problem.demand.of_sales
        slots = (self.period[:, None] - (0 if seen else 1) - np.arange(kept)) % max(kept, 1)
        return self.history[np.arange(self.batch)[:, None], slots]

    @cached_property
    def inventory_position(self) -> Floats:
        """Return on hand + in transit + owed by sources − open demand near a site − owed to others, (B, S, K) units."""
        return inventory_position(self.problem, self.on_hand, self.in_transit, self.open_demand, self.owed)

    @cached_property
    def echelon_position(self) -> Floats:
        """Return the inventory position of a site and of all sites downstream of it together, (B, S, K) units."""
        return by_echelon(self.problem, self.inventory_position)

    def forecast(self, periods: int) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the demand near each site in this and the coming periods.

        Both are (B, periods, S, K) in units; channels are taken as independent. What has been seen already (demand before
        `decide`) is not forecast again: the first period is then the next one.
        """
        first = self.period + int(self.problem.clock.demand_first)
        places = self.problem.table_period(first[:, None] + np.arange(periods))
        if self.given is None:
            means, variances = site_moments(self.problem)
            return means[places], np.sqrt(variances[places])
        mean = self.given.instead_of(self.problem.demand.mean[places], self.given.mean)
        deviation = self.given.instead_of(self.problem.demand.deviation[places], self.given.deviation)
        return by_nearest_site(self.problem, mean), np.sqrt(by_nearest_site(self.problem, deviation**2))


def observe(simulation: Simulation, memory: Floats | None = None) -> Observation:
    """Return what a policy sees of a simulation now, valid until its next step; `memory` is what its last decision left it."""
    return Observation.of(simulation.problem, simulation.state, memory)


def site_moments(problem: Problem) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of demand near each site, each (P, S, K)."""
    return by_nearest_site(problem, problem.demand.mean), by_nearest_site(problem, problem.demand.deviation**2)
