"""Worlds that several tests share: every shipped one, cut short, and one small enough to check by eye."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest

from allotment.decisions.observation import Observation
from allotment.engine.state import empty_state
from allotment.resources import shipped_folder, shipped_names
from allotment.scenario.loader import World, load_scenario, read_yaml, world_from

LONGEST = 5  # periods of a shipped world's episode in tests
SHIPPED = shipped_names("envs")
SMALLER = {"shared_storage": ["skus.0.name=sku-{0001..0020}"]}  # of two thousand

RESIDUAL = {"name": "residual", "rule": {"policy": "newsvendor", "parameters": {"safety_factor": "from_costs"}}}

# A farm supplies two shops in three periods, a market the northern one in one; the southern shop can help the northern one
# out. Walkers buy in the north and do not wait, callers order in the south and do.
TWO_SHOPS: dict[str, Any] = {
    "name": "two_shops",
    "horizon": {"kind": "window", "periods": 4},
    "skus": [{"name": "apple", "price": 0}, {"name": "pear", "price": 0}],
    "suppliers": [{"name": "farm"}, {"name": "market"}],
    "sites": [{"name": "north", "kind": "store", "initial_stock": 10}, {"name": "south", "kind": "store", "initial_stock": 20}],
    "channels": [{"name": "walkers", "unmet": "lost"}, {"name": "callers", "unmet": "backorder"}],
    "supply_lanes": [
        {"from": "farm", "to": "north", "lead_time": 3, "unit_cost": 2},
        {"from": "farm", "to": "south", "lead_time": 3, "unit_cost": 2},
        {"from": "market", "to": "north", "lead_time": 1, "unit_cost": 3},
        {"from": "south", "to": "north", "lead_time": 1},
    ],
    "fulfilment_lanes": [{"from": "north", "to": "walkers"}, {"from": "south", "to": "callers"}],
    "demand": [
        {"channel": "walkers", "process": {"distribution": "poisson", "mean": {"apple": 4, "pear": 1}}},
        {"channel": "callers", "process": {"distribution": "poisson", "mean": {"apple": 9, "pear": 4}}},
    ],
}
FARM_NORTH, FARM_SOUTH, MARKET_NORTH, SOUTH_NORTH = range(4)
NORTH, SOUTH = range(2)
WALKERS, CALLERS = range(2)
APPLE, PEAR = range(2)


def two_shops(**sections: Any) -> World:
    """Return the world of two shops, with some of its sections replaced."""
    return world_from({**copy.deepcopy(TWO_SHOPS), **sections}, "two_shops.yaml")


ONE_SHOP: dict[str, Any] = {
    "name": "one_shop",
    "horizon": {"kind": "window", "periods": 5},
    "objective": "cost",
    "skus": [{"name": "apple", "price": 0}],
    "suppliers": [{"name": "farm"}],
    "sites": [{"name": "shop", "holding_cost": 1, "initial_stock": 3}],
    "channels": [{"name": "walkers", "unmet": "lost", "shortage_cost": 4}],
    "supply_lanes": [{"from": "farm", "to": "shop", "lead_time": 1}],
    "fulfilment_lanes": [{"from": "shop", "to": "walkers"}],
    "demand": [{"process": {"distribution": "poisson", "mean": 3}}],
}


def one_shop(**sections: Any) -> World:
    """Return the world of one shop with a single decision, with some of its sections replaced."""
    return world_from({**copy.deepcopy(ONE_SHOP), **sections}, "one_shop.yaml")


def seen(
    world: World,
    on_hand: Any,
    in_transit: Iterable[tuple[int, int, int, float]] = (),
    open_demand: Any = 0.0,
    period: int = 10,
) -> Observation:
    """Return what a policy sees of one world; `in_transit` lists (age of the order, lane, SKU, units)."""
    state = empty_state(world.problem, 1)
    state.on_hand[0, :, :, 0] = on_hand
    state.open_demand[0, :, :, 0] = open_demand
    state.period[0] = period
    for age, lane, sku, units in in_transit:
        state.pipeline[0, (period - age) % world.problem.lanes.slots, lane, sku, 0] = units
        state.in_transit[0, lane, sku] += units
    return Observation.of(world.problem, state)


@cache
def written(name: str) -> dict[str, Any]:
    """Return what a shipped world's file says, together with the file that it extends."""
    content = read_yaml(shipped_folder("envs") / f"{name}.yaml")
    return {**read_yaml(shipped_folder("envs") / content["extends"]), **content} if "extends" in content else content


@cache
def shipped_world(name: str) -> World:
    """Return a shipped world with an episode of a few periods; skips the test where its data are absent."""
    content = written(name)
    if "data" in content and "ALLOTMENT_DATA" not in os.environ:
        pytest.skip(f"{name} needs the folder of real data that the environment variable ALLOTMENT_DATA names")
    warm_up = min(1, content["horizon"].get("warm_up", 0))
    periods = min(LONGEST - warm_up, content["horizon"]["periods"])
    return load_scenario(name, [f"horizon.periods={periods}", f"horizon.warm_up={warm_up}", *SMALLER.get(name, [])])


def one_decision(name: str) -> bool:
    """Tell from its file whether a shipped world has a single decision: one lane, one SKU."""
    content = written(name)
    single = len(content.get("skus", [])) == len(content["supply_lanes"]) == len(content.get("sites", [])) == 1
    return single and content.get("decisions", ["orders"]) == ["orders"]


def some_actions(space: Any, steps: int, batch: int, seed: int = 0) -> np.ndarray:
    """Return random actions of a single world's space for every step and world, (steps, batch, …)."""
    rng = np.random.default_rng(seed)
    if hasattr(space, "n"):
        return rng.integers(space.n, size=(steps, batch))
    return rng.uniform(-1.0, 1.0, (steps, batch, *space.shape)).astype(np.float32)
