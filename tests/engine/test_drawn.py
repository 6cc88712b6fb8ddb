"""Worlds that are drawn ahead of time are those that are drawn as they are played."""

import numpy as np
import pytest
import torch

from allotment.engine import dynamics, randomness
from allotment.engine.drawn import draw
from allotment.engine.relaxation import FEATURES, IGNORED, detach, on_torch, relaxed
from allotment.engine.tracing.worlds import TracedWorlds
from allotment.scenario.loader import load_scenario
from small_worlds import two_shops

TREATMENTS = {feature.name: IGNORED for feature in FEATURES}
SEEDS = np.array([4, 9, 2])
REGIME = {"name": "market", "multipliers": [0.5, 2.0], "transition": [[0.6, 0.4], [0.4, 0.6]]}


def problem(name="three_warehouses"):
    return relaxed(load_scenario(name).problem, TREATMENTS)


def played(problem, worlds, periods):
    """Return the rewards of some periods, (periods, B)."""
    traced = TracedWorlds(problem, worlds)
    orders = torch.full((len(SEEDS), *problem.lanes.allowed.shape), 5.0, dtype=torch.float64)
    rows, rewards = traced.start(torch.float64), []
    for _ in range(periods):
        rows, records = traced.step(rows, {"orders": orders})
        rewards.append(records["reward"])
    return torch.stack(rewards)


@pytest.mark.parametrize("name", ["three_warehouses", "gym_invmgmt_base", "random_lead_time_kaplan"])
def test_programs_play_what_was_drawn_ahead(name):
    world = problem(name)
    assert torch.equal(played(world, draw(world, SEEDS, 3), 3), played(world, SEEDS, 3))  # units are whole: single is exact


def test_the_array_dynamics_play_what_was_drawn_ahead():
    world, drawn = problem(), draw(problem(), SEEDS, 2)
    orders, ends = np.full((3, *world.lanes.allowed.shape), 5.0), []
    for draws in (None, drawn):
        with randomness.drawing(draws):
            state = dynamics.reset(world, SEEDS, np.zeros(3, dtype=np.int64))
            for _ in range(2):
                state, _ = dynamics.step(world, state, orders)
            ends.append(state)
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(other, one)


def test_a_part_of_a_pool_is_those_worlds():
    world, places = problem(), np.array([2, 0, 1])
    part = draw(world, SEEDS, 2).part(places)
    assert torch.equal(played(world, part, 2), played(world, SEEDS[places], 2))


def test_draws_follow_the_regimes_that_are_drawn():
    world = relaxed(two_shops(regimes=[REGIME]).problem, TREATMENTS)
    drawn = draw(world, SEEDS, 4)
    assert (drawn.regimes != drawn.regimes[0]).any()
    state = dynamics.reset(world, SEEDS, np.zeros(3, dtype=np.int64))
    for period in range(4):
        assert np.array_equal(drawn.regimes[period].T, dynamics.period.with_next_regimes(world, state).regime)
        state, flows = dynamics.step(world, state, np.zeros((3, *world.lanes.allowed.shape)))
        np.testing.assert_allclose(np.moveaxis(drawn.demand[period], -1, 0), flows.demand, rtol=1e-6)


def test_what_was_not_drawn_is_refused():
    world = problem()
    drawn = draw(world, SEEDS, 1)
    with pytest.raises(ValueError, match="period 2 was not drawn, only those up to 1"):
        played(world, drawn, 3)
    with pytest.raises(ValueError, match="their seeds differ"), randomness.drawing(drawn):
        dynamics.step(world, dynamics.reset(world, SEEDS + 1, 0 * SEEDS), np.zeros((3, *world.lanes.allowed.shape)))
    with pytest.raises(ValueError, match="continuous relaxation"):
        drawn.coming_through(np.ones(3), np.ones(3))


def test_demand_that_follows_play_is_not_drawn_ahead():
    goodwill = relaxed(load_scenario("gym_invmgmt_base_goodwill").problem, {**TREATMENTS, "goodwill": "straight_through"})
    with pytest.raises(ValueError, match="demand follows goodwill"):
        draw(goodwill, SEEDS, 1)


def test_no_gradient_passes_a_detached_state():
    world = relaxed(two_shops(units="continuous").problem, TREATMENTS)
    orders = torch.full((3, *world.lanes.allowed.shape), 5.0, requires_grad=True)
    start = on_torch(dynamics.reset(world, SEEDS, 0 * SEEDS), torch.float32)
    state, _ = dynamics.step(world, start, orders)
    assert state.in_transit.requires_grad
    assert not any(part.requires_grad for part in detach(state) if torch.is_tensor(part))
    assert torch.equal(detach(state).in_transit, state.in_transit)
