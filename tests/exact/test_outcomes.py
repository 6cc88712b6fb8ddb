"""What is enumerated of a period is what the simulation draws: expected rewards, in any world whose draws can be listed."""

from __future__ import annotations

import random

import numpy as np
import pytest

from allotment.engine.state import Decision, in_full
from allotment.exact.options import Options
from allotment.exact.solving import _endless, _Exploration
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Floats
from allotment.simulation.simulation import Simulation
from random_worlds import ENOUGH_BYTES, RandomWorld, build, random_decisions, random_world

SHOP = {
    "name": "shop",
    "horizon": {"periods": 6},
    "objective": "cost",
    "skus": [{"name": "tin"}],
    "suppliers": [{"name": "mill"}],
    "sites": [{"name": "shop"}],
    "channels": [{"name": "walkers"}],
    "fulfilment_lanes": [{"from": "shop", "to": "walkers"}],
    "demand": [{"process": {"distribution": "deterministic", "mean": 4}}],
}
PERIODS, EPISODES, STATES = 3, 2000, 1500


def expected_rewards(world: RandomWorld, decision: Decision) -> Floats:
    """Return the expected reward of the first periods under one and the same decision."""
    problem = _endless(world.problem)

    def decide(state) -> Options:
        batch = len(state.period)
        parts = (np.repeat(part, batch, axis=0) for part in in_full(problem, decision)[:3])
        return Options(np.arange(batch), Decision(*parts))

    explored = _Exploration(problem, 1.0, STATES, decide)
    explored.go_on(PERIODS)
    chain = explored.chain()
    now, before, rewards = explored.start, explored.first_money, []
    for _ in range(PERIODS):
        rewards.append(now @ chain.money + before)
        before, now = now @ chain.ahead, chain.transition.back(now)
    return np.array(rewards)


def simulated_rewards(world: RandomWorld, decision: Decision) -> Floats:
    simulation, seeds = Simulation(world.problem, EPISODES), np.arange(EPISODES)
    simulation.reset(seeds, seeds, np.zeros(EPISODES, dtype=np.int64))
    many = Decision(*(None if part is None else np.repeat(part, EPISODES, axis=0) for part in decision[:3]))
    return np.stack([simulation.step(many).reward.copy() for _ in range(PERIODS)], axis=1)


def test_orders_that_come_at_once_or_later_are_received_after_the_decision_too():
    lead_time = {"distribution": "categorical", "values": [0, 1], "probabilities": [0.25, 0.75]}
    lanes = [{"from": "mill", "to": "shop", "lead_time": lead_time, "in_transit_cost": 1}]
    world = build({**SHOP, "sequence": ["decide", "receive", "demand", "fulfil", "charge"], "supply_lanes": lanes})
    expected = expected_rewards(world, Decision(np.full((1, 1, 1), 4.0)))
    np.testing.assert_allclose(expected, -4 * 0.75)  # what is not there at once is on its way for one `charge`


WORLDS = [number for number in range(60) if number not in (1, 17, 33, 34)]  # these have many outcomes


def drawn(number: int) -> RandomWorld:
    draws = random.Random(number)
    told = draws.choice([60, 120, 300])
    return random_world(draws.randbytes(told) + bytes(ENOUGH_BYTES - told), {"units": "integer"})


def difference(number: int) -> Floats | None:
    """Return by how many standard errors a world's rewards differ from those expected; none where they cannot be listed."""
    world = drawn(number)
    if world.problem.clock.length <= PERIODS or len(world.problem.modulation.initial):
        return None  # a regime stays in a window's first period, which has no long run
    decision = random_decisions(world, 1, number)[0]
    try:
        expected = expected_rewards(world, decision)
    except ScenarioError:
        return None
    discount = world.problem.clock.discount ** np.maximum(np.arange(PERIODS) - world.problem.clock.warm_up, 0)
    simulated = simulated_rewards(world, decision)
    error = simulated.std(axis=0) / np.sqrt(EPISODES) + 1e-7 * (1.0 + np.abs(simulated).max())
    return np.abs(simulated.mean(axis=0) - discount * expected) / error


@pytest.mark.parametrize("numbers", [WORLDS[:28], WORLDS[28:]], ids=["first", "second"])
def test_expected_rewards_are_those_of_the_simulation(numbers):
    found = {number: difference(number) for number in numbers}
    listed = {number: errors for number, errors in found.items() if errors is not None}
    assert len(listed) >= 8
    assert {number: errors for number, errors in listed.items() if errors.max() > 5.0} == {}
