"""Snapshots and plans of worlds with a treasury: cash by name, and orders that it can pay for."""

from __future__ import annotations

from typing import Any

import pytest

from allotment.exchange.recommend import Recommender
from allotment.exchange.snapshot import SnapshotError
from allotment.policies.rule_config import RuleConfig, build_rule
from allotment.scenario.loader import World, world_from


def two_items(**treasury: Any) -> World:
    """A store of two items at 5, of which it wants 10 each; 100 in cash, invoices in two days, sales in one."""
    return world_from(
        {
            "name": "store",
            "period": "day",
            "horizon": {"periods": 5},
            "skus": [
                {"name": "ball", "group": "toys", "unit_cost": 5, "price": 10},
                {"name": "dice", "group": "games", "unit_cost": 5, "price": 10},
            ],
            "suppliers": [{"name": "mill", "terms": {"net": 2}}],
            "sites": [{"name": "shop"}],
            "channels": [{"name": "street", "collection": 1}],
            "supply_lanes": [{"from": "mill", "to": "shop"}],
            "fulfilment_lanes": [{"from": "shop", "to": "street"}],
            "demand": [{"process": {"distribution": "deterministic", "mean": 4}}],
            "treasury": {"cash": 100, "credit_line": {"limit": 30, "rate": 0.1}, **treasury},
        },
        "store.yaml",
    )


def plan(world: World, **balances: Any) -> Any:
    rule, _ = build_rule(RuleConfig(policy="base_stock", parameters={"level": 10}), world, "rule.yaml")
    snapshot = {"period": 0, "stock": {"shop": {"ball": 0, "dice": 0}}}
    return Recommender(rule).plans([snapshot | ({"treasury": balances} if balances else {})])[0]


def test_a_plan_orders_what_cash_and_credit_can_pay():
    assert [order.units for order in plan(two_items(), cash=100).orders] == [10, 10]
    short = plan(two_items(), cash=40, debt=10, payables={"mill": [0, 20]})  # 40 + 20 of credit − 20 that are owed
    assert [(order.units, order.requested, order.reason) for order in short.orders] == [(4, 10, "cash"), (4, 10, "cash")]


def test_a_plan_says_what_its_budgets_pay_for():
    world = two_items(budget={"per": 3, "by": ["group"], "amounts": {"toys": 20, "games": 60}})
    middle = {"period": 1, "stock": {"shop": {"ball": 0, "dice": 0}}}
    rule, _ = build_rule(RuleConfig(policy="base_stock", parameters={"level": 10}), world, "rule.yaml")
    given = middle | {"treasury": {"cash": 500, "budgets": {"toys": 20, "games": 60}}}
    found = Recommender(rule).plans([given])[0]
    assert [(order.units, order.reason) for order in found.orders] == [(4, "budget"), (10, "")]
    assert [(each.budget, each.amount, each.spent) for each in found.budgets] == [("toys", 20, 20), ("games", 60, 50)]


def test_budgets_are_full_where_their_period_begins_and_needed_within_it():
    world = two_items(budget={"per": 3, "by": ["group"], "amounts": {"toys": 20, "games": 60}})
    assert [order.units for order in plan(world, cash=500).orders] == [4, 10]
    rule, _ = build_rule(RuleConfig(policy="base_stock"), world, "rule.yaml")
    within = {"period": 1, "stock": {"shop": {"ball": 0, "dice": 0}}, "treasury": {"cash": 5, "budgets": {"toys": 1}}}
    with pytest.raises(SnapshotError, match=r"treasury.budgets has no entry for the budget 'games'"):
        Recommender(rule).plans([within])


@pytest.mark.parametrize(
    ("balances", "message"),
    [
        ({}, "snapshot.treasury is needed in store"),
        ({"cash": 1, "debt": 31}, "snapshot.treasury.debt must be <= 30, the credit line's limit, not 31"),
        ({"cash": 1, "payables": {"mil": [1]}}, "snapshot.treasury.payables: nothing is called 'mil'; did you mean 'mill'"),
        ({"cash": 1, "receivables": {"street": [1, 1, 1]}}, "receivables.'street' must list at most 2 settlements"),
        ({"cash": 1, "unpaid": [{"from": "mill", "to": "shop", "sku": "ball", "units": 1}]}, "is paid for on shipment"),
        ({"cash": 1, "budgets": {"toys": 1}}, "snapshot.treasury.budgets: nothing is called 'toys'"),
        ({"cash": float("nan")}, "snapshot: treasury.cash must be finite, not nan"),
    ],
)
def test_balances_that_cannot_be_name_the_field(balances, message):
    with pytest.raises(SnapshotError, match=message):
        plan(two_items(), **balances)


def test_a_world_without_a_treasury_has_no_balances():
    from small_worlds import one_shop

    rule, _ = build_rule(RuleConfig(policy="base_stock"), one_shop(), "rule.yaml")
    world = one_shop()
    stock = {site: dict.fromkeys(world.names.skus, 0) for site in world.names.sites}
    with pytest.raises(SnapshotError, match=r"snapshot.treasury must be left out of"):
        Recommender(rule).plans([{"period": 0, "stock": stock, "treasury": {"cash": 1}}])
