"""Playing episodes: a policy in a batch of worlds, period by period. Evaluation, tuning and figures all play through here."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allotment.decisions.observation import observe
from allotment.decisions.policy import Policy
from allotment.engine.state import Flows
from allotment.scenario.loader import World
from allotment.scenario.problem import Integers
from allotment.simulation.simulation import Simulation


def rollout(world: World, policy: Policy, seeds: Integers) -> Iterator[tuple[int, Flows]]:
    """Play the first episode of each seed (n,) to its end; yields each period's number and record, valid until the next."""
    simulation = Simulation(world.problem, len(seeds))
    simulation.reset(np.arange(len(seeds)), np.asarray(seeds, dtype=np.int64), np.zeros(len(seeds), dtype=np.int64))
    memory = None
    for period in range(world.problem.clock.length):
        decision = policy.decide(observe(simulation, memory))
        memory = decision.memory
        yield period, simulation.step(decision)
