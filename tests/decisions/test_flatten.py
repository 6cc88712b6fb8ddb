import numpy as np
import pytest

from allotment.decisions.flatten import Flattener
from small_worlds import APPLE, FARM_NORTH, FARM_SOUTH, MARKET_NORTH, PEAR, SOUTH_NORTH, seen, two_shops

# Mean demand is 4 apples and 1 pear near the north, 9 apples and 4 pears near the south; the value 1 is two periods of it.


def by_name(world, observation):
    flattener = Flattener(world)
    return dict(zip(flattener.component_names(), flattener(observation)[0].tolist(), strict=True))


def test_stock_counts_in_two_periods_of_mean_demand_near_its_site():
    world = two_shops(observation={"in_transit": "by_site"})
    values = by_name(world, seen(world, on_hand=[[8, 1], [9, 20]]))
    assert values["on_hand[north, apple]"] == pytest.approx(1.0)
    assert values["on_hand[north, pear]"] == pytest.approx(0.5)
    assert values["on_hand[south, apple]"] == pytest.approx(0.5)
    assert values["on_hand[south, pear]"] == pytest.approx(2.5)


def test_groups_come_in_the_order_of_the_layout():
    world = two_shops(observation={"in_transit": "by_site", "demand_history": 1, "forecast": 1, "calendar": True})
    flattener = Flattener(world)
    groups = ["on_hand", "in_transit", "open_demand", "demand_history", "forecast_mean", "forecast_deviation", "calendar"]
    assert [group.name for group in flattener.layout] == groups
    assert [group.start for group in flattener.layout] == [0, 4, 8, 12, 16, 20, 24]
    assert flattener.size == 26
    assert flattener.component_names()[:5] == [
        "on_hand[north, apple]",
        "on_hand[north, pear]",
        "on_hand[south, apple]",
        "on_hand[south, pear]",
        "in_transit[north, apple]",
    ]
    assert flattener.component_names()[-2:] == ["calendar[sin]", "calendar[cos]"]


IN_TRANSIT = [
    (1, FARM_NORTH, APPLE, 8),
    (2, FARM_NORTH, APPLE, 4),
    (1, MARKET_NORTH, APPLE, 2),
    (2, FARM_SOUTH, PEAR, 12),
    (1, SOUTH_NORTH, PEAR, 1),
]


@pytest.mark.parametrize(
    ("in_transit", "expected"),
    [
        (
            "by_age",
            {
                "in_transit[1, farm → north, apple]": 1.0,
                "in_transit[2, farm → north, apple]": 0.5,
                "in_transit[1, market → north, apple]": 0.25,
                "in_transit[2, farm → south, pear]": 1.5,
                "in_transit[1, south → north, pear]": 0.5,
            },
        ),
        (
            "by_lane",
            {
                "in_transit[farm → north, apple]": 1.5,
                "in_transit[market → north, apple]": 0.25,
                "in_transit[farm → south, pear]": 1.5,
                "in_transit[south → north, pear]": 0.5,
            },
        ),
        (
            "by_site_and_age",
            {
                "in_transit[1, north, apple]": 1.25,
                "in_transit[2, north, apple]": 0.5,
                "in_transit[2, south, pear]": 1.5,
                "in_transit[1, north, pear]": 0.5,
            },
        ),
        ("by_site", {"in_transit[north, apple]": 1.75, "in_transit[south, pear]": 1.5, "in_transit[north, pear]": 0.5}),
    ],
)
def test_units_in_transit_are_shown_as_the_scenario_chooses(in_transit, expected):
    world = two_shops(observation={"in_transit": in_transit})
    values = by_name(world, seen(world, on_hand=0, in_transit=IN_TRANSIT))
    shown = {name: value for name, value in values.items() if value}
    assert shown == pytest.approx(expected)


def test_open_demand_is_shown_where_customers_wait():
    world = two_shops()
    values = by_name(world, seen(world, on_hand=0, open_demand=[[0, 0], [9, 2]]))
    assert values["open_demand[callers, apple]"] == pytest.approx(0.5)
    assert values["open_demand[callers, pear]"] == pytest.approx(0.25)


@pytest.mark.parametrize(("sequence", "shown"), [("decide, demand", False), ("demand, decide", True)])
def test_where_all_is_lost_open_demand_is_shown_only_if_demand_comes_before_the_decision(sequence, shown):
    phases = ["receive", *sequence.split(", "), "fulfil", "charge"]
    world = two_shops(channels=[{"name": "walkers"}, {"name": "callers"}], sequence=phases)
    assert any(group.name == "open_demand" for group in Flattener(world).layout) is shown


def test_the_forecast_is_in_the_same_unit():
    world = two_shops(observation={"forecast": 2})
    values = by_name(world, seen(world, on_hand=0))
    assert values["forecast_mean[1, north, apple]"] == pytest.approx(0.5)
    assert values["forecast_mean[2, south, pear]"] == pytest.approx(0.5)
    assert values["forecast_deviation[2, north, apple]"] == pytest.approx(2 / 8)  # Poisson with mean 4
    assert values["forecast_deviation[1, south, apple]"] == pytest.approx(3 / 18)


def test_the_calendar_goes_round_once_a_cycle_and_a_season_counts_down():
    season = {"distribution": "poisson", "mean": 4, "season": {"period": 4, "amplitude": 0.5}}
    horizon = {"kind": "season", "periods": 10}
    world = two_shops(demand=[{"process": season}], horizon=horizon)
    calendars = [Flattener(world)(seen(world, on_hand=0, period=period))[0, -3:] for period in (0, 1, 6, 10)]
    assert np.array(calendars) == pytest.approx(np.array([[0, 1, 1], [1, 0, 0.9], [0, -1, 0.4], [1e-9, -1, 0]]), abs=1e-6)


def test_values_beyond_the_bounds_are_clipped():
    world = two_shops(observation={"in_transit": "by_site"})
    values = by_name(world, seen(world, on_hand=[[8 * 49, 1e9], [0, 0]]))
    assert values["on_hand[north, apple]"] == pytest.approx(49)
    assert values["on_hand[north, pear]"] == 50


def test_a_site_without_demand_of_its_own_counts_its_share_of_what_is_demanded_downstream():
    world = two_shops(fulfilment_lanes=[{"from": "north", "to": "*"}], observation={"in_transit": "by_site"})
    values = by_name(world, seen(world, on_hand=[[26, 10], [26 / 3, 10 / 3]]))  # one of three lanes
    on_hand = [values[f"on_hand[{site}, {sku}]"] for site in ("north", "south") for sku in ("apple", "pear")]
    assert on_hand == pytest.approx([1.0] * 4)


def test_without_orders_that_can_be_observed_in_transit_there_is_no_such_group():
    lanes = [{"from": "farm", "to": "*", "lead_time": 1}]
    assert [group.name for group in Flattener(two_shops(supply_lanes=lanes)).layout] == ["on_hand", "open_demand"]
