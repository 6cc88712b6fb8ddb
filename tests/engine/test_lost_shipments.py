"""Shipments that never arrive: worked by hand in both implementations, coupled draws, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rollouts import IMPLEMENTATIONS, play

import allotment
from allotment.exact.solving import solve
from allotment.programs.world_program import check_possible
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, world_from
from allotment.scenario.problem import TERMS


def shop(**lane: Any) -> World:
    """A shop of one item at 5, from which nobody buys, with an order's lead time of 2."""
    return world_from(
        {
            "name": "shop",
            "horizon": {"periods": 8},
            "skus": [{"name": "item", "unit_cost": 5, "price": 10}],
            "suppliers": [{"name": "mill"}],
            "sites": [{"name": "store"}],
            "channels": [{"name": "street"}],
            "supply_lanes": [{"from": "mill", "to": "store", "lead_time": 2, **lane}],
            "fulfilment_lanes": [{"from": "store", "to": "street"}],
            "demand": [{"process": {"distribution": "deterministic", "mean": 0}}],
        },
        "shop.yaml",
    )


def periods(world: World, orders: list[float], implementation: Any, seeds: Any = (0,)) -> list[Any]:
    asked = [np.full((len(seeds), 1, 1), units, dtype=float) for units in orders]
    return list(play(implementation(world.problem, seeds), asked))


@pytest.fixture(params=IMPLEMENTATIONS, ids=lambda each: each.__name__)
def implementation(request: Any) -> Any:
    return request.param


def test_what_never_arrives_is_in_transit_for_its_longest_lead_time_and_then_given_up(implementation):
    played = periods(shop(lost_probability=1), [7, 0, 0, 0], implementation)
    assert [day.flows.in_transit[0, 0, 0] for day in played] == [7, 7, 0, 0]
    assert [day.flows.vanished[0, 0, 0] for day in played] == [0, 0, 7, 0]
    assert [day.flows.received[0, 0, 0] for day in played] == [0, 0, 0, 0]
    assert [day.before.in_transit[0, 0, 0] for day in played] == [0, 7, 0, 0]  # as the policy saw it


def test_a_longer_lead_time_keeps_the_hope_up_for_longer(implementation):
    lead_time = {"distribution": "categorical", "values": [0, 3], "probabilities": [0.5, 0.5]}
    played = periods(shop(lost_probability=1, lead_time=lead_time), [7, 0, 0, 0, 0], implementation)
    assert [day.flows.vanished[0, 0, 0] for day in played] == [0, 0, 0, 7, 0]


def test_with_lead_time_nought_a_loss_is_known_at_once(implementation):
    played = periods(shop(lost_probability=1, lead_time=0), [7, 3], implementation)
    assert [day.flows.vanished[0, 0, 0] for day in played] == [7, 3]
    assert [day.flows.in_transit[0, 0, 0] for day in played] == [0, 0]


def test_the_same_shipments_are_lost_whatever_is_ordered_in_the_stated_share(implementation):
    world, seeds = shop(lost_probability=0.3), range(2000)
    few, many = (periods(world, [units, 0, 0], implementation, seeds)[-1].flows for units in (1.0, 50.0))
    np.testing.assert_array_equal(few.vanished > 0, many.vanished > 0)
    np.testing.assert_array_equal(few.vanished + few.received, np.ones((2000, 1, 1)))
    assert (few.vanished > 0).mean() == pytest.approx(0.3, abs=3.0 * (0.21 / 2000) ** 0.5)


def test_goods_that_were_paid_for_are_lost_money_and_others_are_not(implementation):
    stock = TERMS.index("stock_change")
    for charged, changes, rewards in (("on_shipment", [35, 0, -35], [0, 0, -35]), ("on_receipt", [0, 0, 0], [0, 0, 0])):
        played = periods(shop(lost_probability=1, charged=charged), [7, 0, 0], implementation)
        assert [day.flows.terms[0, stock] for day in played] == changes
        assert [day.flows.reward[0] for day in played] == rewards


def test_what_is_lost_on_its_way_is_written_down():
    world = shop(lost_probability=1)
    measured = allotment.evaluate({"policy": "base_stock", "parameters": {"level": 7}}, world.content, episodes=2)
    assert (
        measured["write_downs"].tolist() == [5 * 7 * 3 / 8] * 2
    )  # ordered again in periods 2 and 4; the orders of 0, 2, 4 are given up


@pytest.mark.parametrize(
    ("lane", "act", "message"),
    [
        ({"lost_probability": 1.5}, lambda world: None, "lost_probability must be <= 1"),
        (
            {
                "lost_probability": 0.1,
                "lead_time": {"distribution": "geometric", "mean": 1, "maximum": 3, "crossing": "kaplan"},
            },
            lambda world: None,
            r"supply_lanes\[0\].lost_probability does not go with crossing: kaplan",
        ),
        ({"lost_probability": 0.1}, lambda world: check_possible(world.problem), "lets all goods arrive, so it gives no bound"),
        ({"lost_probability": 0.1}, solve, "shipments that never arrive are not enumerated"),
    ],
)
def test_what_does_not_go_with_losses_is_refused_by_name(lane, act, message):
    with pytest.raises(ScenarioError, match=message):
        act(shop(**lane))
