"""Worlds in which candidates are played one after the other, each with the same draws (common random numbers)."""

from __future__ import annotations

import numpy as np

from allotment.evaluation.rollout import restart
from allotment.evaluation.testing import measured_in
from allotment.policies.rule_config import RulePolicy
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers
from allotment.scenario.streams import derived_seed
from allotment.simulation.simulation import Simulation


def search_worlds(policy: RulePolicy, seed: int) -> Integers:
    """Return the seeds (n,) of the worlds of a policy's search, which are none of training, validation or test."""
    return derived_seed("tune", seed) + np.arange(policy.config.tuning.worlds, dtype=np.int64)


class Replications:
    """The first episodes of some seeds, simulated again for each candidate: one compiled call where the rule compiles."""

    def __init__(self, world: World, seeds: Integers) -> None:
        self.world, self.seeds = world, seeds
        self.candidates = 0  # played so far
        self._simulation = Simulation(world.problem, len(seeds))

    def by_world(self, policy: RulePolicy) -> Floats:
        """Play a candidate; returns the reward per measured period that each SKU earned in each world, (n, K) in money."""
        self.candidates += 1
        restart(self._simulation, self.seeds)
        return measured_in(self._simulation, policy, self.world).score_by_sku()

    def by_sku(self, policy: RulePolicy) -> Floats:
        """Play a candidate; returns the mean over the worlds, (K,) in money."""
        return self.by_world(policy).mean(axis=0)
