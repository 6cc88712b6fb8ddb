"""What may be decided in a state: every whole quantity on every lane, within a range of inventory positions.

An order may take the position of the site that it leads to anywhere between two bounds. A world's own limits are taken where it
has them; the others are chosen here, and widened by the solver until no optimal decision lies at them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allotment.engine.dynamics.feasibility import inventory_position
from allotment.engine.state import Decision, State, decision_shapes
from allotment.scenario.errors import ScenarioError
from allotment.scenario.moments import lead_time_moments
from allotment.scenario.problem import Floats, Integers, Problem

LARGEST_CHUNK = 1_500_000  # decisions listed together
WIDENING = 0.25  # of a range, where a decision lies at its end


@dataclass(frozen=True)
class Range:
    """Between which inventory positions (S, K) orders may leave a site."""

    lowest: Floats
    highest: Floats
    fixed: np.ndarray  # (S, K) the world's own limit, which is not widened

    def widened(self, low: np.ndarray, high: np.ndarray) -> Range:
        """Return the range with its ends moved where flags (S, K) say so."""
        by = np.maximum(2.0, np.ceil(WIDENING * (self.highest - self.lowest)))
        return replace(
            self,
            lowest=np.where(low, self.lowest - by, self.lowest),
            highest=np.where(high & ~self.fixed, self.highest + by, self.highest),
        )

    def __str__(self) -> str:
        ends = [f"{low:g} to {high:g}" for low, high in zip(self.lowest.ravel(), self.highest.ravel(), strict=True)]
        return ", ".join(ends)


def first_range(problem: Problem) -> Range:
    """Return a range that is likely to hold the best positions: around what meets the demand of a lead time."""
    lanes, sites, prices = problem.lanes, problem.sites, problem.prices
    mean_lead, _ = lead_time_moments(problem)
    longest = np.array([mean_lead[lanes.to == site].max(initial=0.0) for site in range(problem.shape.sites)])[:, None]
    mean, cover = sites.expected_demand, longest + 1.0 - problem.clock.demand_first  # periods that an order is to cover
    near = problem.channels.nearest_site[None] == np.arange(problem.shape.sites)[:, None]
    reached = (sites.downstream.astype(float) @ near) > 0.0
    variance = reached.astype(float) @ (problem.demand.deviation**2).mean(axis=0)
    holding = np.maximum(prices.holding.mean(axis=0), 1e-9)
    margin = prices.price + prices.shortage + prices.backorder + prices.late
    penalty = np.array([margin.mean(axis=0)[row].max(axis=0, initial=0.0) for row in reached])
    safety = _normal_quantile(np.clip(penalty / (penalty + holding), 0.5, 0.999)) * np.sqrt(variance * cover)
    fixed_cost = np.array([prices.fixed[:, lanes.to == site].max(initial=0.0) for site in range(problem.shape.sites)])[:, None]
    batch = np.sqrt(2.0 * fixed_cost * mean / holding)
    highest = np.ceil(np.maximum(mean * cover + safety + batch, 1.0)) + 2.0
    backlog = (near & ((problem.channels.stays > 0.0) | ~_lost_at_once(problem))[None]).any(axis=1)[:, None]
    backlog = backlog | np.array([lanes.backlog[lanes.to == site].any() for site in range(problem.shape.sites)])[:, None]
    lowest = np.where(backlog, np.floor(mean * cover - np.sqrt(variance * cover) - (batch > 0.0) * 2.0 * mean), 0.0)
    limited = np.isfinite(sites.max_position)
    return Range(lowest, np.where(limited, sites.max_position, highest), limited)


def _lost_at_once(problem: Problem) -> np.ndarray:
    """Return which channels (C,) keep no demand beyond its period."""
    return (problem.channels.last == 0) & ~problem.channels.open_ended


def _normal_quantile(chance: Floats) -> Floats:
    from scipy import special

    return special.ndtri(chance)


@dataclass(frozen=True)
class Options:
    """All decisions of some states, end to end."""

    row: Integers  # (n,) the state of each
    decision: Decision


class Enumeration:
    """Lists the decisions of states, quantity by quantity."""

    def __init__(self, problem: Problem, within: Range, step: float) -> None:
        self.problem, self.within, self.step = problem, within, step
        lanes = problem.lanes
        supplied = np.where(lanes.supplier >= 0, _capacity(problem)[lanes.supplier], np.inf)
        self.most = np.minimum(lanes.capacity.max(axis=0), supplied)  # (L,) units
        inner = sorted(range(problem.shape.lanes), key=lambda lane: lanes.site[lane] < 0)  # between sites first
        allowed = [(lane, int(sku)) for lane in inner for sku in np.flatnonzero(lanes.allowed[lane])]
        self.lanes = allowed if problem.rules.orders else []
        self.back = {lane: self._opposite(lane) for lane, _ in self.lanes}
        self.last = {(int(lanes.to[lane]), sku): (lane, sku) for lane, sku in self.lanes}  # the last lane into a site

    def __call__(self, state: State) -> Options:
        """Return every decision of a batch of states."""
        problem, batch = self.problem, len(state.period)
        shapes, row = decision_shapes(problem), np.arange(batch)
        parts = {name: np.zeros((batch, *shape)) for name, shape in shapes.items()}
        on_hand = state.on_hand.sum(axis=-1)
        open_demand = state.open_demand.sum(axis=-1)
        position = inventory_position(problem, on_hand, state.in_transit, open_demand, state.owed)
        listed = _Listed(row, parts, {"position": position, "left": on_hand, "open": open_demand})
        for lane, sku in self.lanes:
            listed = self._with_orders(listed, lane, sku)
        if problem.rules.allocates:
            for place in np.ndindex(problem.shape.fulfilment, problem.shape.skus):
                listed = self._with_allocation(listed, *place)
        if problem.rules.protects:
            for site, rank, sku in np.ndindex(problem.shape.sites, problem.shape.classes - 1, problem.shape.skus):
                most = listed.about["left"][:, site, sku] + self._at_once(listed, site, sku)
                listed = listed.spread("protection", (site, rank, sku), np.zeros(len(most)), most, self.step)
        return Options(listed.row, Decision(**listed.parts))

    def _opposite(self, lane: int) -> int | None:
        """Return the lane back, where crossing goods gain nothing: both take equally long, and nothing perishes."""
        lanes = self.problem.lanes
        if lanes.site[lane] < 0 or self.problem.shape.lives > 1 or lanes.constant[lane] < 0:
            return None
        back = (lanes.site == lanes.to[lane]) & (lanes.to == lanes.site[lane]) & (lanes.constant == lanes.constant[lane])
        return int(np.flatnonzero(back)[0]) if back.any() else None

    def _with_orders(self, listed: _Listed, lane: int, sku: int) -> _Listed:
        lanes = self.problem.lanes
        site, source = int(lanes.to[lane]), int(lanes.site[lane])
        position = listed.about["position"][:, site, sku]
        most = np.minimum(self.most[lane], self.within.highest[site, sku] - position)
        if source >= 0 and not self.problem.sites.plant[source] and not lanes.backlog[lane]:
            most = np.minimum(most, listed.about["left"][:, source, sku])
        if self.back[lane] is not None:
            most = np.where(listed.parts["orders"][:, self.back[lane], sku] > 0.0, 0.0, most)
        least = np.zeros(len(most))
        if self.last[site, sku] == (lane, sku) and source < 0:
            least = np.clip(self.within.lowest[site, sku] - position, 0.0, self.most[lane])
        every = max(self.step, lanes.multiple[lane, sku])
        listed = listed.spread("orders", (lane, sku), least, np.maximum(least, most), every)
        ordered = listed.parts["orders"][:, lane, sku]
        listed.about["position"][:, site, sku] += ordered
        if source >= 0:
            listed.about["position"][:, source, sku] -= ordered
            listed.about["left"][:, source, sku] -= ordered
        return listed

    def _with_allocation(self, listed: _Listed, lane: int, sku: int) -> _Listed:
        problem = self.problem
        site, channel = problem.fulfilment.site[lane], problem.fulfilment.channel[lane]
        most = listed.about["left"][:, site, sku] + self._at_once(listed, site, sku)
        if problem.clock.demand_first:
            most = np.minimum(most, listed.about["open"][:, channel, sku])
        most = np.minimum(most, problem.fulfilment.capacity.max(axis=0)[lane])
        listed = listed.spread("allocation", (lane, sku), np.zeros(len(most)), np.maximum(most, 0.0), self.step)
        allocated = listed.parts["allocation"][:, lane, sku]
        listed.about["left"][:, site, sku] -= allocated
        listed.about["open"][:, channel, sku] -= allocated
        return listed

    def _at_once(self, listed: _Listed, site: int, sku: int) -> Floats:
        """Return what is ordered now and may be there at once, (n,) units."""
        lanes = self.problem.lanes
        quick = (lanes.to == site) & ((lanes.constant == 0) | (lanes.constant < 0))
        return listed.parts["orders"][:, quick, sku].sum(axis=1)


def _capacity(problem: Problem) -> Floats:
    """Return the most that each supplier can ship in a period, (U,) units."""
    return np.where(problem.suppliers.event_low <= 1.0, 1.0, problem.suppliers.capacity.max(axis=0))


@dataclass(frozen=True)
class _Listed:
    """Decisions so far, with what they leave."""

    row: Integers
    parts: dict[str, Floats]
    about: dict[str, Floats]

    def spread(self, name: str, place: tuple[int, ...], least: Floats, most: Floats, every: float) -> _Listed:
        """Return every decision with each quantity from `least` to `most` (n,) units in a place, `every` so many units."""
        first, last = np.ceil(least / every - 1e-9), np.floor(most / every + 1e-9)
        counts = np.maximum(last - first, 0.0).astype(np.int64) + 1
        if counts.sum() > LARGEST_CHUNK:
            raise ScenarioError(f"{name}: {counts.sum():,} decisions in {len(np.unique(self.row)):,} states: too many to list")
        again = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(again)) - np.repeat(np.cumsum(counts) - counts, counts)
        parts = {key: values[again] for key, values in self.parts.items()}
        parts[name][np.index_exp[:] + place] = (first[again] + within) * every
        return _Listed(self.row[again], parts, {key: values[again] for key, values in self.about.items()})
