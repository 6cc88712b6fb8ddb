"""Checks of the features that `test_adding` adds to a copy of the sources; run in that copy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rollouts
from test_two_implementations import assert_agree

import allotment
from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import observe
from allotment.engine.state import Decision
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, world_from
from allotment.scenario.problem import TERMS

MEAN = 6.0
DAIRY_DEPOT, DEPOT_NORTH, DEPOT_SOUTH = range(3)


def world_of(**sections: Any) -> World:
    """Return a depot and two shops, in which every addition is used."""
    content = {
        "name": "additions",
        "horizon": {"periods": 200},
        "rationing": "in_turn",
        "skus": [{"name": "milk", "price": 0}],
        "suppliers": [{"name": "dairy"}],
        "sites": [
            {"name": "depot", "initial_stock": 10},
            {"name": "north", "kind": "store"},
            {"name": "south", "kind": "store"},
        ],
        "channels": [{"name": "northern", "unmet": "lost"}, {"name": "southern", "unmet": "backorder"}],
        "supply_lanes": [
            {"from": "dairy", "to": "depot", "lead_time": 1, "inspection_cost": 0.5},
            {"from": "depot", "to": "north", "lead_time": 2},
            {"from": "depot", "to": "south", "lead_time": 1},
        ],
        "fulfilment_lanes": [{"from": "north", "to": "northern"}, {"from": "south", "to": "southern"}],
        "demand": [{"process": {"distribution": "exponential", "mean": MEAN}}],
        "observation": {"pipeline": True},
    }
    return world_from({**content, **sections}, "additions.yaml")


def check_dynamics(**sections: Any) -> None:
    """Kernel, arrays and tensors agree; what arrives is paid for; the second request is filled after the first."""
    world, seeds = world_of(**sections), np.arange(40)
    kernel, *others = (player(world.problem, seeds) for player in (rollouts.Kernel, rollouts.Dynamics, rollouts.Tensors))
    draws, short, demand = np.random.default_rng(0), 0, []
    for _ in range(50):
        requested = draws.integers(0, 15, (len(seeds), 3, 1)).astype(float)
        flows = kernel.step(Decision(requested))
        for other in others:
            assert_agree(flows, other.step(Decision(requested)), world.scenario.units == "integer")
        money = flows.money[:, TERMS.index("inspection")].sum(axis=-1)
        np.testing.assert_allclose(money, 0.5 * flows.received[:, DAIRY_DEPOT, 0])
        cut = flows.executed[:, DEPOT_NORTH, 0] < requested[:, DEPOT_NORTH, 0] - 1e-9
        np.testing.assert_allclose(flows.executed[cut, DEPOT_SOUTH, 0], 0.0, atol=1e-9)
        short += int(cut.sum())
        demand.append(flows.demand)
    assert short > 100
    error = MEAN / math.sqrt(np.size(demand))  # an exponential's standard deviation is its mean
    assert abs(np.mean(demand) - MEAN) < 4 * error + 0.01  # rounding moves the mean by less than a hundredth


def check_observation() -> None:
    """Compiled code and arrays write the same group: what is in transit, over all lanes."""
    world = world_of()
    flattener = Flattener(world)
    (group,) = [each for each in flattener.layout if each.name == "pipeline"]
    envs = allotment.make_vec(world, 4)
    vectors, _ = envs.reset(seed=3)
    moved = 0.0
    for _ in range(4):
        vectors, *_ = envs.step(np.ones(envs.action_space.shape, dtype=envs.action_space.dtype))
        seen = observe(envs.simulation)
        moved += seen.in_transit.sum()
        np.testing.assert_array_equal(vectors, flattener(seen))
        part = slice(group.start, group.stop)
        scaled = seen.in_transit.sum(axis=1) * flattener.per_unit[part]
        np.testing.assert_allclose(vectors[:, part], np.minimum(scaled, group.kind.high), rtol=1e-6)
    assert moved > 0.0


def check_policy_and_metric() -> None:
    """The rule is found by its name, its parameter has an initial value, and the metric is measured."""
    Path("every_second.yaml").write_text("{policy: fixed_interval, parameters: {level: 20}}")
    episodes = allotment.evaluate("every_second.yaml", world_of(), episodes=20)
    assert (episodes["executed"] > 0).all()
    Path("typo.yaml").write_text("{policy: fixed_interval, parameters: {levels: 20}}")
    with pytest.raises(ScenarioError, match="levels"):
        allotment.evaluate("typo.yaml", world_of(), episodes=20)


if __name__ == "__main__":
    print(Path(allotment.__file__).parent)
    check_dynamics()
    check_dynamics(units="continuous", demand=[{"process": {"distribution": "exponential", "mean": MEAN, "rounded": False}}])
    check_observation()
    check_policy_and_metric()
