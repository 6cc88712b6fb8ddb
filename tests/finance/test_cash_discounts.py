"""Discounts for early payment: what they save against what the money costs, and the room they need."""

from decimal import Decimal

from allotment.finance.cash import forecast
from allotment.finance.cash.schema import Outlook


def order(name="PO", amount=10_000, received=0, terms="2/10 net 30"):
    return {"name": name, "supplier": "A", "amount": amount, "received": received, "terms": terms}


def made_of(*orders, opening=20_000, **content):
    """Return the forecast of 40 days with these orders."""
    return forecast(Outlook.model_validate({"days": 40, "opening": opening, "orders": list(orders), **content}))


def test_a_discount_is_taken_where_it_saves_more_than_the_money_costs():
    for rate, taken in ((0.37, True), (0.38, False)):  # 200 on 9,800 for 20 days is 37.24 % a year
        (decision,) = made_of(order(), cost_of_funds=rate).decisions
        assert decision.taken is taken
        assert round(decision.yearly, 4) == Decimal("0.3724")
        assert (decision.early, decision.due, decision.saves) == (10, 30, 200)
    assert decision.costs == Decimal("204.05")
    assert decision.reason == "saves 200.00, not more than the 204.05 that the money costs until day 30"


def test_saving_just_what_the_money_costs_is_not_saving_more():
    (decision,) = made_of(order(amount=0), cost_of_funds=0).decisions
    assert not decision.taken


def test_a_discount_is_left_where_cash_would_fall_below_the_floor():
    (decision,) = made_of(order(), opening=12_000, floor=3_000, cost_of_funds=0.05).decisions
    assert not decision.taken
    assert decision.reason == "saves 200.00 for 26.85; cash above the floor would be -800.00 on day 10"
    line = {"limit": 800, "rate": 0.05}
    made = made_of(order(), opening=12_000, floor=3_000, credit_line=line)
    assert made.decisions[0].taken  # the line has just the room
    assert made.decided[10].headroom == 0


def test_only_the_days_until_all_would_be_due_count():
    later = [{"name": "tax", "amount": 11_000, "day": 30}]
    (decision,) = made_of(order(), opening=15_000, payables=later, cost_of_funds=0.05).decisions
    assert decision.taken  # day 30 lacks money either way, and less so with the discount
    (decision,) = made_of(order(), opening=15_000, payables=[{**later[0], "day": 29}], cost_of_funds=0.05).decisions
    assert not decision.taken


def test_where_there_is_not_room_for_all_the_best_yield_comes_first():
    made = made_of(order("low", terms="1/10 net 30"), order("high", terms="3/10 net 30"), opening=12_000, cost_of_funds=0.05)
    assert {decision.order.name: decision.taken for decision in made.decisions} == {"low": False, "high": True}
    assert made.decided[10].payments == 9_700


def test_one_that_was_left_is_looked_at_again_once_another_made_room():
    """What the second saves by day 20 is the room that the first lacks from day 21 on."""
    first = order("first", amount=10_000, received=11, terms="5/10 net 12")  # 9,500 on day 21
    second = order("second", amount=10_000, terms="4/10 net 20")
    made = made_of(first, second, opening=19_150, cost_of_funds=0.05)
    assert [decision.taken for decision in made.decisions] == [True, True]
    (alone,) = made_of(first, cost_of_funds=0.05, opening=9_150).decisions
    assert not alone.taken


def test_what_cannot_be_taken_any_more_or_not_yet_is_said():
    past, late = made_of(order("past", received=-15), order("late", received=35), cost_of_funds=0.05).decisions
    assert (past.taken, past.reason) == (False, "lapsed on day -5")
    assert late.reason == "not decided: it may be taken until day 45, after the forecast's last day 40"


def test_all_discounts_and_none_are_paths_of_their_own():
    made = made_of(order(), order("past", received=-15), cost_of_funds=0.5)
    ends = [path[40].operating for path in (made.decided, made.with_discounts, made.without_discounts)]
    assert ends == [0, 200, 0]


def test_many_orders_are_decided_in_one_go():
    orders = [order(f"PO-{number}", amount=100) for number in range(1_000)]
    made = made_of(*orders, opening=98 * 300, cost_of_funds=0.05)
    assert sum(decision.taken for decision in made.decisions) == 300
