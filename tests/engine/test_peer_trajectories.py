"""Networks of gym-invmgmt 0.2.1 (Barati and Hu 2026) run as its own code runs them: stock, pipeline, sales, backlog and profit.

Orders are random; goodwill, lost sales and backlog, all effects on demand and recorded series are compared step by step.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from experiments.gym_invmgmt.networks import EFFECTS, TOPOLOGIES, peer, recorded, scenario_of
from rollouts import Dynamics, Kernel

from allotment.engine.state import Decision
from allotment.scenario.loader import load_scenario, world_from

NETWORKS = ["network", "serial", *TOPOLOGIES]
COMBINATIONS = [list(chosen) for size in range(4) for chosen in combinations(EFFECTS, size)]
every_network = pytest.mark.parametrize("network", NETWORKS)
SETTINGS = [(backlog, goodwill) for backlog in (True, False) for goodwill in (True, False)]


def run(env: Any, seed: int) -> np.ndarray:
    """Play an episode of gym-invmgmt under random orders; return them, (T, lanes)."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    scale = rng.choice([5.0, 25.0, 90.0], size=env.action_space.shape)
    orders = rng.uniform(-0.2, 1.0, (env.num_periods, *scale.shape)) * scale
    for action in orders:
        env.step(action)
    return orders


def assert_agrees(env: Any, content: dict[str, Any], orders: np.ndarray, implementation: Any) -> None:
    """Play the same episode here; everything agrees with what `env` has recorded."""
    problem = world_from(content, "peer").problem
    network = env.network
    nodes = [network.node_map[node] for node in sorted(network.main_nodes, key=network.all_nodes.index)]
    sold = [network.network_map[edge] for edge in network.retail_links]
    simulated = implementation(problem, [0])
    for period, requested in enumerate(orders):
        flows = simulated.step(Decision(requested[None, :, None]))
        unmet = flows.open_demand if env.backlog else flows.lost
        for ours, theirs in (
            (flows.demand[0, :, 0], env.D[period]),
            (flows.executed[0, :, 0], env.R[period]),
            (flows.on_hand[0, :, 0], env.X[period + 1, nodes]),
            (flows.in_transit[0, :, 0], env.Y[period + 1]),
            (flows.shipped[0, :, 0], env.S[period, sold]),
            (unmet[0, :, 0], env.U[period]),
            (flows.reward, env.P[period].sum(keepdims=True)),
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@every_network
@pytest.mark.parametrize(("backlog", "goodwill"), SETTINGS)
@pytest.mark.parametrize("implementation", [Kernel, Dynamics])
def test_every_effect_on_demand_gives_the_same_trajectory(network, backlog, goodwill, implementation):
    for number, effects in enumerate(COMBINATIONS):
        demand = {"effects": effects, "use_goodwill": goodwill, "noise_scale": 0.0}
        env = peer(network, demand, backlog=backlog)
        process = {"distribution": "poisson", "mean": 20, "mean_floor": 0.1, "noise_scale": 0.0}
        for effect in effects:
            process |= EFFECTS[effect]
        assert_agrees(env, scenario_of(env, process), run(env, number), implementation)


@every_network
@pytest.mark.parametrize("backlog", [True, False])
@pytest.mark.parametrize("implementation", [Kernel, Dynamics])
def test_the_same_random_demand_gives_the_same_trajectory(network, backlog, implementation):
    for seed in range(5):
        env = peer(network, {"effects": list(EFFECTS), "use_goodwill": True}, backlog=backlog)
        orders = run(env, seed)
        content = scenario_of(env, {}) | recorded(env, env.D)
        content.pop("goodwill")  # its effect is in what was drawn
        assert_agrees(env, content, orders, implementation)


@every_network
@pytest.mark.parametrize(("backlog", "goodwill"), SETTINGS)
def test_a_recorded_series_gives_the_same_trajectory(network, backlog, goodwill):
    series = np.random.default_rng(1).poisson(20, 30).astype(float)
    env = peer(network, {"external_series": series, "use_goodwill": goodwill, "noise_scale": 0.0}, backlog=backlog)
    orders = run(env, 7)
    units = np.repeat(series[:, None], len(env.network.retail_links), axis=1)
    assert_agrees(env, scenario_of(env, {}) | recorded(env, units), orders, Kernel)


@pytest.mark.parametrize(
    ("name", "network", "demand", "backlog"),
    [
        ("gym_invmgmt_base", "network", {"effects": ["trend", "seasonal"]}, True),
        ("gym_invmgmt_base_goodwill", "network", {"effects": list(EFFECTS), "use_goodwill": True}, False),
        ("gym_invmgmt_serial", "serial", {}, True),
        ("gym_invmgmt_serial_goodwill", "serial", {"effects": list(EFFECTS), "use_goodwill": True}, True),
    ],
)
def test_the_shipped_worlds_are_these_networks(name, network, demand, backlog):
    env = peer(network, demand | {"noise_scale": 0.0}, backlog=backlog)
    world = load_scenario(name, ["demand.0.process.noise_scale=0"])
    assert_agrees(env, world.content, run(env, 3), Kernel)
