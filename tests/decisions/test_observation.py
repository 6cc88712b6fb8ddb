import numpy as np
import pytest

from allotment.decisions.observation import observe
from allotment.simulation.simulation import Simulation
from small_worlds import (
    APPLE,
    CALLERS,
    FARM_NORTH,
    FARM_SOUTH,
    MARKET_NORTH,
    NORTH,
    PEAR,
    SOUTH,
    SOUTH_NORTH,
    WALKERS,
    seen,
    two_shops,
)

DEMAND_FIRST = ["receive", "demand", "decide", "fulfil", "charge"]
DECIDE_FIRST = ["decide", "receive", "demand", "fulfil", "charge"]


def in_turn(*units):
    """Return the process that demands these units in turn."""
    return {"distribution": "deterministic", "mean": 1, "season": {"period": len(units), "profile": list(units)}}


def one_more_each_period(world, periods):
    """Order 1, 2, 3, … apples from the farm for the north; yields the period and what is seen at its decision."""
    simulation = Simulation(world.problem, 1)
    simulation.reset(np.zeros(1, dtype=int), np.zeros(1, dtype=int), np.zeros(1, dtype=int))
    for period in range(periods):
        yield period, observe(simulation)
        orders = np.zeros((1, *world.problem.lanes.allowed.shape))
        orders[0, FARM_NORTH, APPLE] = period + 1
        simulation.step(orders)


def test_orders_of_three_periods_lead_time_are_seen_at_the_ages_of_one_and_two():
    world = two_shops(horizon={"kind": "window", "periods": 12})
    in_transit = [
        observation.in_transit_by_age[0, :, FARM_NORTH, APPLE].tolist()
        for _, observation in one_more_each_period(world, periods=12)
    ]
    assert in_transit == [[0, 0], [1, 0], [2, 1], [3, 2], [4, 3], [5, 4], [6, 5], [7, 6], [8, 7], [9, 8], [10, 9], [11, 10]]


def test_a_decision_before_receipt_still_sees_what_arrives_in_its_period():
    world = two_shops(sequence=DECIDE_FIRST, horizon={"kind": "window", "periods": 12})
    played = one_more_each_period(world, periods=6)
    in_transit = [observation.in_transit_by_age[0, :, FARM_NORTH, APPLE].tolist() for _, observation in played]
    assert in_transit == [[0, 0, 0], [1, 0, 0], [2, 1, 0], [3, 2, 1], [4, 3, 2], [5, 4, 3]]


def test_units_in_transit_are_summed_by_lane_and_by_the_site_that_they_lead_to():
    observation = seen(
        two_shops(), on_hand=0, in_transit=[(1, FARM_NORTH, APPLE, 5), (2, MARKET_NORTH, APPLE, 2), (1, FARM_SOUTH, PEAR, 7)]
    )
    assert observation.in_transit_by_age[0, :, FARM_NORTH, APPLE].tolist() == [5, 0]
    assert observation.in_transit[0].tolist() == [[5, 0], [0, 7], [2, 0], [0, 0]]
    assert observation.inbound[0].tolist() == [[7, 0], [0, 7]]


def test_the_inventory_position_is_stock_and_units_in_transit_less_open_demand_near_the_site():
    observation = seen(
        two_shops(),
        on_hand=[[4, 1], [6, 0]],
        in_transit=[(1, FARM_NORTH, APPLE, 5), (1, SOUTH_NORTH, APPLE, 3)],
        open_demand=[[0, 0], [2, 3]],
    )
    assert observation.inventory_position[0].tolist() == [[4 + 5 + 3, 1], [6 - 2, 0 - 3]]


DEMANDS = [
    {"channel": "walkers", "process": in_turn(1, 2, 3, 4, 5, 6, 7)},
    {"channel": "callers", "process": in_turn(10, 20, 30, 40, 50, 60, 70)},
]


@pytest.mark.parametrize(
    ("sequence", "by_period"),
    [
        (None, [[0, 0, 0], [1, 0, 0], [2, 1, 0], [3, 2, 1], [4, 3, 2]]),
        (DEMAND_FIRST, [[1, 0, 0], [2, 1, 0], [3, 2, 1], [4, 3, 2], [5, 4, 3]]),
    ],
)
def test_past_demand_is_listed_from_the_latest_back(sequence, by_period):
    world = two_shops(demand=DEMANDS, observation={"demand_history": 3}, **({"sequence": sequence} if sequence else {}))
    for period, observation in one_more_each_period(world, periods=5):
        assert observation.demand_history[0, :, WALKERS, APPLE].tolist() == by_period[period]
        assert observation.demand_history[0, :, CALLERS, PEAR].tolist() == [10 * units for units in by_period[period]]


def test_the_forecast_follows_the_season_from_this_period_on():
    world = two_shops(demand=[{"process": in_turn(1, 2, 3)}])
    means, deviations = seen(world, on_hand=0, period=10).forecast(4)
    assert means[0, :, SOUTH, APPLE].tolist() == [2, 3, 1, 2]
    assert not deviations.any()


def test_demand_that_was_seen_before_the_decision_is_not_forecast_again():
    world = two_shops(demand=[{"process": in_turn(1, 2, 3)}], sequence=DEMAND_FIRST)
    assert seen(world, on_hand=0, period=10).forecast(4)[0][0, :, SOUTH, APPLE].tolist() == [3, 1, 2, 3]


def test_the_forecast_of_a_site_adds_means_and_variances_of_the_channels_near_it():
    means = {"walkers": 9, "callers": 16}  # Poisson: the deviations are 3 and 4
    demand = [{"channel": name, "process": {"distribution": "poisson", "mean": mean}} for name, mean in means.items()]
    world = two_shops(demand=demand, fulfilment_lanes=[{"from": "north", "to": "*"}])
    mean, deviation = seen(world, on_hand=0).forecast(1)
    assert mean[0, 0, :, APPLE] == pytest.approx([25, 0])
    assert deviation[0, 0, :, APPLE] == pytest.approx([5, 0])


def test_each_world_of_a_batch_is_seen_at_its_own_period():
    world = two_shops(demand=[{"process": in_turn(1, 2, 3)}])
    simulation = Simulation(world.problem, 2)
    everyone = np.arange(2)
    simulation.reset(everyone, everyone, np.zeros(2, dtype=int))
    orders = np.zeros((2, 4, 2))
    orders[:, FARM_SOUTH, PEAR] = 6, 8
    simulation.step(orders)
    simulation.next_episodes(np.array([1]))
    observation = observe(simulation)
    assert observation.period.tolist() == [1, 0]
    assert observation.forecast(1)[0][:, 0, NORTH, APPLE].tolist() == [2, 1]
    assert observation.in_transit_by_age[:, 0, FARM_SOUTH, PEAR].tolist() == [6, 0]
