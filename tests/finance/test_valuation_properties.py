"""What holds for every log: debits are credits, goods available are cost of sales and ending stock, transfers are neutral."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from valuation_logs import log, policy

from allotment.finance.valuation import value

PLACES = ("north", "south")
PERIODIC = {"system": "periodic", "scope": "company"}
COSTS = ("cost_of_sales", "waste", "shrinkage", "purchase_difference", "write_downs", "freight")
FORMULAS = [
    *(("fifo", {}), ("fifo", {"scope": "company"}), ("fifo", PERIODIC), ("moving_average", {}), ("weighted_average", PERIODIC)),
    *(("lifo", {"framework": "us_gaap"}), ("lifo", {"framework": "us_gaap", **PERIODIC})),
]
STEP = st.tuples(
    st.sampled_from(["buy", "sell", "sell", "move", "arrive", "scrap", "back", "price", "land"]),
    *(st.sampled_from(["a", "b"]), st.integers(0, 1), st.integers(1, 40), st.integers(1, 2_000)),
)


@st.composite
def logs(draw, kinds=None):
    """Return a log in which no stock is negative, one step a period and then some."""
    held, rows, sold, bought = Counter(), [], Counter(), []
    for time, (kind, sku, at, units, cents) in enumerate(draw(st.lists(STEP, min_size=15, max_size=40))):
        here, lane = PLACES[at], f"in_transit:{PLACES[at]}"
        units = units if kind in ("buy", "price", "land") else min(units, available(held, sold, kind, sku, here, lane))
        if units and (kinds is None or kind in kinds):
            rows.append(row(time, kind, sku, here, lane, units, cents, bought))
            moved = {"buy": (None, here), "sell": (here, "sold"), "move": (here, f"in_transit:{PLACES[1 - at]}")}
            moved |= {"arrive": (lane, here), "scrap": (here, None), "back": ("sold", here)}
            origin, target = moved.get(kind, (None, None))
            held[(origin, sku)] -= units
            held[(target, sku)] += units
            sold[sku] = held[("sold", sku)]
            if kind == "buy":
                bought.append((f"d{time}", sku))
    return log(*(each for each in rows if each))


def available(held, sold, kind, sku, here, lane):
    return {"arrive": held[(lane, sku)], "back": sold[sku]}.get(kind, held[(here, sku)])


def row(time, kind, sku, here, lane, units, cents, bought):
    cost = {"sku": sku, "unit_cost": cents / 100}
    if kind == "land":
        if not bought:
            return None
        document, of = bought[units % len(bought)]
        return (time, "landed_cost", "", "", units, {**cost, "document": document, "sku": of})
    other = f"in_transit:{PLACES[1 - PLACES.index(here)]}"
    return {
        "buy": (time, "receipt", "supplier:s", here, units, {**cost, "document": f"d{time}"}),
        "sell": (time, "sale", here, "customer:c", units, {"sku": sku, "unit_price": cents / 50}),
        "move": (time, "dispatch", here, other, units, {"sku": sku}),
        "arrive": (time, "transfer_receipt", lane, here, units, {"sku": sku}),
        "scrap": (time, "scrap", here, "lost", units, {"sku": sku}),
        "back": (time, "customer_return", "customer:c", here, units, {"sku": sku}),
        "price": (time, "price", "", "", float("nan"), {"sku": sku, "unit_price": cents / 100}),
    }[kind]


def books(rows, choice):
    formula, more = choice
    return value(rows, policy(cost_formula=formula, **more))


def total(made, *accounts):
    return made.entries.balance(*accounts)


@settings(max_examples=60, deadline=None)
@given(logs(), st.sampled_from(FORMULAS))
def test_every_log_balances_and_goods_available_are_cost_and_stock(rows, choice):
    made = books(rows, choice)
    entries = made.entries
    assert entries.amount.sum() == 0
    for movement in np.unique(entries.row):
        assert entries.amount[entries.row == movement].sum() == 0  # debits are credits, in every movement
    available = -total(made, "payables")
    assert total(made, "inventory", "write_down_allowance") + total(made, *COSTS) == available
    assert total(made, "inventory") == sum(layer.worth for *_, layer in made.held)
    assert all((layer.worth > 0) == (layer.units > 0) for *_, layer in made.held)


@settings(max_examples=40, deadline=None)
@given(logs(kinds=("buy", "sell", "move", "arrive", "scrap", "back")))
def test_fifo_is_the_same_perpetual_and_periodic(rows):
    perpetual, periodic = (books(rows, choice) for choice in FORMULAS[1:3])
    for account in ("inventory", "cost_of_sales", "waste", "payables"):
        assert total(perpetual, account) == total(periodic, account), account


@settings(max_examples=40, deadline=None)
@given(logs(), st.sampled_from(FORMULAS))
def test_transfers_are_neutral_to_the_cent(rows, choice):
    made = books(rows, choice)
    kinds = np.array([made.log.kind[movement] if movement >= 0 else "" for movement in made.entries.row.tolist()])
    for movement in np.unique(made.entries.row[np.isin(kinds, ["dispatch", "transfer_receipt"])]):
        assert made.entries.amount[made.entries.row == movement].sum() == 0
        assert made.entries.units[made.entries.row == movement].sum() == 0
        assert set(made.entries.account[made.entries.row == movement].tolist()) == {0}  # inventory only


@settings(max_examples=40, deadline=None)
@given(logs(), st.sampled_from(FORMULAS), st.integers(0, 3))
def test_nothing_is_posted_to_a_closed_day(rows, choice, close):
    through = 10 * close + 9
    whole, early = books(rows, choice).entries, books(rows[rows["time"] <= through], choice).entries
    assert (np.diff(whole.day) >= 0).all()
    for column in ("day", "account", "amount", "units"):
        np.testing.assert_array_equal(getattr(early, column), getattr(whole, column)[whole.day <= through])
