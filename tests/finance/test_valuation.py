"""Movements become money: the worked numbers of IAS 2 and ASC 330, each by hand."""

import pytest
from valuation_logs import log, money, note, policy, receipt, sale

from allotment.finance.ledger import NUMBER
from allotment.finance.valuation import value
from allotment.scenario.errors import ScenarioError

OPENING = (0, "opening", "", "north", 100, {"unit_cost": 10.0})
TRADE = log(OPENING, receipt(1, 200, 11.0), sale(2, 150), receipt(3, 150, 12.5), sale(4, 100))
YIELD = {"reason": "yield"}
PERIODIC = {"system": "periodic", "scope": "company"}


def amounts(valuation, *accounts, **more):
    return [valuation.balance(account, **more) for account in accounts]


@pytest.mark.parametrize(
    ("formula", "more", "cost", "stock"),
    [
        ("fifo", {}, "2650", "2425"),
        ("fifo", {"scope": "company"}, "2650", "2425"),
        ("fifo", PERIODIC, "2650", "2425"),
        ("moving_average", {}, "2758.33", "2316.67"),
        ("weighted_average", PERIODIC, "2819.44", "2255.56"),  # 250 of 450 at 5,075
        ("lifo", {"framework": "us_gaap"}, "2900", "2175"),  # 150 of 11, then 100 of 12.5
        ("lifo", {"framework": "us_gaap", **PERIODIC}, "2975", "2100"),  # 150 of 12.5 and 100 of 11
        ("standard", {"skus": {"a": {"standard_cost": 10.5}}}, "2625", "2100"),
    ],
)
def test_the_cost_formula_splits_goods_available(formula, more, cost, stock):
    made = value(TRADE, policy(cost_formula=formula, **more))
    assert amounts(made, "cost_of_sales", "inventory") == [money(cost), money(stock)]
    assert sum(amounts(made, "cost_of_sales", "inventory", "purchase_variance")) == 5075


def test_stock_bought_above_its_standard_leaves_a_variance():
    made = value(TRADE, policy(cost_formula="standard", skus={"a": {"standard_cost": 10.5}}))
    assert made.balance("purchase_variance") == -100 * money("0.5") + 200 * money("0.5") + 150 * 2


def test_revenue_comes_with_the_sale():
    made = value(log(receipt(0, 10, 4.0), sale(1, 6, unit_price=9.99)), policy())
    assert amounts(made, "receivables", "revenue") == [money("59.94"), money("-59.94")]


def test_the_remainder_goes_with_the_last_unit():
    rows = [receipt(0, 3, 3.335)] + [sale(number, 1) for number in (1, 2, 3)]  # 10.005, posted as 10.00 (half to even)
    made = value(log(*rows), policy())
    costs = made.entries.amount[made.entries.account == NUMBER["cost_of_sales"]]
    assert costs.tolist() == [333, 334, 333]
    assert made.balance("inventory") == 0


@pytest.mark.parametrize(("framework", "stock"), [("ifrs", 50_000), ("us_gaap", 47_000)])
def test_a_write_down_recovers_under_ifrs_but_not_across_fiscal_years_under_us_gaap(framework, stock):
    rows = log(receipt(0, 1000, 50.0), note(1, "price", unit_price=47.0), note(11, "price", unit_price=55.0))
    made = value(rows, policy(framework, fiscal_year=10))
    assert made.balance("inventory", "write_down_allowance", through=9) == 47_000
    assert made.balance("inventory", "write_down_allowance") == stock
    assert made.balance("write_downs") == 50_000 - stock


def test_a_write_down_recovers_within_a_fiscal_year_under_us_gaap():
    rows = log(receipt(0, 1000, 50.0), note(1, "price", unit_price=47.0), note(11, "price", unit_price=55.0))
    assert value(rows, policy("us_gaap", fiscal_year=20)).balance("inventory", "write_down_allowance") == 50_000


def test_units_under_a_contract_are_tested_at_its_price():
    rows = log(
        receipt(0, 100, 47.0),
        (1, "reservation", "north", "customer:c", 60, {"unit_price": 48.0, "document": "k"}),
        note(1, "price", unit_price=44.0),
    )
    made = value(rows, policy(realisable={"selling_cost": 2.0}))
    assert made.balance("write_downs") == 60 + 200
    free = value(log(receipt(0, 100, 47.0), note(1, "price", unit_price=44.0)), policy(realisable={"selling_cost": 2.0}))
    assert free.balance("write_downs") == 500  # reservations change valuation


def test_what_was_written_down_and_sold_costs_less():
    rows = log(receipt(0, 10, 5.0), note(1, "price", unit_price=3.0), sale(11, 4))
    made = value(rows, policy())
    assert amounts(made, "cost_of_sales", "write_down_allowance", "write_downs") == [20 - 8, -12, 20]


def test_lifo_keeps_lower_of_cost_or_market():
    rows = log(receipt(0, 10, 50.0), note(1, "price", unit_price=60.0, unit_cost=30.0))
    made = value(rows, policy("us_gaap", "lifo", realisable={"normal_margin": 0.25}, fiscal_year=20))
    assert made.balance("write_downs") == 10 * (50 - 45)  # the floor: 60 less a margin of 15


def test_landed_cost_after_a_part_was_sold_is_split():
    rows = log(receipt(0, 100, 10.0, document="d"), sale(1, 60), note(12, "landed_cost", 100, unit_cost=1.0, document="d"))
    for formula in ("fifo", "moving_average"):
        made = value(rows, policy(cost_formula=formula))
        assert amounts(made, "inventory", "cost_of_sales") == [400 + 40, 600 + 60]
        assert amounts(made, "inventory", "cost_of_sales", through=9) == [400, 600]  # the closed days are as they were


@pytest.mark.parametrize(
    ("basis", "first"), [("quantity", 60), ("value", 30), ("weight", 20), ("volume", 75)]
)  # 60 x 1 and 20 x 7 of money; weights 1 and 12, volumes 2 and 2
def test_landed_cost_is_spread_over_a_document(basis, first):
    rows = log(
        receipt(0, 60, 1.0, document="d"),
        receipt(0, 20, 7.0, document="d", sku="b"),
        note(1, "landed_cost", unit_cost=80.0 if basis == "quantity" else 100.0, document="d", sku="*", reason="duty"),
    )
    items = {"a": {"weight": 1.0, "volume": 2.0}, "b": {"weight": 12.0, "volume": 2.0}}
    made = value(rows, policy(landed_cost=basis, skus=items))
    a = made.log.sku.names.index("a")
    assert made.entries.balance("inventory", where=made.entries.sku == a) == 100 * (60 + first)


def test_storage_is_spent_and_freight_too_where_the_policy_says_so():
    rows = log(
        receipt(0, 10, 1.0, document="d"),
        note(1, "landed_cost", unit_cost=5.0, document="d", reason="storage"),
        note(1, "landed_cost", unit_cost=7.0, document="d", reason="inbound_freight"),
    )
    assert amounts(value(rows, policy()), "inventory", "storage", "freight") == [17, 5, 0]
    assert amounts(value(rows, policy(capitalised=["duty"])), "inventory", "storage", "freight") == [10, 5, 7]


def test_a_transfer_carries_cost_and_date_and_its_freight_is_spent():
    rows = log(
        receipt(0, 10, 3.0),
        receipt(1, 10, 5.0),
        (2, "dispatch", "north", "in_transit:n-s", 15, {}),
        (4, "transfer_receipt", "in_transit:n-s", "south", 12, {"unit_cost": 0.5}),
    )
    made = value(rows, policy())
    places = [made.log.places[place] for _, place, _, _ in made.held]
    assert [(place, layer.units, layer.worth, layer.day) for place, (*_, layer) in zip(places, made.held, strict=True)] == [
        ("north", 5, 2500, 1),
        ("in_transit:n-s", 3, 1500, 1),
        ("south", 10, 3000, 0),
        ("south", 2, 1000, 1),
    ]
    assert amounts(made, "inventory", "freight") == [80, 6]
    first = value(rows, policy(points_of_sale=["south"]))  # on the way to the first point of sale
    assert amounts(first, "inventory", "freight") == [86, 0]


@pytest.mark.parametrize(("terms", "stock"), [("shipping_point", 40), ("destination", 0)])
def test_terms_say_whose_goods_in_transit_are(terms, stock):
    on_the_way = (0, "dispatch", "supplier:s", "in_transit:s-n", 10, {"unit_cost": 4.0})
    made = value(log(on_the_way, note(1, "price", unit_price=9.0)), policy(terms={"default": terms}))
    assert made.balance("inventory") == stock
    arrived = value(log(on_the_way, (3, "receipt", "in_transit:s-n", "north", 10)), policy(terms={"suppliers": {"s": terms}}))
    assert amounts(arrived, "inventory", "payables") == [40, -40]


def test_returns_come_back_at_the_cost_they_left_with():
    rows = log(
        receipt(0, 10, 4.0),
        sale(1, 8, document="o1"),
        receipt(2, 10, 6.0),
        sale(3, 5, document="o2"),
        (4, "customer_return", "customer:c", "north", 3, {"document": "o1"}),
        (5, "customer_return", "customer:c", "north", 2, {"document": "o2", "reason": "damaged", "unit_cost": 1.0}),
        (6, "customer_return", "customer:c", "lost", 1, {"document": "o1"}),
    )
    made = value(rows, policy())
    sold = 8 * 4 + (2 * 4 + 3 * 6)
    assert amounts(made, "cost_of_sales", "write_downs", "waste") == [sold - 12 - 8 - 4, 2 * (4 - 1), 4]
    assert made.balance("inventory") == 7 * 6 + 3 * 4 + 2 * 1


def test_more_cannot_come_back_than_a_document_sold():
    rows = log(
        receipt(0, 9, 4.0), sale(1, 2, document="o"), (2, "customer_return", "customer:c", "north", 3, {"document": "o"})
    )
    with pytest.raises(ScenarioError, match="movement e2: returns 3, but document 'o' sold only 2 of 'a'"):
        value(rows, policy())


def test_goods_sent_back_under_an_average_leave_a_difference():
    back = (2, "supplier_return", "north", "supplier:s", 10, {"unit_cost": 12.0})
    made = value(log(receipt(0, 10, 10.0), receipt(1, 10, 12.0), back), policy(cost_formula="moving_average"))
    assert amounts(made, "inventory", "payables", "purchase_difference") == [110, -220 + 120, -10]


def test_counts_post_shrinkage_and_what_nobody_has_seen_is_still_stock():
    gone = (1, "shrinkage", "north", "unrecorded:north", 3, {})
    counted = (2, "count", "unrecorded:north", "lost", 3, {})
    more = (3, "count", "lost", "north", 1, {})
    assert amounts(value(log(receipt(0, 10, 2.0), gone), policy()), "inventory", "shrinkage") == [20, 0]
    assert amounts(value(log(receipt(0, 10, 2.0), gone, counted), policy()), "inventory", "shrinkage") == [14, 6]
    assert amounts(value(log(receipt(0, 10, 2.0), gone, counted, more), policy()), "inventory", "shrinkage") == [16, 4]


def test_what_a_plant_makes_costs_its_conversion_too():
    rows = log(
        receipt(0, 10, 2.0),
        (1, "production", "north", "made:p", 10, {}),
        (2, "receipt", "made:p", "south", 8, {"unit_cost": 1.0}),
        (2, "scrap", "made:p", "lost", 2, {}),
    )
    assert amounts(value(rows, policy()), "inventory", "waste", "conversion_payable") == [24, 4, -8]


def made_of(lost, *more):
    """Return a batch of 1,000 that cost 8,000 in a plant which loses some of it, and makes the rest for 2 a unit."""
    return log(
        receipt(0, 1000, 8.0),
        (1, "production", "north", "made:p", 1000, {}),
        (1, "scrap", "made:p", "lost", lost, {"reason": "yield"}),
        (1, "dispatch", "made:p", "in_transit:p-s", 1000 - lost, {"unit_cost": 2.0}),
        *more,
    )


@pytest.mark.parametrize("more", [{}, {"scope": "company"}, PERIODIC, {"cost_formula": "moving_average"}])
def test_a_normal_loss_in_production_is_part_of_what_the_others_cost(more):
    rows = made_of(150, (2, "transfer_receipt", "in_transit:p-s", "south", 850, {}), sale(3, 85, "south"))
    made = value(rows, policy(**more))
    assert amounts(made, "cost_of_sales", "inventory", "waste") == [(8000 + 1700) * 85 / 850, 9700 - 970, 0]


def test_a_loss_beyond_the_normal_one_is_waste_at_the_cost_of_good_units():
    made = value(made_of(150), policy(normal_loss={"p": 0.1}))  # 50 of the 900 that 8,000 should have made
    assert amounts(made, "waste", "inventory") == [money("444.44"), money("9255.56")]
    assert value(made_of(80), policy(normal_loss={"p": 0.1})).balance("waste") == 0
    assert value(made_of(150), policy(normal_loss={"p": 0.0})).balance("waste") == 1200
    whole = log(receipt(0, 9, 8.0), (1, "production", "north", "made:p", 9, {}), (1, "scrap", "made:p", "lost", 9, YIELD))
    assert amounts(value(whole, policy()), "waste", "inventory") == [72, 0]  # nothing is left that could bear it


def test_under_a_periodic_average_a_normal_loss_is_borne_by_what_was_sold_before_it_too():
    rows = log(
        receipt(0, 110, 10.0),
        sale(1, 50),
        (2, "production", "north", "made:p", 60, {}),
        (2, "scrap", "made:p", "lost", 10, YIELD),
    )
    made = value(rows, policy(cost_formula="weighted_average", **PERIODIC))
    assert amounts(made, "cost_of_sales", "inventory", "waste") == [550, 550, 0]


def test_a_plant_that_the_log_does_not_have_has_no_normal_loss():
    with pytest.raises(ScenarioError, match="normal_loss: no 'q' in the log"):
        value(made_of(150), policy(normal_loss={"q": 0.1}))


def test_payables_in_another_currency_are_remeasured_and_stock_is_not():
    rows = log(receipt(0, 100, 2.0, currency="EUR"), note(15, "price", unit_price=9.0))
    made = value(rows, policy(rates={"EUR": {0: 0.8, 10: 1.0}}))
    assert amounts(made, "inventory", "payables", "exchange_difference", through=9) == [250, -250, 0]
    assert amounts(made, "inventory", "payables", "exchange_difference") == [250, -200, -50]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([sale(0, 1)], "movement e0: takes 1 of 'a' from north, which holds 0"),
        ([(0, "receipt", "supplier:s", "north", 1)], "movement e0: unit_cost is empty; this receipt brings in value"),
        ([note(0, "landed_cost", unit_cost=1.0, document="d")], "movement e0: document 'd' has no receipt of 'a' before"),
        (
            [receipt(0, 1, 1.0, document="d"), note(0, "landed_cost", unit_cost=1.0, document="d", reason="dutty")],
            "movement e1: reason 'dutty' is no landed cost; did you mean 'duty'",
        ),
        ([(0, "sale", "customer:c", "north", 1)], "movement e0: no sale goes from customer:c to north"),
    ],
)
def test_what_cannot_be_valued_is_refused_by_movement(rows, said):
    with pytest.raises(ScenarioError, match=said):
        value(log(*rows), policy())


@pytest.mark.parametrize(("formula", "framework", "cost"), [("fifo", "ifrs", 30), ("lifo", "us_gaap", 50)])
def test_a_transfer_changes_nothing_where_the_company_shares_its_cost(formula, framework, cost):
    move = (2, "transfer_receipt", "north", "south", 10, {})
    rows = log(receipt(0, 10, 3.0), receipt(1, 10, 5.0), move, sale(3, 10, "south"))
    made = value(rows, policy(framework, formula, scope="company"))
    assert made.balance("cost_of_sales") == cost


def test_value_is_not_zero_while_units_are_left():
    rows = [receipt(0, 10, 0.001), sale(1, 9)]  # a cent for ten
    assert value(log(*rows), policy()).balance("inventory") == money("0.01")
    assert value(log(*rows, sale(2, 1)), policy()).balance("inventory") == 0


def test_books_are_in_the_currency_of_the_log_where_the_policy_says_none():
    euros = (0, "opening", "", "north", 10, {"unit_cost": 2.0, "currency": "EUR"})
    assert value(log(euros), policy()).policy.currency == "EUR"
    assert value(TRADE, policy()).policy.currency == "USD"  # where nobody says one
    with pytest.raises(ScenarioError, match="currency must be said, as the movements are in EUR and USD"):
        value(log(euros, receipt(1, 10, 2.0, currency="USD")), policy())


def test_amounts_that_books_cannot_hold_are_refused_by_movement():
    with pytest.raises(ScenarioError, match="movement e1: with it, amounts come to more than 4,611,686,018,427,387,904 coins"):
        value(log(receipt(0, 10**9, 2 * 10**7), receipt(1, 10**9, 2 * 10**7)), policy())
    priced = log(receipt(0, 1, 1.0), note(1, "price", unit_price=-1e17))
    with pytest.raises(ScenarioError, match=r"movements: amounts come to more than .* coins on 9, more than books hold"):
        value(priced, policy())
