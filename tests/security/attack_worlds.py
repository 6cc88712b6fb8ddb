"""Worlds with other values: what is accepted plays five periods with finite money, conserves units, and may be written down.

`yaml` attacks the text of files, this one what they say.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np
from attacking import Attack
from mutations import mutated

import allotment
from allotment.resources import shipped_names
from allotment.scenario.errors import LONGEST_LINE, MOST_FAULTS, ScenarioError
from allotment.scenario.loader import World, load_scenario
from random_worlds import ENOUGH_BYTES, random_world
from small_worlds import one_shop, two_shops

PERIODS = 5
WAYS = ("quantity", "order_up_to", {"name": "quantity", "periods": 1e6})


@cache
def worlds() -> list[dict[str, Any]]:
    """Return what the attacked worlds say: the shipped ones, and some that use everything the schema offers."""
    shipped = [load_scenario(name).content for name in shipped_names("envs") if name != "iowa_liquor"]
    drawn = [random_world(np.random.default_rng(n).bytes(ENOUGH_BYTES), {}).content for n in range(40)]
    return [*shipped, one_shop().content, two_shops().content, *drawn]


def prepare() -> None:
    """Load and compile what playing takes."""
    for content in worlds():
        play(load_scenario(content), "quantity", 0)


def draw(draws: np.random.Generator) -> tuple[dict[str, Any], Any, int]:
    """Return what a world says, an encoding and a seed."""
    content = worlds()[int(draws.integers(len(worlds())))]
    return mutated(draws, content), WAYS[int(draws.integers(len(WAYS)))], int(draws.integers(100))


def judge(drawn: tuple[dict[str, Any], Any, int]) -> str:
    """Load a world and play it, or read why not."""
    content, encoding, seed = drawn
    before = repr(content)
    try:
        world = load_scenario(copy.deepcopy(content))
        play(world, encoding, seed)
    except ScenarioError as error:
        check_message(str(error))
        return "refused"
    finally:
        assert repr(content) == before
    return "accepted"


def check_message(message: str) -> None:
    """Check that a message is of few short lines, each of which says something."""
    lines = message.splitlines()
    assert 1 <= len(lines) <= MOST_FAULTS + 1, message
    assert all(10 < len(line) <= LONGEST_LINE and line.isprintable() for line in lines), message


def play(world: World, encoding: Any, seed: int) -> None:
    """Play some periods of two worlds; raises where money is not finite or units appear from nowhere, or disappear."""
    if not world.problem.rules.orders:
        encoding = "quantity"
    env = allotment.make_vec(world, 2, encoding, "Disabled")
    env.action_space.seed(seed)
    observation, _ = env.reset(seed=seed)
    assert np.isfinite(observation).all()
    before, gone, bought = held(env), 0.0, 0.0
    for _ in range(min(PERIODS, world.problem.clock.length)):
        observation, reward, *_ = env.step(env.action_space.sample())
        assert np.isfinite(observation).all() and np.isfinite(reward).all() and np.abs(reward).max() < 3e38
        flows = env.simulation.flows
        bought = bought + flows.executed[:, world.problem.lanes.supplier >= 0].sum(axis=1)
        leaving = ("shipped", "expired", "shrunk", "discarded", "consumed")
        gone = gone + sum(getattr(flows, name).sum(axis=1) for name in leaving)
        total, after = before + bought, held(env) + gone
        assert np.allclose(total, after, rtol=1e-9, atol=1e-6), (total, after)


def held(env: Any) -> Any:
    """Return all units that are somewhere, or on a record that is still open, (worlds, SKUs)."""
    state = env.simulation.state
    open_record = sum(getattr(state, name).sum(axis=1) for name in ("shipped", "expired", "shrunk", "discarded"))
    return state.on_hand.sum(axis=(1, 3)) + state.pipeline.sum(axis=(1, 2, 4)) + open_record


ATTACKS = [Attack("worlds", draw, judge, prepare, memory=3072, seconds=30.0)]
