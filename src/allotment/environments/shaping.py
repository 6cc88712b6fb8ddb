"""What a training's rewards count beside the period's money, and when its first episodes end: strategies of a VecEnv.

Draws do not depend on decisions, so that both ways of counting leave the best policy the best.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from allotment.decisions.observation import observe
from allotment.decisions.policy import Policy
from allotment.scenario.loader import World
from allotment.scenario.problem import Flags, Floats, Integers
from allotment.simulation.simulation import Simulation

TOGETHER = 128  # worlds of a group that starts together; smaller groups slow the simulation


class Reward(Protocol):
    """How the periods of a simulation are rewarded."""

    def begin(self, simulation: Simulation, worlds: Integers) -> None:
        """Take note that episodes have just started in some worlds."""
        ...

    def of(self, simulation: Simulation) -> Floats:
        """Return the rewards of the period just played, (B,) money."""
        ...

    def get_state(self) -> dict[str, Any]:
        """Return what it holds, as arrays."""
        ...

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what it held."""
        ...


Counting = Callable[[World, int], Reward]  # from a world and how many of it are simulated


class Money:
    """The period's money, as the scenario counts it."""

    def __init__(self, world: World, batch: int) -> None:
        pass

    def begin(self, simulation: Simulation, worlds: Integers) -> None:
        """Nothing is kept."""

    def of(self, simulation: Simulation) -> Floats:
        """Return the period's money."""
        return simulation.flows.reward

    def get_state(self) -> dict[str, Any]:
        """Nothing is kept."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Nothing is kept."""


class StockAtCost:
    """Money and the change of stock at unit cost, as accounts count it: buying is no loss, whether now or next period.

    r + value after − value before, where stock on hand and in transit has a value, and none once a season has ended. Over an
    episode values cancel but for the first and the last, so the best average per period stays the best.
    """

    def __init__(self, world: World, batch: int) -> None:
        self.problem = world.problem
        self.unit_costs = world.problem.goods.unit_cost.mean(axis=0)
        self.value = np.zeros(batch)

    def begin(self, simulation: Simulation, worlds: Integers) -> None:
        """Begin with what the worlds hold: at an episode's start the initial stock, and what was ordered before."""
        state, sites, lanes = simulation.state, self.problem.sites, self.problem.lanes
        opening = (sites.initial_stock.sum(axis=0) + lanes.initial.sum(axis=(0, 1))) @ self.unit_costs
        held = (state.on_hand[worlds].sum(axis=(1, 3)) + state.in_transit[worlds].sum(axis=1)) @ self.unit_costs
        self.value[worlds] = np.where(state.period[worlds] == 0, opening, held)

    def of(self, simulation: Simulation) -> Floats:
        """Return the period's money and the change of the stock's value."""
        flows = simulation.flows
        value = (flows.on_hand.sum(axis=1) + flows.in_transit.sum(axis=1)) @ self.unit_costs
        if self.problem.clock.season:
            value[simulation.ended] = 0.0
        before, self.value = self.value, value
        return flows.reward + value - before

    def get_state(self) -> dict[str, Any]:
        """Return the stock's value."""
        return {"value": self.value.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a value."""
        self.value = state["value"]


class RelativeToRule:
    """What the policy earns more than a rule in the same worlds, side by side: most of the noise of demand is gone.

    The rule plays the warm-up, which metrics leave out: what can be gained there once would drown what can be gained ever
    after.
    """

    def __init__(self, world: World, batch: int, rule: Policy, counting: Counting = Money) -> None:
        self.world, self.rule = world, rule
        self.reference = Simulation(world.problem, batch)
        self.own, self.of_rule = counting(world, batch), counting(world, batch)

    def begin(self, simulation: Simulation, worlds: Integers) -> None:
        """Let the rule play the warm-up of the episodes just started; from there it goes on beside the policy."""
        opening = Simulation(self.world.problem, len(worlds))
        opening.reset(np.arange(len(worlds)), simulation.state.seed[worlds], simulation.state.episode[worlds])
        for _ in range(self.world.problem.clock.warm_up):
            opening.step(self.rule.decide(observe(opening)))
        for each, reward in ((simulation, self.own), (self.reference, self.of_rule)):
            each.take_over(worlds, opening)
            reward.begin(each, worlds)

    def of(self, simulation: Simulation) -> Floats:
        """Play the rule's period; returns how much more the policy earned."""
        self.reference.step(self.rule.decide(observe(self.reference)))
        return self.own.of(simulation) - self.of_rule.of(self.reference)

    def get_state(self) -> dict[str, Any]:
        """Return the state of the rule's worlds, and what rewards hold."""
        return {
            "reference": self.reference.get_state(),
            "own": self.own.get_state(),
            "of_rule": self.of_rule.get_state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.reference.set_state(state["reference"])
        self.own.set_state(state["own"])
        self.of_rule.set_state(state["of_rule"])


class Staggered:
    """First episodes that end one group after the other, so that truncations do not come all at once.

    There are two groups, or more of `TOGETHER`: worlds in one period are simulated together, which smaller groups would slow.
    Episodes that were cut short so belong to no statistics.
    """

    def __init__(self, batch: int, length: int) -> None:
        groups = min(max(2, batch // TOGETHER), batch, length)
        group = np.arange(batch) * groups // batch
        self.first_ends = -(-(group + 1) * length // groups)  # periods
        self.cut_short = self.first_ends < length

    def ended(self, simulation: Simulation) -> Flags:
        """Return which episodes end early now, (B,)."""
        return self.cut_short & (simulation.state.period >= self.first_ends)

    def restarted(self, worlds: Integers) -> None:
        """Take note that the next episodes of some worlds have started, which run to their end."""
        self.cut_short[worlds] = False
