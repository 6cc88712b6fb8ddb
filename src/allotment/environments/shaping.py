"""What a training's rewards count, and when its first episodes end: strategies of a VecEnv.

Draws do not depend on decisions, so that both ways of counting leave the best policy the best.
"""

from __future__ import annotations

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


class Money:
    """The period's money, as the scenario counts it."""

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


class RelativeToRule:
    """What the policy earns more than a rule in the same worlds, side by side: most of the noise of demand is gone.

    The rule plays the warm-up, which metrics leave out: what can be gained there once would drown what can be gained ever
    after.
    """

    def __init__(self, world: World, batch: int, rule: Policy) -> None:
        self.world, self.rule = world, rule
        self.reference = Simulation(world.problem, batch)

    def begin(self, simulation: Simulation, worlds: Integers) -> None:
        """Let the rule play the warm-up of the episodes just started; from there it goes on beside the policy."""
        opening = Simulation(self.world.problem, len(worlds))
        opening.reset(np.arange(len(worlds)), simulation.state.seed[worlds], simulation.state.episode[worlds])
        for _ in range(self.world.problem.clock.warm_up):
            opening.step(self.rule.decide(observe(opening)))
        for each in (simulation, self.reference):
            each.take_over(worlds, opening)

    def of(self, simulation: Simulation) -> Floats:
        """Play the rule's period; returns how much more the policy earned."""
        self.reference.step(self.rule.decide(observe(self.reference)))
        return simulation.flows.reward - self.reference.flows.reward

    def get_state(self) -> dict[str, Any]:
        """Return the state of the rule's worlds."""
        return {"reference": self.reference.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.reference.set_state(state["reference"])


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
