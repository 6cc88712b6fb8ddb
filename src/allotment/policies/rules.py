"""The rule-based policies, each a few lines: what to order from what is known.

A rule is a dataclass that declares its parameters and decides; `@rule` gives it the name that configs use. One that does not
apply everywhere says by `obstacle` why it does not apply in a network; it is refused there by name. What it sees of coming
demand stands in `SEES`. Quantities follow the inventory position of a site once the same decision's transfers count. Shapes
as in `Problem`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import numpy as np
from pydantic import Field

from allotment.decisions.encodings import moved
from allotment.decisions.observation import Observation, by_echelon
from allotment.decisions.ordering import Ordering
from allotment.engine.dynamics.arrays import sum_last
from allotment.engine.state import Decision
from allotment.policies import echelon_levels, initial_values
from allotment.policies.critical_ratios import critical_safety_factor
from allotment.policies.forecasters import Forecaster, TrueProcess
from allotment.policies.initial_values import cover, demand_share, spread_over
from allotment.policies.newsvendor_levels import newsvendor_level, safety_stock_level
from allotment.policies.parameters import parameter
from allotment.policies.sources import CHEAPEST, FASTEST, at_sources, placed
from allotment.policies.transfers import Transfers
from allotment.scenario.loader import World
from allotment.scenario.moments import lead_time_moments
from allotment.scenario.problem import Flags, Floats, Integers

NO_CAP = 1e15  # units; larger than any order
NUMBERS_AT_ONCE = 4_000_000  # of a forecast
RULES: dict[str, type] = {}  # by the name that configs use
R = TypeVar("R", bound=type)
Sees = Literal["forecast", "law"]  # what a rule sees of coming demand: the config's forecast, or the law of the true process


def rule(name: str) -> Callable[[R], R]:
    """Give a rule its name in configs."""

    def known(cls: R) -> R:
        RULES[name] = cls
        return cls

    return known


@dataclass(frozen=True)
class Network:
    """What every rule knows of its world: the lanes it orders on and its rule for transfers, if it makes any."""

    world: World
    lanes: Integers  # (S, K) the lane by which a site orders a SKU: the cheap one where a rule uses two
    fast_lanes: Integers  # (S, K) the fastest lane
    transfers: Transfers | None
    forecaster: Forecaster = field(default_factory=TrueProcess)

    @cached_property
    def lead_times(self) -> tuple[Floats, Floats]:
        """Return mean (periods) and variance of the lead time on the usual lanes, (S, K) each."""
        mean, variance = lead_time_moments(self.world.problem)
        return at_sources(mean, self.lanes), at_sources(variance, self.lanes)

    @cached_property
    def fast_lead_times(self) -> tuple[Floats, Floats]:
        """Return mean (periods) and variance of the lead time on the fastest lanes, (S, K) each."""
        mean, variance = lead_time_moments(self.world.problem)
        return at_sources(mean, self.fast_lanes), at_sources(variance, self.fast_lanes)

    def forecast(self, observation: Observation, periods: int) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the demand near each site in the coming periods, (B, periods, S, K) units."""
        return self.forecaster.forecast(observation, periods)

    def levels_by_period(self, levels: Callable[[Observation], Floats], lead_times: Floats) -> Floats | None:
        """Return what forecast levels (B, S, K) are in every period of demand's tables, (P, S, K) units.

        None where forecasts do not follow from the calendar alone.
        """
        if type(self.forecaster) is not TrueProcess:
            return None
        periods, reach = np.arange(len(self.world.problem.demand.mean)), int(np.round(lead_times).max()) + 1
        parts = np.array_split(periods, max(1, len(periods) * reach * lead_times.size // NUMBERS_AT_ONCE))
        return np.concatenate([levels(Observation.of_calendar(self.world.problem, part)) for part in parts])

    def transferred(self, observation: Observation) -> tuple[Floats, Floats]:
        """Return this decision's transfers (B, L, K) and the inventory position after them (B, S, K), in units."""
        if self.transfers is None:
            nothing = np.zeros((observation.batch, *self.world.problem.lanes.allowed.shape))
            return nothing, observation.inventory_position
        transfers = self.transfers.orders(observation)
        return transfers, observation.inventory_position + moved(self.world, transfers)

    def ordering(self, level: Floats, **settings: Any) -> Ordering:
        """Return how levels, (S, K) or by period (P, S, K) in units, are ordered on these lanes; settings as in `Ordering`."""
        lateral = None if self.transfers is None else (self.transfers.by_freight, self.transfers.covers)
        levels = level[None] if level.ndim == 2 else level
        return Ordering(self.lanes, self.fast_lanes, levels, self.two_sources, lateral=lateral, **settings)

    def order(self, quantities: Floats, transfers: Floats, fast: Floats | None = None) -> Decision:
        """Return the decision to order quantities (B, S, K) on the usual lanes, `fast` ones on the fastest, and transfers.

        Quantities below 0 say how far a rule is from ordering.
        """
        wanted = placed(self.world, quantities, self.lanes)
        if fast is not None:
            wanted = wanted + placed(self.world, fast, self.fast_lanes)
        return Decision(transfers + np.maximum(wanted, 0.0), wanted=transfers + wanted)

    @property
    def two_sources(self) -> Flags:
        """Return where the fastest lane is another than the usual one, (S, K)."""
        return self.lanes != self.fast_lanes

    @cached_property
    def slower(self) -> Floats:
        """Return by how much the usual lane is slower than the fastest, by mean lead times, (S, K) periods."""
        return self.lead_times[0] - self.fast_lead_times[0]

    def late(self, observation: Observation) -> Floats:
        """Return what the cheap lane will bring only after the fast one could, going by mean lead times, (B, S, K) units."""
        slower = self.slower
        by_age = observation.in_transit_by_age[:, :, self.lanes, np.arange(self.lanes.shape[1])]  # (B, A, S, K)
        ages = 1 + np.arange(by_age.shape[1])[:, None, None]
        late = np.where(ages < slower, by_age, 0.0)
        return sum_last(np.moveaxis(late, 1, -1)) if late.shape[1] else late.sum(axis=1)


class TwoSources:
    """A rule that orders from a cheap and a fast source."""

    @staticmethod
    def obstacle(network: Network) -> str | None:
        """Return why the rule does not apply: without two sources it is the same as a rule of one."""
        if network.two_sources.any():
            return None
        return (
            f"orders from a cheaper and a faster source, but in {network.world.name} no site has both; "
            "take a rule of one source (base_stock, newsvendor, s_S)"
        )


@rule("base_stock")
@dataclass(frozen=True)
class BaseStock:
    """Order up to a level every period, at most `cap` at a time (Zipkin 2008 caps; infinite for none)."""

    network: Network
    level: Floats = parameter(
        cover(CHEAPEST),
        spread_over(CHEAPEST, 1.0),
        whole=True,
        ways={"newsvendor": newsvendor_level, "safety_stock": safety_stock_level},
    )  # (S, K) units
    cap: Floats = parameter(demand_share(1.5), demand_share(0.25), whole=True, default=NO_CAP)  # (S, K) units

    def decide(self, observation: Observation) -> Decision:
        """Raise each position to its level."""
        transfers, position = self.network.transferred(observation)
        return self.network.order(np.minimum(self.level - position, self.cap), transfers)

    def ordering(self) -> Ordering:
        """Return the same for compiled code."""
        return self.network.ordering(self.level, cap=self.cap)


@rule("echelon_base_stock")
@dataclass(frozen=True)
class EchelonBaseStock:
    """Order so that a site and all sites downstream of it together reach a level (Clark and Scarf 1960).

    Sources ship what they have; what they lack is in nobody's position until it has left.
    """

    network: Network
    level: Floats = parameter(
        initial_values.echelon_cover,
        initial_values.echelon_spread,
        whole=True,
        signed=True,
        ways={
            "clark_scarf": echelon_levels.clark_scarf,
            "shang_song": echelon_levels.shang_song,
            "shang_song_lower": echelon_levels.shang_song_lower,
            "shang_song_upper": echelon_levels.shang_song_upper,
        },
    )  # (S, K) units

    def decide(self, observation: Observation) -> Decision:
        """Raise each echelon's position to its level."""
        transfers, position = self.network.transferred(observation)
        position = by_echelon(self.network.world.problem, position)
        return self.network.order(self.level - position, transfers)

    def ordering(self) -> Ordering:
        """Return the same for compiled code."""
        return self.network.ordering(self.level, echelon=True)


@rule("s_S")
@dataclass(frozen=True)
class ReorderPoint:
    """(s, S): when the position is at or below the reorder point, order up to the level (Scarf 1960)."""

    network: Network
    reorder_point: Floats = parameter(cover(CHEAPEST, 0.0), spread_over(CHEAPEST, 1.0), whole=True, signed=True)  # (S, K) units
    gap: Floats = parameter(demand_share(2.0), demand_share(1.0), whole=True)  # (S, K) units between reorder point and level

    def decide(self, observation: Observation) -> Decision:
        """Raise the positions that have fallen to their reorder point."""
        transfers, position = self.network.transferred(observation)
        short = position <= self.reorder_point
        return self.network.order(np.where(short, self.reorder_point + self.gap - position, 0.0), transfers)

    def ordering(self) -> Ordering:
        """Return the same for compiled code."""
        return self.network.ordering(self.reorder_point + self.gap, reorder_point=self.reorder_point)


@rule("s_nQ")
@dataclass(frozen=True)
class BatchOrder:
    """(s, nQ): when the position is at or below the reorder point, order the batches that bring it above (Hadley, Whitin 1963).

    With at most one batch at a time (`batches: 1`) it is (R, Q).
    """

    network: Network
    reorder_point: Floats = parameter(cover(CHEAPEST, 0.0), spread_over(CHEAPEST, 1.0), whole=True, signed=True)  # (S, K) units
    quantity: Floats = parameter(demand_share(2.0), demand_share(1.0), whole=True)  # (S, K) units in a batch
    batches: Floats = parameter(1.0, 1.0, whole=True, default=NO_CAP)  # (S, K) at most in one order

    def decide(self, observation: Observation) -> Decision:
        """Order whole batches at the positions that have fallen to their reorder point."""
        transfers, position = self.network.transferred(observation)
        needed = np.floor((self.reorder_point - position) / np.maximum(self.quantity, 1e-12)) + 1.0
        return self.network.order(np.clip(needed, 0.0, self.batches) * self.quantity, transfers)


@rule("constant_order")
@dataclass(frozen=True)
class ConstantOrder:
    """Order the same quantity every period, whatever the stock."""

    network: Network
    quantity: Floats = parameter(demand_share(0.9), demand_share(0.1), whole=True)  # (S, K) units

    def decide(self, observation: Observation) -> Decision:
        """Order the constant quantity."""
        transfers, _ = self.network.transferred(observation)
        return self.network.order(np.broadcast_to(self.quantity, observation.on_hand.shape), transfers)

    def ordering(self) -> Ordering:
        """Return the same for compiled code."""
        return self.network.ordering(self.quantity, constant=self.quantity)


@rule("single_index")
@dataclass(frozen=True)
class SingleIndex(TwoSources):
    """Two sources, one position: expedite up to a lower level, order the rest up to a higher one on the cheap lane."""

    network: Network
    expedite_level: Floats = parameter(
        cover(CHEAPEST, 0.0), spread_over(CHEAPEST, 1.0), whole=True, signed=True
    )  # (S, K) units
    gap: Floats = parameter(demand_share(1.0), demand_share(0.5), whole=True)  # (S, K) units between the two levels

    def decide(self, observation: Observation) -> Decision:
        """Raise each position to the lower level fast, and to the higher one at the usual pace."""
        transfers, position = self.network.transferred(observation)
        fast = np.where(self.network.two_sources, self.expedite_level - position, 0.0)
        slow = self.expedite_level + self.gap - position - np.maximum(fast, 0.0)
        return self.network.order(slow, transfers, fast)

    def ordering(self) -> Ordering:
        """Return the same for compiled code."""
        return self.network.ordering(self.expedite_level + self.gap, expedite_level=self.expedite_level[None])


@rule("dual_index")
@dataclass(frozen=True)
class DualIndex(TwoSources):
    """Two sources, two positions (Veeraraghavan and Scheller-Wolf 2008).

    The fast source raises what is there within its lead time to one level, the cheap source the whole position to another,
    at most `cap` at a time (infinite for none).
    """

    network: Network
    expedite_level: Floats = parameter(cover(FASTEST, 0.0), spread_over(FASTEST, 1.0), whole=True, signed=True)  # (S, K) units
    level: Floats = parameter(cover(CHEAPEST), spread_over(CHEAPEST, 1.0), whole=True)  # (S, K) units
    cap: Floats = parameter(demand_share(1.5), demand_share(0.25), whole=True, default=NO_CAP)  # (S, K) units on the cheap lane

    def decide(self, observation: Observation) -> Decision:
        """Raise the near position with the fast source and the whole position with the cheap one."""
        transfers, position = self.network.transferred(observation)
        return two_speeds(self.network, observation, transfers, position, self.expedite_level, self.level, self.cap)

    def ordering(self) -> Ordering:
        """Return the same for compiled code."""
        expedite_level, slower = self.expedite_level[None], self.network.slower
        return self.network.ordering(self.level, expedite_level=expedite_level, slower=slower, cap=self.cap)


@rule("tailored_base_surge")
@dataclass(frozen=True)
class TailoredBaseSurge(TwoSources):
    """Two sources: the cheap one brings the same every period, the fast one covers surges (Allon and Van Mieghem 2010).

    The fast source raises what is there within its lead time to a level.
    """

    network: Network
    expedite_level: Floats = parameter(cover(FASTEST, 0.0), spread_over(FASTEST, 1.0), whole=True, signed=True)  # (S, K) units
    quantity: Floats = parameter(demand_share(0.5), demand_share(0.25), whole=True)  # (S, K) units a period on the cheap lane

    def decide(self, observation: Observation) -> Decision:
        """Raise the near position with the fast source; the cheap one goes on."""
        transfers, position = self.network.transferred(observation)
        late = self.network.late(observation)
        fast = np.where(self.network.two_sources, self.expedite_level - position + late, 0.0)
        return self.network.order(np.broadcast_to(self.quantity, position.shape), transfers, fast)

    def ordering(self) -> Ordering:
        """Return the same for compiled code."""
        expedite_level, slower = self.expedite_level[None], self.network.slower
        return self.network.ordering(self.quantity, expedite_level=expedite_level, slower=slower, constant=self.quantity)


def two_speeds(
    network: Network,
    observation: Observation,
    transfers: Floats,
    position: Floats,
    expedite_level: Floats,
    level: Floats,
    cap: Floats | float = np.inf,
) -> Decision:
    """Raise the near position to one level with the fast source, the whole position to another with the cheap one."""
    fast = np.where(network.two_sources, expedite_level - position + network.late(observation), 0.0)
    slow = np.minimum(level - position - np.maximum(fast, 0.0), cap)
    return network.order(slow, transfers, fast)


@rule("newsvendor")
@dataclass(frozen=True)
class Newsvendor:
    """Order up to the forecast over lead time and review period and a safety factor times its standard deviation."""

    SEES: ClassVar[Sees] = "forecast"

    network: Network
    safety_factor: Floats = parameter(
        1.0, 0.5, signed=True, ways={"from_costs": critical_safety_factor}
    )  # (S, K) standard deviations

    def decide(self, observation: Observation) -> Decision:
        """Raise each position to its forecast level."""
        transfers, position = self.network.transferred(observation)
        return self.network.order(self._levels(observation) - position, transfers)

    def ordering(self) -> Ordering | None:
        """Return the same for compiled code, where forecasts follow from the calendar."""
        levels = self.network.levels_by_period(self._levels, self.network.lead_times[0])
        return None if levels is None else self.network.ordering(levels)

    def _levels(self, observation: Observation) -> Floats:
        return forecast_levels(self.network, observation, self.network.lead_times, self.safety_factor)


@rule("dual_newsvendor")
@dataclass(frozen=True)
class DualNewsvendor(TwoSources):
    """Two sources, each with a forecast level over lead time and review period: a dual index that follows the season."""

    SEES: ClassVar[Sees] = "forecast"
    ECHELON: ClassVar[bool] = False  # whether positions are those of a site and all downstream of it

    network: Network
    expedite_factor: Floats = parameter(0.0, 0.5, signed=True)  # (S, K) standard deviations, on the fast source's forecast
    safety_factor: Floats = parameter(
        1.0, 0.5, signed=True, ways={"from_costs": critical_safety_factor}
    )  # (S, K) standard deviations, on the cheap source's forecast

    def decide(self, observation: Observation) -> Decision:
        """Raise the near position to the fast source's level and the whole position to the cheap one's."""
        transfers, position = self._transferred(observation)
        expedite_level, level = self._expedite_levels(observation), self._levels(observation)
        return two_speeds(self.network, observation, transfers, position, expedite_level, level)

    def ordering(self) -> Ordering | None:
        """Return the same for compiled code, where forecasts follow from the calendar."""
        network, (fast, slow) = self.network, self._ahead
        level = network.levels_by_period(self._levels, slow)
        expedite_level = network.levels_by_period(self._expedite_levels, fast)
        if level is None:
            return None
        return network.ordering(level, expedite_level=expedite_level, slower=network.slower, echelon=self.ECHELON)

    def _transferred(self, observation: Observation) -> tuple[Floats, Floats]:
        """Return this decision's transfers (B, L, K) and the position after them (B, S, K), in units."""
        return self.network.transferred(observation)

    @cached_property
    def _ahead(self) -> tuple[Floats, Floats]:
        """Return the periods from an order to what it serves, by the fast source and by the cheap one, (S, K) each."""
        return self.network.fast_lead_times[0], self.network.lead_times[0]

    def _levels(self, observation: Observation) -> Floats:
        return forecast_levels(self.network, observation, self.network.lead_times, self.safety_factor)

    def _expedite_levels(self, observation: Observation) -> Floats:
        return forecast_levels(self.network, observation, self.network.fast_lead_times, self.expedite_factor)


def forecast_levels(
    network: Network, observation: Observation, lead_times: tuple[Floats, Floats], safety_factor: Floats
) -> Floats:
    """Return mean demand over lead time and review period and a safety factor times its deviation, (B, S, K) units."""
    mean_lead, variance_lead = lead_times
    covered = np.round(mean_lead).astype(int) + initial_values.review_periods(network.world.problem)
    means, deviations = network.forecast(observation, max(int(covered.max()), 1))
    mean = over_first(means, covered)
    variance = over_first(deviations**2, covered) + variance_lead * (mean / np.maximum(covered, 1)) ** 2
    return mean + safety_factor * np.sqrt(variance)


def over_first(by_period: Floats, periods: Integers) -> Floats:
    """Return the sums (B, S, K) of quantities (B, n, S, K) over so many of the first periods, (S, K)."""
    sums = np.cumsum(np.concatenate([np.zeros_like(by_period[:, :1]), by_period], axis=1), axis=1)
    return sums[:, periods, *np.indices(periods.shape)]


@rule("random")
@dataclass(frozen=True)
class RandomOrder:
    """Order anything between nothing and twice the mean demand: the floor under every comparison.

    What is drawn is a function of the seed and of what is seen, so that the same snapshot gets the same answer.
    """

    network: Network
    seed: Annotated[int, Field(ge=0)] = 0

    def decide(self, observation: Observation) -> Decision:
        """Draw a quantity for each site and SKU."""
        limit = 2.0 * self.network.world.problem.sites.expected_demand
        transfers, _ = self.network.transferred(observation)
        shares = np.stack([self._shares(observation, world) for world in range(observation.batch)])
        return self.network.order(shares * limit, transfers)

    def _shares(self, observation: Observation, world: int) -> Floats:
        seen = [
            (np.round(array[world], 6) + 0.0).tobytes()  # sums of the same parts in another order count as equal
            for array in (observation.on_hand, observation.inbound, observation.open_demand)
        ]
        key = hashlib.blake2b(b"".join([*seen, observation.period[world].tobytes()]), digest_size=8).digest()
        rng = np.random.Generator(np.random.Philox(key=[self.seed, int.from_bytes(key, "little")]))
        return rng.random(observation.on_hand.shape[1:])
