"""The laws of what a period draws: finite distributions, taken from the functions that the simulation draws with."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

import numpy as np

from allotment.engine import randomness
from allotment.scenario.distributions import EVENT, HISTORY, NO_DEMAND, TABLE
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Floats, Integers, Problem

LARGEST_LAW = 200_000  # outcomes of one draw
HALVINGS = 60  # of the unit interval, until chances are as close as numbers can be


class Law(NamedTuple):
    """A finite distribution."""

    values: Floats  # (n, …)
    probabilities: Floats  # (n,)


def certain(values: Floats) -> Law:
    """Return the law of what is always the same."""
    return Law(np.asarray(values)[None], np.ones(1))


def together(laws: Iterable[Law]) -> Law:
    """Return the law of the sum of independent draws of one shape; draws that fill different places are simply put together."""
    return reduce(_with, laws)


def _with(one: Law, other: Law) -> Law:
    if len(one.probabilities) * len(other.probabilities) > LARGEST_LAW:
        size = len(one.probabilities) * len(other.probabilities)
        raise ScenarioError(f"demand: a period has more than {size:,} outcomes; at most {LARGEST_LAW:,} can be enumerated")
    values = one.values[:, None] + other.values[None]
    probabilities = one.probabilities[:, None] * other.probabilities[None]
    return Law(values.reshape(-1, *one.values.shape[1:]), probabilities.ravel())


def without_tails(values: Floats, probabilities: Floats, tail: float) -> Law:
    """Return a law of rising values in which each tail of less than `tail` counts at the last value before it."""
    below = np.cumsum(probabilities)
    first, last = int(np.searchsorted(below, tail)), int(np.searchsorted(below, below[-1] - tail))
    last = min(last, len(values) - 1)
    kept = probabilities[first : last + 1].copy()
    kept[0] += probabilities[:first].sum()
    kept[-1] += probabilities[last + 1 :].sum()
    positive = kept > 0.0
    return Law(values[first : last + 1][positive], kept[positive] / kept.sum())


def lead_time_law(problem: Problem, lane: int) -> Law:
    """Return the law of a lane's lead time, (n,) periods."""
    if problem.lanes.constant[lane] >= 0:
        return Law(problem.lanes.constant[lane : lane + 1].astype(float), np.ones(1))
    values, probabilities = _table(problem, int(problem.lanes.lead_row[lane]))
    return Law(values[probabilities > 0.0], probabilities[probabilities > 0.0])


def _table(problem: Problem, row: int) -> tuple[Floats, Floats]:
    tables = problem.tables
    cumulative = tables.cumulative[tables.start[row] : tables.start[row + 1]]
    return tables.first[row] + np.arange(len(cumulative)), np.diff(cumulative, prepend=0.0)


class DemandLaws:
    """The law of a period's demand in a world, by what it depends on."""

    def __init__(self, problem: Problem, tail: float, step: float) -> None:
        if problem.demand.loading.any():
            raise ScenarioError("demand: correlated demand has no finite law; it cannot be enumerated")
        self.problem, self.tail, self.step = problem, tail, step
        self.known: dict[tuple[int, int, int, float], Law] = {}

    def of(self, period: int, multiplier: Floats, event: int) -> Law:
        """Return the law of demand (n, C, K) in units.

        `multiplier` (C, K) is what goodwill and regimes make of the mean; `event` is the event of the period, or -1 where it
        is still to be drawn.
        """
        demand, place = self.problem.demand, int(self.problem.table_period(np.array(period)))
        shape = demand.kind.shape
        laws = [certain(np.zeros(shape))]
        if (demand.kind == EVENT).any():
            laws.append(self._of_events(event))
        if (demand.kind == HISTORY).any():
            laws.append(self._of_record(period, place, multiplier))
        for channel, sku in np.argwhere(~np.isin(demand.kind, (NO_DEMAND, EVENT, HISTORY))):
            single = self.single(int(channel), int(sku), place, float(multiplier[channel, sku]))
            values = np.zeros((len(single.values), *shape))
            values[:, channel, sku] = single.values
            laws.append(Law(values, single.probabilities))
        return together(laws)

    def single(self, channel: int, sku: int, place: int, multiplier: float) -> Law:
        """Return the law of one demand, (n,) units."""
        key = channel, sku, place, multiplier
        if key not in self.known:
            demand = self.problem.demand
            if demand.kind[channel, sku] == TABLE:
                units, probabilities = _table(self.problem, int(demand.row[place, channel, sku]))
            else:
                units, probabilities = self._by_inversion(*key)
            self.known[key] = without_tails(units, probabilities, self.tail)
        return self.known[key]

    def _by_inversion(self, channel: int, sku: int, place: int, multiplier: float) -> tuple[Floats, Floats]:
        """Return values and probabilities of a demand: the chances at which its quantile goes from one step to the next."""
        demand, tables = self.problem.demand, self.problem.tables

        def steps(chances: Floats) -> Floats:
            units = randomness.demand_quantiles(demand, tables, channel, sku, place, multiplier, chances)
            return np.floor(units / self.step + 0.5)

        lowest, highest = steps(np.array([self.tail, 1.0 - self.tail]))
        if highest - lowest > LARGEST_LAW:
            raise ScenarioError(
                f"demand: {highest - lowest:,.0f} steps of {self.step:g} units; at most {LARGEST_LAW:,} can be enumerated"
            )
        values = np.arange(lowest, highest + 1.0)
        low, high = np.zeros(len(values) - 1), np.ones(len(values) - 1)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            beyond = steps(np.clip(middle, 1e-300, 1.0 - 2.0**-53)) > values[:-1]
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        return values * self.step, np.diff(np.concatenate([[0.0], 0.5 * (low + high), [1.0]]))

    def _of_events(self, event: int) -> Law:
        bounds, lengths = events(self.problem)
        chosen = np.arange(len(lengths)) if event < 0 else np.array([event])
        middles = bounds[chosen] + 0.5 * lengths[chosen]
        low, high = self.problem.demand.event_low, self.problem.demand.event_high
        is_event = self.problem.demand.kind == EVENT
        values = ((low <= middles[:, None, None]) & (middles[:, None, None] < high) & is_event).astype(float)
        unique, position = np.unique(values.reshape(len(values), -1), axis=0, return_inverse=True)
        weights = np.bincount(position.ravel(), lengths[chosen] / lengths[chosen].sum()).astype(np.float64)
        return Law(unique.reshape(-1, *is_event.shape), weights)

    def _of_record(self, period: int, place: int, multiplier: Floats) -> Law:
        demand, periods = self.problem.demand, len(self.problem.demand.recorded)
        if demand.replayed or periods == 1:
            recorded = np.array([period % periods])
        elif demand.window < 0:
            recorded = np.arange(periods)
        else:
            recorded = (period + np.arange(-demand.window, demand.window + 1)) % periods
        units, mean = demand.recorded[recorded] * multiplier, demand.centre[place] * multiplier
        drawn = np.clip(np.where(demand.noise == 1.0, units, mean + demand.noise * (units - mean)), 0.0, demand.maximum)
        values = np.where(demand.kind == HISTORY, drawn, 0.0)
        if self.step and np.abs(values / self.step - np.round(values / self.step)).max(initial=0.0) > 1e-9:
            raise ScenarioError(f"demand: the record holds what is no multiple of {self.step:g} units")
        return Law(values, np.full(len(recorded), 1.0 / len(recorded)))


def events(problem: Problem) -> tuple[Floats, Floats]:
    """Return where the events of a period begin in (0, 1), and how probable each is, (n,)."""
    demand, suppliers = problem.demand, problem.suppliers
    bounds = [demand.event_low, demand.event_high, suppliers.event_low, suppliers.event_high]
    starts = np.unique(np.concatenate([np.array([0.0, 1.0]), *(np.clip(bound, 0.0, 1.0).ravel() for bound in bounds)]))
    return starts[:-1], np.diff(starts)


def regime_law(problem: Problem) -> Law:
    """Return chances (n, regimes) that stand for every way in which Markov chains can move, whatever states they are in."""
    laws = []
    for regime, rows in enumerate(problem.modulation.transition):
        starts = np.unique(np.concatenate([[0.0, 1.0], np.clip(rows.ravel(), 0.0, 1.0)]))
        values = np.zeros((len(starts) - 1, len(problem.modulation.transition)))
        values[:, regime] = 0.5 * (starts[:-1] + starts[1:])
        laws.append(Law(values, np.diff(starts)))
    return together(laws)


def binomial_law(trials: Integers, probability: Floats) -> Law:
    """Return the law of how many of some units come through, (n, places); each unit of a place by the place's probability."""
    from scipy import stats

    laws = [certain(np.zeros(len(trials)))]
    for place in np.flatnonzero(trials > 0):
        counts = np.arange(trials[place] + 1)
        chances = stats.binom.pmf(counts, trials[place], probability[place])
        values = np.zeros((len(counts), len(trials)))
        values[:, place] = counts
        laws.append(Law(values[chances > 0.0], chances[chances > 0.0]))
    return together(laws)
