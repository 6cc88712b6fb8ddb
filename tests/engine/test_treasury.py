"""Cash in a world: periods worked by hand in both implementations, and what holds in every world with a treasury."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rollouts import IMPLEMENTATIONS, Kernel, play

from allotment.engine.state import Decision
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, world_from
from allotment.scenario.problem import CODES, PAID_AT_ONCE, TERMS
from random_worlds import RandomWorld, holds_in_random_worlds, random_decisions

NOTHING = 1e-6  # money
START = {"cash": 100.0, "period_days": 1.0}
TOWN = [{"name": "store", "region": "town", "initial_stock": 4}]


def shop(treasury: Any = None, periods: int = 6, **changed: Any) -> World:
    """A shop that sells 4 units a day at 10, bought at 5, with lead time 0 and a stock of 4."""
    content: dict[str, Any] = {
        "name": "shop",
        "period": "day",
        "horizon": {"periods": periods, "stock_value": "none"},
        "skus": [{"name": "item", "unit_cost": 5, "price": 10}],
        "suppliers": [{"name": "mill"}],
        "sites": [{"name": "store", "initial_stock": 4}],
        "channels": [{"name": "street"}],
        "supply_lanes": [{"from": "mill", "to": "store"}],
        "fulfilment_lanes": [{"from": "store", "to": "street"}],
        "demand": [{"process": {"distribution": "deterministic", "mean": 4}}],
        "treasury": {**START, **(treasury or {})},
    }
    return world_from(content | changed, "shop.yaml")


def days(world: World, orders: list[float], implementation: Any, budget: Any = None) -> list[Any]:
    """Play days with the given orders, all of them of the only lane; returns the record of each."""
    decided = None if budget is None else np.array([budget], dtype=float)
    played = play(
        implementation(world.problem, [0]), [Decision(np.array([[[units]]], dtype=float), budget=decided) for units in orders]
    )
    return [day.flows for day in played]


def term(flows: Any, name: str) -> float:
    return float(flows.terms[0, TERMS.index(name)])


@pytest.fixture(params=IMPLEMENTATIONS, ids=lambda each: each.__name__)
def implementation(request: Any) -> Any:
    return request.param


def test_sales_come_in_and_invoices_go_out_at_once_where_nothing_else_is_said(implementation):
    first, second = days(shop(), [4, 6], implementation)
    assert (first.receipts[0, 0], first.payments[0, 0], first.cash[0, 0]) == (40.0, 20.0, 120.0)
    assert (second.receipts[0, 0], second.payments[0, 0], second.cash[0, 0]) == (40.0, 30.0, 130.0)


def test_terms_and_collection_put_off_what_is_paid_and_what_comes_in(implementation):
    world = shop(suppliers=[{"name": "mill", "terms": {"net": 2}}], channels=[{"name": "street", "collection": 3}])
    records = days(world, [4, 4, 4, 4, 4], implementation)
    assert [record.payments[0, 0] for record in records] == [0, 0, 20, 20, 20]
    assert [record.receipts[0, 0] for record in records] == [0, 0, 0, 40, 40]
    assert [record.cash[0, 0] for record in records] == [100, 100, 80, 100, 120]
    assert [record.payable[0, 0] for record in records] == [20, 40, 40, 40, 40]
    assert [record.receivable[0, 0] for record in records] == [40, 80, 120, 120, 120]


def test_days_become_whole_periods_late_for_what_comes_in_and_early_for_what_goes_out(implementation):
    world = shop(
        {"period_days": 7.0}, suppliers=[{"name": "mill", "terms": {"net": 20}}], channels=[{"name": "street", "collection": 8}]
    )
    records = days(world, [4, 4, 4], implementation)
    assert [record.payments[0, 0] for record in records] == [0, 0, 20]  # 20 days are two weeks
    assert [record.receipts[0, 0] for record in records] == [0, 0, 40]  # 8 days are two


def test_an_order_is_cut_to_cash_above_the_floor_and_the_credit_line(implementation):
    world = shop({"floor": 70.0})
    (record,) = days(world, [50], implementation)
    assert record.executed[0, 0, 0] == 6.0  # 100 − 70 pay for 6 of 5 each
    assert record.cut_reason[0, 0, 0] == CODES["cash"]
    (record,) = days(shop({"floor": 70.0, "credit_line": {"limit": 21.0, "rate": 0.1}}), [50], implementation)
    assert record.executed[0, 0, 0] == 10.0  # 51 pay for 10


def test_what_is_owed_already_is_kept_back_though_cash_is_there(implementation):
    world = shop(suppliers=[{"name": "mill", "terms": {"net": 3}}], channels=[{"name": "street", "collection": 5}])
    records = days(world, [12, 12], implementation)
    assert [record.executed[0, 0, 0] for record in records] == [12.0, 8.0]  # 60 of the 100 are owed


def test_goods_that_are_paid_for_on_receipt_are_kept_back_from_the_order_on(implementation):
    lane = {"from": "mill", "to": "store", "lead_time": 2, "charged": "on_receipt", "freight": 1}
    records = days(shop(supply_lanes=[lane], channels=[{"name": "street", "collection": 5}]), [10, 10, 10], implementation)
    assert [record.executed[0, 0, 0] for record in records] == [10.0, 6.0, 0.0]  # 16 at 6 are 96 of 100
    assert [record.payments[0, 0] for record in records] == [0.0, 0.0, 60.0]


def test_fixed_costs_of_a_shipment_need_cash_too(implementation):
    lane = {"from": "mill", "to": "store", "fixed_cost": 40, "line_cost": 15}
    (record,) = days(shop(supply_lanes=[lane]), [50], implementation)
    assert record.executed[0, 0, 0] == 9.0  # 100 − 55 pay for 9
    (record,) = days(shop({"cash": 55.0}, supply_lanes=[lane]), [50], implementation)
    assert record.executed[0, 0, 0] == 0.0  # nothing is left for goods


def test_credit_is_drawn_down_to_the_floor_bears_interest_and_is_repaid(implementation):
    treasury = {"cash": 20.0, "floor": 20.0, "credit_line": {"limit": 100.0, "rate": 3.6, "day_count": 360}}
    records = days(shop(treasury, channels=[{"name": "street", "collection": 2}]), [4, 0, 0, 0], implementation)
    assert [record.debt[0, 0] for record in records] == pytest.approx([20.0, 20.2, 0.0, 0.0])
    assert [term(record, "interest") for record in records] == pytest.approx([0.0, 0.2, 0.0, 0.0])
    assert records[2].cash[0, 0] == pytest.approx(20.0 - 20.2 + 40.0)  # the first day's sales came in before interest was due


def test_an_invoice_is_paid_early_where_its_discount_is_worth_it(implementation):
    terms = {"net": 4, "discount": 0.1, "within": 2}
    records = days(shop(suppliers=[{"name": "mill", "terms": terms}]), [8, 0, 0, 0, 0], implementation)
    assert [record.payments[0, 0] for record in records] == [0, 0, 36, 0, 0]
    assert [term(record, "discount_taken") for record in records] == [0, 0, 4, 0, 0]
    assert [record.payable[0, 0] for record in records] == [40, 40, 0, 0, 0]


def test_a_discount_that_costs_more_than_credit_is_left_and_one_that_cash_cannot_pay_is_taken_in_part(implementation):
    terms = {"net": 60, "discount": 0.02, "within": 30}  # 2.04 % for 30 days, 24.8 % a year
    dear = {"credit_line": {"limit": 0.0, "rate": 0.25}}
    assert shop(dear, suppliers=[{"name": "mill", "terms": terms}]).problem.treasury.discount.tolist() == [0.0]
    terms = {"net": 4, "discount": 0.2, "within": 1}
    lane = {"from": "mill", "to": "store", "freight": 3}
    world = shop(
        {"cash": 64.0},
        suppliers=[{"name": "mill", "terms": terms}],
        supply_lanes=[lane],
        channels=[{"name": "street", "collection": 9}],
    )
    records = days(world, [8, 0], implementation)  # freight of 24 is paid at once: 40 are left, and 32 pay the invoice of 40
    assert (records[1].payments[0, 0], records[1].cash[0, 0]) == (32.0, 8.0)
    world = shop(
        {"cash": 64.0, "floor": 24.0},
        suppliers=[{"name": "mill", "terms": terms}],
        supply_lanes=[lane],
        channels=[{"name": "street", "collection": 9}],
    )
    records = days(world, [5, 0], implementation)  # 15 of freight leave 49, 25 above the floor: enough for 20 of 25
    assert (records[1].payments[0, 0], term(records[1], "discount_taken"), records[1].payable[0, 0]) == (20.0, 5.0, 0.0)
    world = shop(
        {"cash": 40.0},
        suppliers=[{"name": "mill", "terms": terms}],
        channels=[{"name": "street", "collection": 9}],
        sites=[{"name": "store", "initial_stock": 4, "holding_cost": 3}],
    )
    records = days(world, [8, 0], implementation)  # the first day costs 24 of holding: 16 pay half of 32
    assert (records[0].cash[0, 0], records[1].payments[0, 0] - term(records[1], "holding")) == (16.0, 16.0)
    assert (term(records[1], "discount_taken"), records[1].payable[0, 0]) == (4.0, 20.0)


def test_capital_is_charged_on_stock_at_cost_and_is_no_cash(implementation):
    (record,) = days(shop({"capital_charge": 0.365}), [10], implementation)
    assert term(record, "capital") == pytest.approx(10 * 5 * 0.001)
    assert record.cash[0, 0] == 100 - 50 + 40


def test_settle_stands_where_the_sequence_says(implementation):
    sequence = ["receive", "decide", "settle", "demand", "fulfil", "charge"]
    world = shop({"cash": 10.0}, sequence=sequence, channels=[{"name": "street", "collection": 1}])
    late = days(world, [2, 8], implementation)
    early = days(shop({"cash": 10.0}, channels=[{"name": "street", "collection": 1}]), [2, 8], implementation)
    assert [record.executed[0, 0, 0] for record in late] == [2.0, 0.0]  # the first day's 40 come in after the second decision
    assert [record.executed[0, 0, 0] for record in early] == [2.0, 8.0]


def two_groups(**changed: Any) -> World:
    """Two items of two groups, sold to nobody, bought at 5 and 2."""
    budget = {"per": 2, "by": ["group"], "amounts": {"toys": 50, "games": 9}}
    skus = [
        {"name": "ball", "group": "toys", "unit_cost": 5, "price": 10},
        {"name": "dice", "group": "games", "unit_cost": 2, "price": 10},
    ]
    demand = [{"process": {"distribution": "deterministic", "mean": 0}}]
    return shop(**{"treasury": {"cash": 1000.0, "budget": budget}, "skus": skus, "demand": demand, **changed})


def test_spending_is_cut_to_budgets_which_lapse_after_their_period(implementation):
    player = implementation(two_groups().problem, [0])
    records = [day.flows for day in play(player, [np.array([[[8.0, 3.0]]])] * 3)]
    assert [record.executed[0, 0].tolist() for record in records] == [[8.0, 3.0], [2.0, 1.0], [8.0, 3.0]]
    assert [record.budget_left[0].tolist() for record in records] == [[10.0, 3.0], [0.0, 1.0], [10.0, 3.0]]
    assert records[1].cut_reason[0, 0].tolist() == [CODES["budget"], CODES["budget"]]
    assert records[1].spent[0].tolist() == [10.0, 2.0]


def divided(**changed: Any) -> World:
    budget = {"per": 2, "by": ["group"], "total": [40, 100]}
    return two_groups(treasury={"cash": 1000.0, "budget": budget}, decisions=["orders", "budget"], **changed)


def test_a_region_that_buys_nothing_has_no_budget(implementation):
    """A hub buys for two shops in regions of their own: what a policy leaves alike is all the hub's."""
    world = shop(
        {"budget": {"per": 2, "by": ["region"], "total": 90}},
        decisions=["orders", "budget"],
        sites=[{"name": "hub", "region": "centre"}, {"name": "west", "region": "west"}, {"name": "east"}],
        supply_lanes=[{"from": "mill", "to": "hub"}, {"from": "hub", "to": "west"}, {"from": "hub", "to": "east"}],
        fulfilment_lanes=[{"from": "west", "to": "street"}, {"from": "east", "to": "street"}],
    )
    assert world.names.budgets == ["centre"]
    (day,) = play(implementation(world.problem, [0]), [np.full((1, 3, 1), 50.0)])
    assert day.flows.executed[0, 0, 0] == 18.0  # 90 at 5 each


@pytest.mark.parametrize(
    ("decided", "given"), [([30, 10], [30, 10]), ([60, 20], [30, 10]), ([5, -3], [5, 0]), (None, [20, 20]), ([0, 0], [0, 0])]
)
def test_the_policy_divides_the_total_and_more_than_it_is_cut_alike(implementation, decided, given):
    budget = None if decided is None else np.array([decided], dtype=float)
    decision = Decision(np.zeros((1, 1, 2)), budget=budget)
    first, second, third = [day.flows for day in play(implementation(divided().problem, [0]), [decision] * 3)]
    assert first.budget_left[0].tolist() == given
    assert second.budget_left[0].tolist() == given  # what is decided within a budget period changes nothing
    wanted = 100.0 if decided is None else np.maximum(decided, 0).sum()
    assert third.budget_left[0].sum() == pytest.approx(min(wanted, 100.0))


def test_money_is_shared_by_priority_where_the_world_rations_so(implementation):
    lanes = [{"from": "mill", "to": "store", "priority": 2}, {"from": "forge", "to": "store"}]
    suppliers = [{"name": "mill"}, {"name": "forge"}]
    for rationing, executed in (("priority", [8.0, 12.0]), ("proportional", [10.0, 10.0])):
        world = shop(rationing=rationing, supply_lanes=lanes, suppliers=suppliers)
        (day,) = play(implementation(world.problem, [0]), [np.array([[[12.0], [12.0]]])])
        assert day.flows.executed[0, :, 0].tolist() == executed


def test_what_whole_units_leave_of_a_share_buys_the_next(implementation):
    skus = [{"name": f"item-{n}", "unit_cost": 5, "price": 10} for n in range(12)]
    demand = [{"process": {"distribution": "deterministic", "mean": 0}}]
    world = shop({"cash": 59.9}, skus=skus, demand=demand, sites=[{"name": "store"}])
    (day,) = play(implementation(world.problem, [0]), [np.ones((1, 1, 12))])
    assert day.flows.executed.sum() == 11.0
    assert day.flows.cash[0, 0] == pytest.approx(4.9)


# ---- in every world


@holds_in_random_worlds()
def test_cash_reconciles(world: RandomWorld, seed):
    """Opening + receipts − payments = closing; what was sold is collected or owed, and likewise what was bought."""
    treasury = world.problem.treasury
    if not treasury.exists:
        return
    before, sums = np.full((2, 1), treasury.cash), dict.fromkeys(("receipts", "payments", "revenue", "due"), 0.0)
    length = world.problem.clock.length
    for period, (_, flows, _) in enumerate(play(Kernel(world.problem, [seed, seed + 1]), random_decisions(world, 2, seed))):
        if period == length - 1:
            return  # what comes after the last record was closed is in its money, and in no cash
        own = flows.cash - flows.debt
        assert np.allclose(own, before + flows.receipts - flows.payments, atol=NOTHING)
        terms = dict(zip(TERMS, flows.terms.T, strict=True))
        sums["receipts"] += flows.receipts[:, 0]
        sums["payments"] += flows.payments[:, 0]
        sums["revenue"] += terms["revenue"]
        sums["due"] += sum(terms[name] for name in ("purchase", "interest", *PAID_AT_ONCE)) - terms["discount_taken"]
        assert np.allclose(sums["revenue"], sums["receipts"] + flows.receivable[:, 0], atol=NOTHING)
        assert np.allclose(sums["due"], sums["payments"] + flows.payable[:, 0], atol=NOTHING)
        before = own


@holds_in_random_worlds()
def test_no_order_costs_more_than_headroom_and_nothing_is_spent_beyond_a_budget(world: RandomWorld, seed):
    problem, treasury = world.problem, world.problem.treasury
    if not treasury.exists:
        return
    for before, flows, _ in play(Kernel(problem, [seed, seed + 1]), random_decisions(world, 2, seed)):
        now = int(before.period[0])
        each = sum(prices[now % len(prices)] for prices in (problem.prices.purchase, problem.prices.inbound_freight))
        each = each + problem.prices.production[now % len(problem.prices.production)]
        coming = (before.in_transit + before.received)[:, problem.lanes.on_receipt] * each[problem.lanes.on_receipt]
        headroom = (before.cash - treasury.floor + treasury.limit - before.debt)[:, 0]
        headroom = np.maximum(headroom - before.payables.sum(axis=(1, 2)) - coming.sum(axis=(1, 2)), 0.0)
        shipped = flows.executed > 0.0
        fixed = (shipped.any(axis=2) * problem.prices.fixed[now % len(problem.prices.fixed)]).sum(axis=1)
        fixed = fixed + (shipped * problem.prices.line[now % len(problem.prices.line)]).sum(axis=(1, 2))
        assert ((flows.executed * each).sum(axis=(1, 2)) + fixed <= headroom + NOTHING).all()
        assert (flows.debt <= treasury.limit + NOTHING).all()
        assert (flows.debt >= -NOTHING).all()
        if now % treasury.per and flows.spent.shape[1]:
            assert (flows.spent <= before.budget_left + NOTHING).all()
        assert (flows.budget_left >= 0.0).all()
        if problem.rules.budgets and now % treasury.per == 0:
            assert ((flows.spent + flows.budget_left).sum(axis=1) <= treasury.total.max() + NOTHING).all()


# ---- what is refused


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"objective": "cost"}, "treasury: cash comes from sales; it needs objective: profit, not cost"),
        (
            {"treasury": None, "channels": [{"name": "street", "collection": 3}]},
            "channels\\[0\\].collection needs the section treasury",
        ),
        ({"treasury": None, "decisions": ["orders", "budget"]}, "decisions: budget needs the section treasury"),
        ({"decisions": ["orders", "budget"]}, "decisions: budget needs treasury.budget.total, the money that is divided"),
        ({"period": "shift", "treasury": {"cash": 1}}, "treasury.period_days must say how many days a shift has"),
        (
            {"suppliers": [{"name": "mill", "terms": {"net": 2.5, "discount": 0.1, "within": 0.5}}]},
            "suppliers\\[0\\].terms.within must be at least a period of 1 days, and a period less than net",
        ),
        (
            {"supply_lanes": [{"from": "mill", "to": "store", "unfilled": "backlog"}]},
            "supply_lanes\\[0\\].unfilled must be dropped",
        ),
        ({"treasury": {**START, "budget": {"per": 1, "by": ["group"], "amounts": 3}}}, "skus\\[0\\]: 'item' has no group"),
        (
            {
                "treasury": {**START, "capital_charge": 0.1},
                "sites": [{"name": "store", "holding_cost": {"rate": 0.1}}],
            },
            "sites\\[0\\].holding_cost: a rate on the unit cost usually includes capital",
        ),
        ({"treasury": {**START, "budget": {"per": 1, "amounts": {"toys": 3}}}}, "amounts must be a number, not {'toys': 3.0}"),
        (
            {"treasury": {**START, "budget": {"per": 1, "by": ["region"], "amounts": {"town": 3, "twon": 5}}}, "sites": TOWN},
            "treasury.budget.amounts: no budget is called 'twon'; did you mean 'town'",
        ),
        (
            {
                "treasury": {
                    **START,
                    "budget": {"per": 1, "by": ["region", "group"], "amounts": {"town": {"toys": 3, "tosy": 5}}},
                },
                "sites": TOWN,
                "skus": [{"name": "item", "group": "toys", "unit_cost": 5, "price": 10}],
            },
            "treasury.budget.amounts.town: no budget is called 'tosy'; did you mean 'toys'",
        ),
        ({"treasury": {**START, "budget": {"per": 1, "amounts": 3, "total": 4}}}, "and not both"),
        ({"sequence": ["receive", "decide", "demand", "fulfil", "charge", "settle"]}, "sequence must put charge after settle"),
    ],
)
def test_what_makes_no_sense_is_refused(changed, message):
    content = shop().content | changed
    with pytest.raises(ScenarioError, match=message):
        world_from({key: value for key, value in content.items() if value is not None}, "shop.yaml")
