"""What is measured of an episode: money by term, service and stock, over the measured periods only.

Fill rate counts units that are there when due; cycle service level counts the channel-SKU periods with demand in which nothing
became late or lost; stock turns are the cost of goods sold over the mean value of stock on hand.
"""

from __future__ import annotations

import numpy as np

from allotment.engine.dynamics.money import SIGNS
from allotment.engine.state import Flows
from allotment.scenario.loader import World
from allotment.scenario.problem import ROUNDING, TERMS, Floats


class Tally:
    """Sums of the measured periods of a batch of episodes."""

    def __init__(self, world: World, batch: int) -> None:
        self.world = world
        self.periods = world.scenario.horizon.periods
        self.money = np.zeros((batch, len(TERMS), len(world.names.skus)))
        self.discounted = np.zeros(batch)
        self.units = {name: np.zeros(batch) for name in ("demand", "shipped", "lost", "open_demand", "on_hand", "in_transit")}
        self.on_time = np.zeros(batch)
        self.periods_with_demand = np.zeros(batch)
        self.periods_in_full = np.zeros(batch)
        self.cost_of_goods = np.zeros(batch)
        self.stock_value = np.zeros(batch)
        costs = world.problem.goods.unit_cost.mean(axis=0)
        self.unit_cost = costs if costs.any() else np.ones_like(costs)  # turns in units where nothing has a cost

    def add(self, period: int, flows: Flows) -> None:
        """Add a period's record, unless it belongs to the warm-up."""
        measured = period - self.world.problem.clock.warm_up
        if measured < 0:
            return
        self.money += flows.money
        self.discounted += self.world.scenario.horizon.discount**measured * flows.reward
        for name, total in self.units.items():
            total += getattr(flows, name).sum(axis=(1, 2))
        self.on_time += flows.on_time.sum(axis=(1, 2))
        wanted = flows.demand > 0.0
        self.periods_with_demand += wanted.sum(axis=(1, 2))
        self.periods_in_full += (wanted & (flows.late + flows.lost <= ROUNDING)).sum(axis=(1, 2))
        self.cost_of_goods += flows.shipped.sum(axis=1) @ self.unit_cost
        self.stock_value += flows.on_hand.sum(axis=1) @ self.unit_cost

    def measures(self) -> dict[str, Floats]:
        """Return one number an episode for each measure; money and units are per measured period."""
        periods = self.periods
        money = self.money.sum(axis=-1)
        measures = {"score": (money * SIGNS).sum(axis=-1) / periods, "discounted_return": self.discounted}
        measures |= {name: total / periods for name, total in self.units.items()}
        measures["fill_rate"] = _share(self.on_time, self.units["demand"])
        measures["cycle_service_level"] = _share(self.periods_in_full, self.periods_with_demand)
        measures["stock_turns"] = np.where(
            self.stock_value > 0.0, self.cost_of_goods * periods / np.maximum(self.stock_value, 1e-300), np.nan
        )
        return measures | {f"money/{term}": money[:, place] / periods for place, term in enumerate(TERMS)}

    def score_by_sku(self) -> Floats:
        """Return the score of each episode by SKU, (episodes, K) in money per measured period."""
        return np.einsum("btk,t->bk", self.money, SIGNS) / self.periods


def _share(part: Floats, whole: Floats) -> Floats:
    """Return a share, 1 where there was nothing to share."""
    return np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), 1.0)
