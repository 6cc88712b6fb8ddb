"""What the engine ships of a policy's allocation is what `allocation.project` makes of it, unit by unit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume
from rollouts import IMPLEMENTATIONS, Dynamics, Kernel

from allotment.allocation.day import Claims, Day, Options, Pools, reason
from allotment.allocation.projection import project
from allotment.engine.dynamics.period import play_phase
from allotment.engine.state import Decision, State, decision_shapes, empty_flows
from allotment.scenario.problem import FULFIL, Problem
from random_worlds import RandomWorld, holds_in_random_worlds, random_decisions
from small_worlds import one_shop, two_shops

SEEN_FIRST = ["receive", "demand", "decide", "fulfil", "expire", "charge"]
SEEN_LATER = ["receive", "decide", "demand", "fulfil", "expire", "charge"]


@holds_in_random_worlds(decisions=["orders", "allocation"], sequence=SEEN_FIRST, remainder="largest")
def test_a_policys_allocation_is_cut_as_the_projection_of_a_day_cuts_it(world: RandomWorld, seed):
    problem = world.problem
    assume(lanes_reach_all_or_nothing(problem))
    one, other = (player(problem, [seed, seed + 1]) for player in (Kernel, Dynamics))
    for decided in random_decisions(world, 2, seed):
        before = at_fulfilment(problem, other.state, decided)
        flows = [player.step(decided) for player in (one, other)]
        if not decided.allocation.shape[1]:
            continue
        fulfilment, open_demand = problem.fulfilment, before.open_demand.sum(axis=-1)
        for place in range(2):
            capacity = fulfilment.capacity[before.period[place] % len(fulfilment.capacity)]
            limits = np.append(capacity, before.handling_left[place])
            units = projected(problem, before.on_hand[place], open_demand[place], limits, decided.allocation[place])
            for each in flows:
                np.testing.assert_allclose(each.allocation_executed[place], units, rtol=0.0, atol=0.0 if world.whole else 1e-9)


@holds_in_random_worlds(decisions=["orders", "allocation"], sequence=SEEN_LATER, remainder="largest")
def test_what_a_policy_reserves_before_demand_is_cut_so_too(world: RandomWorld, seed):
    problem = world.problem
    one, other = (player(problem, [seed]) for player in (Kernel, Dynamics))
    for decided in random_decisions(world, 1, seed):
        before = other.state
        flows = [player.step(decided) for player in (one, other)]
        if not decided.allocation.shape[1]:
            continue
        offers = np.maximum(decided.allocation[0], 0.0)
        wanted = np.zeros((problem.shape.channels, problem.shape.skus))
        np.add.at(wanted, problem.fulfilment.channel, np.ceil(offers))  # as much as anybody may mean to reserve
        no_limits = np.full(problem.shape.fulfilment + problem.shape.sites, np.inf)
        units = projected(problem, before.on_hand[0], wanted, no_limits, offers, all_in_time=True)
        for each in flows:
            np.testing.assert_allclose(each.allocation_executed[0], units, rtol=0.0, atol=0.0 if world.whole else 1e-9)


def lanes_reach_all_or_nothing(problem: Problem) -> bool:
    """Tell whether no lane is in time for a part of a channel's open demand only, so that one claim stands for them all."""
    fulfilment = problem.fulfilment
    return bool(((fulfilment.latest < 0) | (fulfilment.latest >= problem.channels.last[fulfilment.channel])).all())


def at_fulfilment(problem: Problem, state: State, decided: Decision) -> State:
    """Return the state in which `fulfil` finds the world after a decision."""
    flows = empty_flows(problem, len(state.period))
    for phase in problem.clock.sequence[problem.clock.decide_at :]:
        if phase == FULFIL:
            return state
        state, flows = play_phase(problem, int(phase), state, flows, decided)
    raise AssertionError("fulfil comes after decide")


def projected(
    problem: Problem,
    on_hand: np.ndarray,
    wanted: np.ndarray,
    limits: np.ndarray,
    allocation: np.ndarray,
    all_in_time: bool = False,
) -> np.ndarray:
    """Return an allocation (F, K) as `project` cuts it to stock (S, K, A), wants (C, K) and limits (F + S,), (F, K) units."""
    fulfilment, n = problem.fulfilment, problem.shape
    lane, sku = (axis.ravel() for axis in np.indices((n.fulfilment, n.skus)))
    site, channel = fulfilment.site[lane], fulfilment.channel[lane]
    late = (fulfilment.latest[lane] < 0) & (not all_in_time)
    stock = on_hand.sum(axis=-1).reshape(-1, 1)
    places = [axis.ravel() for axis in np.indices((n.sites, n.skus))]
    day = Day(
        claims=Claims.of(wanted.ravel()),
        pools=Pools(stock, *places, np.zeros(len(stock), dtype=bool)),
        options=Options.of(
            channel * n.skus + sku,
            site * n.skus + sku,
            site=site,
            limits=np.column_stack([lane, n.fulfilment + site]),
            blocked=np.where(late, reason("deadline"), 0),
        ),
        capacity=limits,
        whole=problem.rules.whole,
    )
    return project(day, allocation.ravel()).units.reshape(allocation.shape)


def offering(problem: Problem, offers: np.ndarray) -> Decision:
    """Return the decision to ship (1, F, K) units and to order nothing."""
    nothing = Decision(**{name: np.zeros((1, *shape)) for name, shape in decision_shapes(problem).items()})
    return nothing._replace(allocation=offers)


@pytest.mark.parametrize("player", IMPLEMENTATIONS)
def test_sites_that_offer_a_channel_more_than_it_wants_share_in_proportion(player):
    both = [{"from": "north", "to": "walkers"}, {"from": "south", "to": "walkers"}, {"from": "south", "to": "callers"}]
    world = two_shops(
        decisions=["orders", "allocation"],
        sequence=SEEN_FIRST,
        fulfilment_lanes=both,
        demand=[
            {"channel": "walkers", "process": {"distribution": "deterministic", "mean": {"apple": 9, "pear": 0}}},
            {"channel": "callers", "process": {"distribution": "deterministic", "mean": 0}},
        ],
    )
    offers = np.zeros((1, 3, 2))
    offers[0, :, 0] = [4, 8, 0]  # for nine apples
    flows = player(world.problem, [0]).step(offering(world.problem, offers))
    assert flows.allocation_executed[0, :, 0].tolist() == [3, 6, 0]
    assert flows.shipped[0, :, 0].tolist() == [3, 6, 0]


@pytest.mark.parametrize("player", IMPLEMENTATIONS)
def test_lanes_too_slow_for_the_oldest_orders_leave_them_to_the_others(player):
    # Callers' apples are due in a period, six ordered now and four a period ago; from the north they take a period.
    lanes = [{"from": "north", "to": "callers", "transit_time": 1}, {"from": "south", "to": "callers"}]
    world = two_shops(
        decisions=["orders", "allocation"],
        sequence=SEEN_FIRST,
        channels=[{"name": "callers", "unmet": "lost", "due_in": 1}],
        fulfilment_lanes=lanes,
        demand=[{"process": {"distribution": "trace", "history": "past", "forecast": "past"}}],
        histories=[{"name": "past", "units": {"callers": {"apple": [4, 6, 0, 0], "pear": [0, 0, 0, 0]}}}],
        sites=[{"name": "north", "initial_stock": 20}, {"name": "south", "initial_stock": 20}],
    )
    played = player(world.problem, [0])
    offers = np.zeros((1, 2, 2))
    played.step(offering(world.problem, offers))
    offers[0, :, 0] = [10, 8]
    flows = played.step(offering(world.problem, offers))
    assert flows.allocation_executed[0, :, 0].tolist() == [
        4,
        6,
    ]  # the north reaches 6 of the 10; 6 and 8 for 10 are 4.3 and 5.7
    assert flows.lost.sum() == 0.0


@pytest.mark.parametrize("player", IMPLEMENTATIONS)
def test_what_expires_after_it_was_reserved_is_not_shipped(player):
    world = one_shop(
        decisions=["orders", "allocation"],
        sequence=["receive", "decide", "demand", "expire", "fulfil", "charge"],
        skus=[{"name": "apple", "price": 0, "shelf_life": 1}],  # the three in stock are in their last period
        demand=[{"process": {"distribution": "deterministic", "mean": 2}}],
    )
    flows = player(world.problem, [0]).step(offering(world.problem, np.full((1, 1, 1), 2.0)))
    assert flows.allocation_executed.sum() == 2.0
    assert (flows.shipped.sum(), flows.expired.sum(), flows.lost.sum()) == (0.0, 3.0, 2.0)
