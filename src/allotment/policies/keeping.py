"""Stock that a site keeps back from the sites it supplies: what is open near it, and so many periods of mean demand.

Goods that leave for another site come before customers in a period. Without it a hub that is asked for more than it has sends
all of it away, and its own customers get nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allotment.decisions.observation import Observation, by_nearest_site
from allotment.engine.dynamics.arrays import put_at
from allotment.engine.dynamics.rationing import share
from allotment.engine.state import Decision
from allotment.policies.initial_values import constant
from allotment.policies.parameters import Parameter
from allotment.policies.transfers import near_each_site
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers

KEEP_BACK = "keep_back"  # what the parameter is called by in a config, and among a policy's values
PERIODS_KEPT = Parameter(KEEP_BACK, "sku", constant(0.0, "sku"), constant(0.5, "sku"))


def check_supplies(world: World, where: str) -> None:
    """Raise `ScenarioError` where no site supplies another."""
    if not (world.problem.lanes.site >= 0).any():
        raise ScenarioError(f"{where}: no site of {world.name} supplies another, so that none has anything to keep back")


@dataclass(frozen=True)
class KeptBack:
    """Cuts what sites are asked to send to others, in proportion, to what they do not keep back."""

    world: World
    periods: Floats  # (K,), (B, K) or (B, S, K) of mean demand near a site, or downstream of it where there is none near it

    def cut(self, observation: Observation, decision: Decision) -> Decision:
        """Return a decision that asks no site for more than it may send."""
        orders, free = decision.orders, self._free(observation)
        for site, lanes in self._lanes:
            asked = np.moveaxis(np.maximum(orders[:, lanes], 0.0), 1, -1)  # (B, K, n)
            asked = np.floor(asked + 0.5) if self.world.problem.rules.whole else asked
            sent = share(self.world.problem.rules, asked, free[:, site])
            orders = put_at(orders, (lanes,), np.moveaxis(sent, -1, 1))
        wanted = decision.wanted
        return decision._replace(orders=orders, wanted=None if wanted is None else np.minimum(wanted, orders))

    def _free(self, observation: Observation) -> Floats:
        """Return what each site may send to others, (B, S, K) units."""
        kept = by_nearest_site(self.world.problem, observation.open_demand)
        kept = kept + near_each_site(self.periods, self.world)
        free: Floats = np.maximum(observation.on_hand - kept, 0.0)
        return np.floor(free) if self.world.problem.rules.whole else free

    @cached_property
    def _lanes(self) -> list[tuple[int, Integers]]:
        """Return the sites that supply others, each with its lanes."""
        source = self.world.problem.lanes.site
        return [(int(site), np.flatnonzero(source == site)) for site in np.unique(source[source >= 0])]
