"""The table of histories: whole periods and prices by hand; worlds and backtests from it; what is misspelt."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_data_sets import PARTS, write_favorita, write_file, write_m5, write_rossmann

from allotment import histories, load_scenario
from allotment.datasets.options import GroupedOptions
from allotment.datasets.table import Recorded, table_of
from allotment.forecasting.backtest import backtest
from allotment.forecasting.methods import ExponentialSmoothing
from allotment.scenario.errors import ScenarioError


def recorded(first="2020-01-01", days=40):
    """Return two series of day numbers from 1 on, of which the first has a price on even days."""
    units = np.tile(np.arange(1.0, days + 1), (2, 1))
    price = np.full(units.shape, np.nan)
    price[0, 1::2] = np.arange(2, days + 1, 2)
    return Recorded(["b", "a"], ["x", "x"], pd.date_range(first, periods=days), units, price)


def test_weeks_begin_on_mondays_and_only_whole_ones_count():
    table = table_of(recorded(), "week")  # Wednesday, 1 January to Sunday, 9 February
    assert table.periods.strftime("%m-%d").tolist() == ["01-06", "01-13", "01-20", "01-27", "02-03"]
    assert table.series()[:, 0].tolist() == [sum(range(n, n + 7)) for n in (6, 13, 20, 27, 34)]
    assert table.notes == ("days at the ends that belong to no whole week, left out: 5",)


def test_months_are_whole_and_nothing_is_left_of_less():
    table = table_of(recorded(), "month")
    assert table.series()[:, 0].tolist() == [sum(range(1, 32))]
    assert table_of(recorded(days=31), "month").notes == ()
    with pytest.raises(ScenarioError, match="the data: 30 days hold no whole month"):
        table_of(recorded(days=30), "month")


def test_a_price_is_the_mean_by_units_of_the_days_that_have_one():
    frame = table_of(recorded(), "week").frame
    assert frame["channel"].tolist() == ["a"] * 5 + ["b"] * 5  # in the order of names
    assert frame["price"][:5].isna().all()
    even = [n for n in range(6, 13) if n % 2 == 0]
    assert frame["price"][5] == pytest.approx(sum(n * n for n in even) / sum(even))


def test_a_price_at_which_nothing_was_sold_is_still_a_price():
    days = pd.date_range("2020-01-06", periods=7)
    table = table_of(Recorded(["a"], ["x"], days, np.zeros((1, 7)), np.arange(7.0)[None]), "week")
    assert table.frame["price"].tolist() == [3.0]


def test_a_world_resamples_what_is_known_and_is_tested_on_the_rest(tmp_path):
    found = histories("m5", write_m5(tmp_path), items="FOODS*", test_from="2011-03-12")
    world = found.world(name="two_foods", defaults={"supply_lanes": {"lead_time": 3}})
    train, test = world.problem.demand, world.for_test().problem.demand
    assert (len(train.recorded), train.replayed) == (42, False)  # three times the two weeks of the test
    assert (len(test.recorded), test.replayed) == (14, True)
    ca, tx = world.names.channels.index("CA_1"), world.names.channels.index("TX_1")
    assert test.recorded[:, ca, 0].tolist() == [n % 3 for n in range(42, 56)]
    assert test.recorded[:, tx, 1].tolist() == [0.0] * 14  # TX_1 does not sell it
    assert world.problem.clock.length == 14
    assert world.scenario.supply_lanes[0].lead_time == 3
    assert [(sku.price, sku.unit_cost) for sku in world.scenario.skus][1] == (1.25, round(0.7 * 1.25, 4))


def test_prices_of_a_world_are_of_the_time_before_its_test(tmp_path):
    sources = [histories("m5", write_m5(tmp_path), stores="CA_1", **options) for options in ({}, {"test_from": "2011-02-26"})]
    with_all, before = (source.world().scenario.skus[0].price for source in sources)
    assert before == 2.0 < with_all < 2.5


def test_the_same_scenario_can_be_written_into_a_file(tmp_path):
    found = histories("favorita", write_favorita(tmp_path), items=["103665"])
    content = found.scenario(defaults={"skus": {"price": 3.0, "unit_cost": 2.0}})
    assert content["data"] == {"reader": "favorita", "folder": str(tmp_path), "options": {"items": "103665"}}
    assert content["units"] == "continuous"  # 2.25 were sold
    np.testing.assert_array_equal(load_scenario(content).problem.demand.recorded, found.world().problem.demand.recorded)
    assert load_scenario(content).scenario.skus[0].price == 3.0


def test_a_test_longer_than_what_is_known_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="option test_from: 2015-01-01 has 1 periods before it and 2 from it on"):
        histories("rossmann", write_rossmann(tmp_path), test_from="2015-01-01").world()


def test_a_backtest_of_the_table_is_one_of_its_series(tmp_path):
    found, method = histories("carparts", write_file(tmp_path, "carparts.csv", PARTS)), ExponentialSmoothing(0.5)
    table = found.backtest(method, horizon=1, first=2)
    assert table["period"].tolist() == [pd.Timestamp("1998-03-01"), pd.Timestamp("1998-04-01")]
    series = np.array([[0, 2, 1], [1, 0, 0], [0, 0, 4], [0, 1, 0]], dtype=float)
    pd.testing.assert_frame_equal(table.drop(columns="period"), backtest(method, series, horizon=1, first=2))
    assert table["mae"][0] == pytest.approx((0.5 + 1.0 + 3.5) / 3)  # levels 0.5, 1, 0.5 against 0, 0, 4
    with pytest.raises(ScenarioError, match="carparts: a backtest needs at least 11 periods"):
        found.backtest(method, horizon=9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"item": "x"}, "m5: options: unknown key 'item'; did you mean 'items'"),
        ({"items": "FOODS_1_003"}, "option items: nothing in the data is called 'FOODS_1_003'; did you mean 'FOODS_1_002'"),
        ({"stores": "WI*"}, r"option stores: nothing in the data is called 'WI\*'; allowed: CA_1, TX_1"),
        ({"first": "29.1.2011"}, "options: first: must be a date as '2016-05-22', not '29.1.2011'"),
        ({"period": "quarter"}, "options: period must be 'day', 'week' or 'month', not 'quarter'"),
        ({"items_every": 0}, "options: items_every must be >= 1, not 0"),
        ({"items_every": 2, "items_first": 2}, "items_first must be below items_every, not 2 of 2"),
        ({"stores": True}, "options: stores: must be names or name patterns parted by commas, not True"),
        ({"first": "2011-03-01", "last": "2011-02-01"}, "no period begins between 2011-03-01 and 2011-02-01"),
    ],
)
def test_options_that_do_not_apply_are_named(tmp_path, options, message):
    with pytest.raises(ScenarioError, match=message):
        histories("m5", write_m5(tmp_path), **options)


def test_a_scenario_with_a_misspelt_option_says_so(tmp_path):
    content = histories("m5", write_m5(tmp_path)).scenario(name="mine")
    content["data"]["options"] = {"store": "CA_1"}
    with pytest.raises(ScenarioError, match="mine: data: options: unknown key 'store'; did you mean 'stores'"):
        load_scenario(content)


def test_an_unknown_reader_and_an_absent_folder_are_named(tmp_path):
    with pytest.raises(ScenarioError, match="unknown dataset 'm6'; allowed: carparts, favorita, iowa_liquor, m5"):
        histories("m6", tmp_path)
    with pytest.raises(ScenarioError, match=r"nowhere does not exist\. M5, published as .* is read from sales_train_eval"):
        histories("m5", tmp_path / "nowhere")
    with pytest.raises(ScenarioError, match=r"store\.csv does not exist; the folder holds items\.csv, stores\.csv, train\.csv"):
        histories("rossmann", write_favorita(tmp_path))


def test_the_page_shows_what_its_examples_print_and_every_option(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = {kind: re.findall(rf"^```{kind}\n(.*?)^```", page, re.DOTALL | re.MULTILINE) for kind in ("csv", "python", "text")}
    (tmp_path / "data.csv").write_text(found["csv"][0])
    (tmp_path / "my_orders.py").write_text(next(block for block in found["python"] if block.startswith("# my_orders.py")))
    exec("\n".join(found["python"]), {"__name__": "page"})
    printed = capsys.readouterr().out
    assert [line.rstrip() for line in printed.splitlines()] == [line.rstrip() for line in "".join(found["text"]).splitlines()]
    assert all(f"`{option}`" in page for option in GroupedOptions.model_fields)


@pytest.mark.skipif(
    not (Path(os.environ.get("ALLOTMENT_DATA", "")) / "iowa_liquor").is_dir() or "ALLOTMENT_DATA" not in os.environ,
    reason="the order lines are not in $ALLOTMENT_DATA/iowa_liquor",
)
def test_orders_for_liquor_are_such_a_table_too():
    found = histories("iowa_liquor", "$ALLOTMENT_DATA/iowa_liquor", items_every=10)
    assert list(found.table.columns) == ["channel", "sku", "period", "units", "price"]
    assert len(found.table) == 104 * 4 * 10
    later = found.table["period"] >= "2018-12-31"
    assert found.world().for_test().problem.demand.recorded.sum() == found.table["units"][later].sum()
