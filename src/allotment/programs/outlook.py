"""What is expected of the coming periods, as the path of a programme: a forecast, and the laws of lead times and of supply.

A path is either the mean of what may come, or one of several draws of it, which no episode makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allotment.decisions.observation import Observation
from allotment.programs.opening import Opening
from allotment.programs.path import SamplePath
from allotment.quantities import Floats, Integers
from allotment.scenario.problem import IN_ORDER, KAPLAN, Problem
from allotment.scenario.streams import derived_seed


def opening_of(observation: Observation, world: int) -> Opening:
    """Return with what a programme begins that sees a world of an observation; the oldest order in transit comes first."""
    problem, period = observation.problem, int(observation.period[world])
    slots = problem.lanes.slots
    ordered = period - np.arange(slots - 1, 0, -1)
    in_transit = observation.slots[world, ordered % slots] if slots > 1 else observation.slots[world, :0]
    on_hand = observation.by_life[world] if problem.shape.lives > 1 else observation.on_hand[world][..., None]
    return Opening(np.array(on_hand), np.array(observation.open_demand_by_slot[world]), np.array(in_transit), decides=True)


@dataclass(frozen=True)
class Outlook:
    """The coming periods of a world, as a decision sees them beside demand."""

    problem: Problem
    periods: int  # at most, that of the decision included

    def expected(self, period: int, demand: Floats) -> SamplePath:
        """Return the path from a period on in which all is as its mean; demand (T, C, K) units."""
        suppliers, sites = self.problem.suppliers, self.problem.sites
        chance = np.where(suppliers.event_low > 1.0, np.inf, suppliers.event_high - suppliers.event_low)
        share, good = 0.5 * (suppliers.fill_low + suppliers.fill_high), 0.5 * (sites.yield_low + sites.yield_high)
        return self._path(period, demand, self._expected_arrival, chance, share, good)

    def drawn(self, period: int, demand: Floats, draw: int) -> SamplePath:
        """Return a path from a period on with lead times, capacities and yields of a draw; demand (T, C, K) units.

        Lead times of later decisions are expected ones: known beforehand they would only be taken advantage of.
        """
        suppliers, sites = self.problem.suppliers, self.problem.sites
        chances = np.random.default_rng([derived_seed("outlook", draw), period])
        event, filled, good = (chances.random((len(demand), n)) for n in (1, len(suppliers.fill_low), len(sites.yield_low)))
        happens = (suppliers.event_low <= event) & (event < suppliers.event_high)
        capacity = np.where(suppliers.event_low > 1.0, np.inf, happens)
        share = suppliers.fill_low + filled * (suppliers.fill_high - suppliers.fill_low)
        good = sites.yield_low + good * (sites.yield_high - sites.yield_low)
        known = self.problem.lanes.slots  # orders in transit, and the decision's own
        arrival = self._expected_arrival.copy()
        arrival[:known] = self._arrivals(chances.random(arrival.shape))[:known]
        return self._path(period, demand, arrival, capacity, share, good)

    def _path(
        self, period: int, demand: Floats, arrival: Integers, capacity: Floats, share: Floats, good: Floats
    ) -> SamplePath:
        lanes, suppliers, length = self.problem.lanes, self.problem.suppliers, len(demand)
        calendar = suppliers.capacity[(period + np.arange(length)) % len(suppliers.capacity)]
        of_lanes = np.broadcast_to(share, (length, share.shape[-1]))[:, lanes.supplier] if share.size else 1.0
        arrival = arrival[: len(arrival) - self.periods + length]
        return SamplePath(
            demand=demand,
            least_demand=demand,
            arrival=np.broadcast_to(arrival[..., None], (*arrival.shape, self.problem.shape.skus)),
            supplier_capacity=np.minimum(calendar, capacity),
            filled=np.where(lanes.supplier >= 0, of_lanes, np.ones((length, 1))),
            plant_yield=np.broadcast_to(good, (length, good.shape[-1])),
        )

    @cached_property
    def _expected_arrival(self) -> Integers:
        """Return when orders arrive, going by the mean lead time of those that have not arrived yet, (ages + T, L)."""
        chances = (np.arange(64) + 0.5) / 64.0
        shape = (self.problem.lanes.slots - 1 + self.periods, len(self.problem.lanes.to))
        draws = [self._arrivals(np.full(shape, chance)) for chance in chances]
        return np.floor(np.mean(draws, axis=0) + 0.5).astype(np.int64)

    def _arrivals(self, chances: Floats) -> Integers:
        """Return when orders arrive, counted from the decision: in transit, the oldest first, and to come; chances (n, L)."""
        ordered = np.arange(len(chances)) - (len(chances) - self.periods)
        least = np.maximum(-ordered + self.problem.clock.received_first * (ordered < 0), 0)
        lead = np.stack([self._lead_times(lane, least, chances[:, lane]) for lane in range(chances.shape[1])], axis=1)
        arrival = ordered[:, None] + lead
        return np.where(self.problem.lanes.crossing == IN_ORDER, np.maximum.accumulate(arrival, axis=0), arrival)

    def _lead_times(self, lane: int, least: Integers, chances: Floats) -> Integers:
        """Return a lane's lead times that are reached with chances (n,), of those of at least so many periods (n,)."""
        tables, row = self.problem.tables, self.problem.lanes.lead_row[lane]
        cumulative: Floats = tables.cumulative[tables.start[row] : tables.start[row + 1]]
        if self.problem.lanes.crossing[lane] == KAPLAN:  # arrives when any period so far has drawn its age
            cumulative = np.asarray(1.0 - np.cumprod(1.0 - cumulative))
        shortest = int(tables.first[row])
        before = np.where(least > shortest, cumulative[np.clip(least - shortest - 1, 0, len(cumulative) - 1)], 0.0)
        places = np.searchsorted(cumulative, before + chances * (1.0 - before))
        return np.maximum(shortest + np.minimum(places, len(cumulative) - 1), least)
