"""Where a rule's forecasts come from: the true process, or what has been seen of demand.

A forecaster of the second kind keeps its state in the policy's memory: how many periods it has seen, how many errors it has
made, and what its method keeps of each series. A series is the demand near a site of a SKU. Without a memory it starts from
the history that the observation holds; before anything has been seen it expects nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
from pydantic import Field

from allotment.decisions.observation import Observation, by_nearest_site
from allotment.forecasting.fitting import fitted_smoothing
from allotment.forecasting.methods import Croston, ExponentialSmoothing, Method, SeasonalNaive, TeunterSyntetosBabai
from allotment.forecasting.tracking import Tracked
from allotment.policies.parameters import parameter
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers
from allotment.scenario.streams import derived_seed
from allotment.simulation.simulation import Simulation

HEADER = 2  # numbers before the series' own: periods seen, errors made
FITTED_PERIODS = 200  # at most, of the demand that parameters are fitted to


class Forecaster(Protocol):
    """What forecasts the demand near sites."""

    INFORMED: ClassVar[bool]

    def memory_size(self, world: World) -> int:
        """Return how many numbers it keeps from one decision to the next."""
        ...

    def remembered(self, observation: Observation) -> Floats | None:
        """Return what it knows now, (B, n), none where it keeps nothing."""
        ...

    def forecast(self, observation: Observation, periods: int) -> tuple[Floats, Floats]:
        """Return mean and deviation of the coming periods, (B, periods, S, K) units; the memory is what it knows now."""
        ...


@dataclass(frozen=True)
class TrueProcess:
    """The means and deviations of the true process, or those that came with a snapshot."""

    INFORMED: ClassVar[bool] = True

    def memory_size(self, world: World) -> int:
        """Return 0: it keeps nothing."""
        return 0

    def remembered(self, observation: Observation) -> None:
        """Return nothing."""
        return

    def forecast(self, observation: Observation, periods: int) -> tuple[Floats, Floats]:
        """Return the true means and deviations."""
        return observation.forecast(periods)


@dataclass(frozen=True)
class Adaptive(TrueProcess):
    """The true process times (recent demand ÷ its mean) to a power: forecasts for markets that move.

    Recent is what the world's history holds, summed over all channels of a SKU; both sums begin with so many periods of mean
    demand (`prior`), which keeps the ratio near 1 while little has been seen.
    """

    power: Floats = parameter(0.5, 0.25, axes="sku", most=2.0)  # (K,)
    prior: Annotated[float, Field(ge=0.0)] = 2.0  # periods

    def forecast(self, observation: Observation, periods: int) -> tuple[Floats, Floats]:
        """Return the means times a power of the ratio, and the deviations times its root."""
        ratio = self._ratio(observation)[:, None, None] ** self.power[..., None, None, :]
        mean, deviation = observation.forecast(periods)
        return mean * ratio, deviation * np.sqrt(ratio)

    def _ratio(self, observation: Observation) -> Floats:
        """Return recent demand over its mean, (B, K)."""
        problem, history = observation.problem, observation.demand_history.sum(axis=2)  # (B, H, K)
        total, back = problem.demand.mean.sum(axis=1), np.arange(history.shape[1])
        seen = periods_seen(observation)
        expected = total[problem.table_period(np.maximum(seen[:, None] - 1 - back, 0))]
        counted = (back < seen[:, None])[..., None]
        base = self.prior * total.mean(axis=0) + 1e-12
        return (np.where(counted, history, 0.0).sum(axis=1) + base) / (np.where(counted, expected, 0.0).sum(axis=1) + base)


def past_demand(world: World) -> Floats:
    """Return demand near sites in an episode that no test uses, (periods, S, K) units, for parameters to be fitted to."""
    simulation, seen = Simulation(world.problem, 1), []
    simulation.reset(np.zeros(1, np.int64), np.array([derived_seed("forecast", 0)]), np.zeros(1, np.int64))
    nothing = np.zeros((1, *world.problem.lanes.allowed.shape))
    for _ in range(min(world.problem.clock.length, FITTED_PERIODS)):
        seen.append(by_nearest_site(world.problem, simulation.step(nothing).demand[0]))
    return np.stack(seen)


def fitted(world: World) -> Floats:
    """Return smoothing parameters fitted to past demand near each site, (S, K)."""
    return fitted_smoothing(past_demand(world))


def periods_seen(observation: Observation) -> Integers:
    """Return how many periods of demand have been seen, (B,)."""
    demand, clock = observation.problem.demand, observation.problem.clock
    return observation.period + int(clock.demand_first and not demand.of_sales)


class FromHistory(ABC):
    """A forecaster that knows what has been demanded, and nothing else."""

    INFORMED: ClassVar[bool] = False

    @property
    @abstractmethod
    def method(self) -> Method:
        """Return the recursion over series (B, S, K)."""

    def memory_size(self, world: World) -> int:
        """Return how many numbers it keeps from one decision to the next."""
        shape = world.problem.shape
        return HEADER + (self.method.size + 1) * shape.sites * shape.skus

    def remembered(self, observation: Observation) -> Floats:
        """Return what is known after all periods that have been seen, (B, n)."""
        history = by_nearest_site(observation.problem, observation.demand_history)  # (B, H, S, K), the latest first
        seen, header, numbers = periods_seen(observation), *self._kept(observation)
        known = np.where(header[:, 0] <= seen, header[:, 0], 0.0)
        new = np.minimum(seen - known, history.shape[1]).astype(np.int64)
        begun = known > 0.0
        for back in range(int(new.max(initial=0)) - 1, -1, -1):
            due = back < new
            moved = self._after(numbers, history[:, back], begun, header[:, 1])
            numbers = np.where(due[:, None, None, None], moved, numbers)
            header[:, 1] = np.where(due & begun, header[:, 1] + 1.0, np.where(due, 0.0, header[:, 1]))
            begun = begun | due
        header[:, 0] = np.where(begun, seen, 0)
        return np.concatenate([header, numbers.reshape(len(header), -1)], axis=1)

    def _after(self, numbers: Floats, demand: Floats, begun: Any, errors: Floats) -> Floats:
        """Return the numbers (B, size + 1, S, K) after one more period, or after the first where nothing had begun."""
        state, squares = np.moveaxis(numbers[:, :-1], 1, 0), numbers[:, -1]
        later = Tracked(self.method, state, squares, errors[:, None, None]).after(demand)
        first = np.moveaxis(self.method.start(demand), 0, 1)
        gone_on = np.concatenate([np.moveaxis(later.state, 0, 1), later.squares[:, None]], axis=1)
        started = np.concatenate([first, np.zeros_like(demand)[:, None]], axis=1)
        return np.where(begun[:, None, None, None], gone_on, started)

    def _kept(self, observation: Observation) -> tuple[Floats, Floats]:
        """Return a memory's header (B, 2) and numbers (B, size + 1, S, K), zeros where there is none."""
        shape = observation.problem.shape
        numbers = (self.method.size + 1, shape.sites, shape.skus)
        memory = observation.memory
        if memory is None:
            return np.zeros((observation.batch, HEADER)), np.zeros((observation.batch, *numbers))
        return memory[:, :HEADER].copy(), memory[:, HEADER:].reshape(-1, *numbers)

    def forecast(self, observation: Observation, periods: int) -> tuple[Floats, Floats]:
        """Return mean and deviation of the coming periods, nothing before anything has been seen."""
        header, numbers = self._kept(observation)
        tracked = Tracked(self.method, np.moveaxis(numbers[:, :-1], 1, 0), numbers[:, -1], header[:, 1, None, None])
        clock, demand = observation.problem.clock, observation.problem.demand
        first = 1 + int(clock.demand_first and demand.of_sales)  # a period that is over, but not yet in the history of sales
        mean, deviation = tracked.forecast(range(first, first + periods))
        known = header[:, 0, None, None] > 0.0
        return tuple(np.moveaxis(np.where(known, each, 0.0), 0, 1) for each in (mean, deviation))  # type: ignore[return-value]


@dataclass(frozen=True)
class Smoothed(FromHistory):
    """Exponential smoothing of past demand."""

    smoothing: Floats = parameter(0.2, 0.1, most=1.0, default=0.2, ways={"fitted": fitted})  # (S, K) share of an error

    @property
    def method(self) -> Method:
        """Return the recursion."""
        return ExponentialSmoothing(self.smoothing)


@dataclass(frozen=True)
class ByCroston(FromHistory):
    """Croston's forecast of intermittent demand: an order's size over the interval between orders."""

    smoothing: Floats = parameter(0.1, 0.05, most=1.0, default=0.1)  # (S, K)
    bias_corrected: bool = True  # Syntetos and Boylan

    @property
    def method(self) -> Method:
        """Return the recursion."""
        return Croston(self.smoothing, self.bias_corrected)


@dataclass(frozen=True)
class ByTeunterSyntetosBabai(FromHistory):
    """An order's size times the probability of one, which falls while none comes."""

    smoothing: Floats = parameter(0.1, 0.05, most=1.0, default=0.1)  # (S, K) of the size
    probability_smoothing: Floats = parameter(0.1, 0.05, most=1.0, default=0.1)  # (S, K)

    @property
    def method(self) -> Method:
        """Return the recursion."""
        return TeunterSyntetosBabai(self.smoothing, self.probability_smoothing)


@dataclass(frozen=True)
class BySeason(FromHistory):
    """What was demanded a season before."""

    season: Annotated[int, Field(ge=1, le=1000)] = 52  # periods

    @property
    def method(self) -> Method:
        """Return the recursion."""
        return SeasonalNaive(self.season)


FORECASTERS: dict[str, type] = {
    "true_process": TrueProcess,
    "exponential_smoothing": Smoothed,
    "croston": ByCroston,
    "tsb": ByTeunterSyntetosBabai,
    "seasonal_naive": BySeason,
    "adaptive": Adaptive,
}
