"""What is enumerated of a period is what the simulation draws: expected rewards, in any world whose draws can be listed."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, settings

from allotment.engine.state import Decision, in_full
from allotment.exact.iteration import Chain
from allotment.exact.options import Options
from allotment.exact.solving import _closed, _endless, _Exploration
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Floats
from allotment.simulation.simulation import Simulation
from random_worlds import RandomWorld, holds_in_random_worlds, random_decisions

PERIODS, EPISODES, STATES = 3, 4000, 4000


def expected_rewards(world: RandomWorld, decision: Decision) -> Floats:
    """Return the expected reward of the first periods under one and the same decision."""
    problem = _endless(world.problem)

    def decide(state) -> Options:
        batch = len(state.period)
        parts = (np.repeat(part, batch, axis=0) for part in in_full(problem, decision)[:3])
        return Options(np.arange(batch), Decision(*parts))

    explored = _Exploration(problem, 1.0, STATES, decide)
    explored.go_on(PERIODS)
    chain: Chain = _closed(explored)
    now, before, rewards = explored.start, explored.first_money, []
    for _ in range(PERIODS):
        rewards.append(now @ chain.money + before)
        before, now = now @ chain.ahead, chain.transition.T @ now
    return np.array(rewards)


def simulated_rewards(world: RandomWorld, decision: Decision) -> Floats:
    simulation, seeds = Simulation(world.problem, EPISODES), np.arange(EPISODES)
    simulation.reset(seeds, seeds, np.zeros(EPISODES, dtype=np.int64))
    many = Decision(*(None if part is None else np.repeat(part, EPISODES, axis=0) for part in decision[:3]))
    return np.stack([simulation.step(many).reward.copy() for _ in range(PERIODS)], axis=1)


@settings(max_examples=40)
@holds_in_random_worlds(units="integer")
def test_expected_rewards_are_those_of_the_simulation(world: RandomWorld, seed):
    assume(world.problem.clock.length > PERIODS)
    assume(not len(world.problem.modulation.initial))  # a regime stays in a window's first period, which has no long run
    decision = random_decisions(world, 1, seed)[0]
    try:
        expected = expected_rewards(world, decision)
    except ScenarioError:
        assume(False)
    discount = world.problem.clock.discount ** np.maximum(np.arange(PERIODS) - world.problem.clock.warm_up, 0)
    simulated = simulated_rewards(world, decision)
    error = simulated.std(axis=0) / np.sqrt(EPISODES)
    gross = np.abs(simulated).max()
    assert (np.abs(simulated.mean(axis=0) - discount * expected) <= 5.0 * error + 1e-7 * gross + 1e-7).all()
