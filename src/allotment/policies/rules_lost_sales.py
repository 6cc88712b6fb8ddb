"""Rules for lost sales with a lead time (Zipkin 2008, Operations Research 56(5)): each site and SKU by itself, on one lane.

They look at every order in transit, and know the law of demand. Shapes as in `Problem`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from allotment.decisions.observation import Observation
from allotment.engine.state import Decision
from allotment.policies.critical_ratios import critical_ratio, overage, underage
from allotment.policies.demand_law import demand_law, grid_step, over_periods, quantiles
from allotment.policies.parameters import parameter
from allotment.policies.rules import Network, Sees, rule
from allotment.policies.stock_law import StockLaw
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Floats, Integers


class LostSales:
    """A rule that knows the law of demand, for lost sales at sites that order by one lane of a constant lead time."""

    SEES: ClassVar[Sees] = "law"

    @staticmethod
    def obstacle(network: Network) -> str | None:
        """Return why the rule does not apply in a network."""
        problem = network.world.problem
        lanes, clock = problem.lanes, problem.clock
        joined = np.stack([(lanes.to == site)[:, None] & lanes.allowed for site in range(problem.shape.sites)])
        checks = {
            "some demand waits": bool((problem.channels.stays > 0.0).any()) or problem.shape.slots > 1,
            "a site has several lanes": bool((joined.sum(axis=1) > 1).any()),
            "a site supplies another": bool((lanes.site >= 0).any()),
            "a lead time is random": bool((lanes.constant < 0).any()),
            "goods perish": problem.shape.lives > 1,
            "demand comes before the decision": clock.demand_first,
            "goods arrive after the decision": not clock.received_first,
        }
        needed = _needs(network, "lost sales at sites that each order by one lane of a constant lead time", checks)
        return needed or _unknown_law(network)


def _needs(network: Network, what: str, checks: dict[str, bool]) -> str | None:
    """Return what a rule needs and the first thing that is in its way, if anything is."""
    found = next((name for name, there in checks.items() if there), None)
    return None if found is None else f"needs {what}; in {network.world.name} {found}"


def _unknown_law(network: Network) -> str | None:
    """Return where the law of demand cannot be known, if anywhere."""
    try:
        for place in np.ndindex(network.lanes.shape):
            _law(network, *place)
    except ScenarioError as error:
        return f"needs the law of demand; in {network.world.name}, {error}"
    return None


def _law(network: Network, site: int, sku: int) -> Floats:
    try:
        return demand_law(network.world, site, sku)
    except ScenarioError as error:
        names = network.world.names
        raise ScenarioError(f"{names.sites[site]}, {names.skus[sku]}: {error}") from None


@rule("vector_base_stock")
@dataclass(frozen=True)
class VectorBaseStock(LostSales):
    """The largest order that keeps what arrives from each coming period on below a level (standard vector base-stock).

    The level of the orders of the last n periods is the critical quantile of demand over n + 1 periods, which makes it a bound
    of the optimal order (Morton 1969).
    """

    network: Network
    critical_ratio: Floats = parameter(
        critical_ratio, 0.02, default="from_costs", most=1.0, ways={"from_costs": critical_ratio}
    )  # (S, K)

    def decide(self, observation: Observation) -> Decision:
        """Order the least of what each level leaves room for."""
        transfers, position = self.network.transferred(observation)
        recent = np.cumsum(observation.inbound_by_age, axis=1)  # (B, A, S, K) units ordered in the last 1, 2, … periods
        parts = np.concatenate([np.zeros_like(position)[:, None], recent], axis=1)
        room = (self.levels - parts).min(axis=-3)
        return self.network.order(np.minimum(room, self.last_level - position), transfers)

    @cached_property
    def _leads(self) -> Integers:
        return np.round(self.network.lead_times[0]).astype(int)

    @cached_property
    def levels(self) -> Floats:
        """Return the level of the orders of the last 0, 1, … periods, (…, periods, S, K) units, infinite beyond a lead time."""
        worlds = self.critical_ratio.shape[:-2]
        found = np.full((*worlds, max(self._leads.max(), 1), *self._leads.shape), np.inf)
        for site, sku in np.ndindex(self._leads.shape):
            for periods in range(self._leads[site, sku]):
                found[..., periods, site, sku] = self._quantile(site, sku, periods + 1)
        return found

    @cached_property
    def last_level(self) -> Floats:
        """Return the level of the whole position, (…, S, K) units."""
        found = np.zeros(self.critical_ratio.shape)
        for site, sku in np.ndindex(self._leads.shape):
            found[..., site, sku] = self._quantile(site, sku, int(self._leads[site, sku]) + 1)
        return found

    def _quantile(self, site: int, sku: int, periods: int) -> Floats:
        law = over_periods(_law(self.network, site, sku), periods)
        ratio = np.clip(self.critical_ratio[..., site, sku], 0.0, 1.0)
        return quantiles(law, ratio).astype(np.float64) * grid_step(self.network.world.problem, site, sku)


@rule("myopic")
@dataclass(frozen=True)
class Myopic(LostSales):
    """Order what costs least in the period in which it arrives, given all that is in transit (Morton 1971; Zipkin 2008).

    With `periods: 2`, the next period counts too, in which the same is done again (myopic-2).
    """

    network: Network
    periods: Annotated[int, Field(ge=1, le=2)] = 1

    @staticmethod
    def obstacle(network: Network) -> str | None:
        """Return why the rule does not apply in a network."""
        at_once = {
            "units are continuous": not network.world.problem.rules.whole,
            "an order arrives at once": bool((network.world.problem.lanes.constant == 0).any()),
        }
        return LostSales.obstacle(network) or _needs(network, "whole units and a lead time of at least one period", at_once)

    def decide(self, observation: Observation) -> Decision:
        """Order the quantity of least expected cost."""
        transfers, _ = self.network.transferred(observation)
        quantities = np.zeros_like(observation.on_hand)
        for site, sku in np.ndindex(quantities.shape[1:]):
            seen = [observation.on_hand[:, site, sku], *observation.inbound_by_age[:, :, site, sku].T]
            quantities[:, site, sku] = self._best(site, sku, np.stack(seen, axis=1).astype(np.int64))
        return self.network.order(quantities, transfers)

    def _best(self, site: int, sku: int, seen: Integers) -> Integers:
        """Return the best orders (B,), from stock and the orders of the last 1, 2, … periods (B, 1 + ages); found once each."""
        known: dict[bytes, int] = self._known.setdefault((site, sku), {})
        states, of_state = np.unique(seen, axis=0, return_inverse=True)
        keys = [state.tobytes() for state in states]
        new = [place for place, key in enumerate(keys) if key not in known]
        if new:
            best = self._laws[site, sku].best_orders(states[new], self.periods)
            known.update(zip((keys[place] for place in new), best.tolist(), strict=True))
        return np.array([known[key] for key in keys])[of_state.ravel()]

    @cached_property
    def _known(self) -> dict[tuple[int, int], dict[bytes, int]]:
        return {}

    @cached_property
    def _laws(self) -> dict[tuple[int, int], StockLaw]:
        world, leads = self.network.world, self.network.lead_times[0]
        holding, short = overage(world), underage(world)
        return {
            place: StockLaw(_law(self.network, *place), int(leads[place]), float(holding[place]), float(short[place]))
            for place in np.ndindex(leads.shape)
        }
