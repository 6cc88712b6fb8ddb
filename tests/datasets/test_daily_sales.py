"""M5, Favorita and Rossmann as the same table: small files of their layouts, whole and spoilt."""

import gzip

import pandas as pd
import pytest
from small_data_sets import (
    DAYS,
    FAVORITA_LINES,
    ROSSMANN_LINES,
    m5_calendar,
    m5_prices,
    m5_sales,
    write_favorita,
    write_m5,
    write_rossmann,
)

from allotment.datasets import favorita, m5, rossmann
from allotment.scenario.errors import ScenarioError


def rows(table, channel, sku):
    """Return units and prices of one series."""
    found = table.frame[(table.frame["channel"] == channel) & (table.frame["sku"] == sku)]
    return found["units"].tolist(), found["price"].tolist()


def test_m5_has_a_row_an_item_store_and_day_with_the_price_of_its_week(tmp_path):
    table = m5.read.table(write_m5(tmp_path), {})
    assert (table.channels, table.skus) == (["CA_1", "TX_1"], ["FOODS_1_001", "FOODS_1_002", "HOBBIES_1_001"])
    assert len(table.frame) == 4 * len(DAYS) and table.periods.equals(DAYS)
    units, prices = rows(table, "CA_1", "FOODS_1_001")
    assert units == [n % 3 for n in range(len(DAYS))]
    assert prices == [2.0] * 28 + [2.5] * 28
    units, prices = rows(table, "TX_1", "FOODS_1_001")
    assert units == [0.0] * 14 + [2.0] * 42
    assert pd.isna(prices[:14]).all() and prices[14:] == [3.0] * 42


def test_m5_of_the_first_stage_is_read_where_the_second_is_not_there_and_packed_by_gzip_too(tmp_path):
    folder = write_m5(tmp_path)
    (folder / "sales_train_evaluation.csv").rename(folder / "sales_train_validation.csv")
    (folder / "sell_prices.csv").unlink()
    with gzip.open(folder / "sell_prices.csv.gz", "wt") as file:
        file.write(m5_prices())
    assert m5.read.table(folder, {}).frame["units"].sum() == sum(n % 3 + 5 + n // 7 + 2 * (n >= 14) for n in range(56))


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"items": "FOODS_1_00*"}, ["CA_1 FOODS_1_001", "CA_1 FOODS_1_002", "TX_1 FOODS_1_001"]),
        ({"items": ["FOODS_1_002", "HOBBIES_1_001"]}, ["CA_1 FOODS_1_002", "CA_1 HOBBIES_1_001"]),
        ({"stores": "TX_1"}, ["TX_1 FOODS_1_001"]),
        ({"groups": "HOBBIES"}, ["CA_1 HOBBIES_1_001"]),
        ({"items_every": 2}, ["CA_1 FOODS_1_001", "CA_1 HOBBIES_1_001", "TX_1 FOODS_1_001"]),
        ({"items_every": 2, "items_first": 1}, ["CA_1 FOODS_1_002"]),
    ],
)
def test_options_choose_series(tmp_path, options, kept):
    frame = m5.read.table(write_m5(tmp_path), options).frame
    assert (frame["channel"].astype(str) + " " + frame["sku"].astype(str)).unique().tolist() == kept


def test_dates_choose_days(tmp_path):
    table = m5.read.table(write_m5(tmp_path), {"first": "2011-02-01", "last": "2011-02-03", "items": "FOODS_1_002"})
    assert rows(table, "CA_1", "FOODS_1_002") == ([5.0] * 3, [1.25] * 3)
    with pytest.raises(ScenarioError, match="option last: 2012-01-01 is outside of the data, 2011-01-29 to 2011-03-25"):
        m5.read.table(tmp_path, {"last": "2012-01-01"})


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (
            {"sales": m5_sales().replace("store_id", "store")},
            r"evaluation\.csv: has no column 'store_id' \(did you mean 'store'",
        ),
        ({"sales": m5_sales().replace(",5,5\n", ",5,x\n")}, r"evaluation\.csv: line 3: d_56 must be a whole number, not 'x'"),
        (
            {"sales": m5_sales().replace(",5,5\n", ",5\n")},
            r"evaluation\.csv: line 3: has 61 cells, but the header has 62 columns",
        ),
        ({"sales": m5_sales().replace(",5,5\n", ",5,-5\n")}, r"evaluation\.csv: units must be >= 0, not -5"),
        ({"sales": m5_sales() + m5_sales().splitlines()[2]}, "item FOODS_1_002 of store CA_1 has two rows"),
        ({"sales": m5_sales().splitlines()[0] + "\n"}, r"evaluation\.csv: has no rows"),
        ({"sales": ""}, r"evaluation\.csv: is empty, or its first line is"),
        ({"calendar": m5_calendar().replace(",d_7\n", ",d_700\n")}, r"calendar\.csv: has no day d_7"),
        ({"calendar": m5_calendar().replace("2011-01-30", "2011-01-31")}, "days d_1 to d_56 must be consecutive dates"),
        (
            {"calendar": m5_calendar().replace("2011-01-30", "30th")},
            r"calendar\.csv: line 3: date must be a date .*, not '30th'",
        ),
        (
            {"prices": m5_prices().replace("11103,1.25", "11103,")},
            r"sell_prices\.csv: line 9: sell_price must be a number, not ''",
        ),
        ({"prices": m5_prices() + m5_prices().splitlines()[1]}, "item FOODS_1_001 of store CA_1 has two prices in week 11101"),
        ({"prices": m5_prices().replace("sell_price", "price")}, r"sell_prices\.csv: has no column 'sell_price' \(did you"),
    ],
)
def test_m5_files_that_are_not_as_published_are_refused(tmp_path, spoilt, message):
    with pytest.raises(ScenarioError, match=message):
        m5.read.table(write_m5(tmp_path, **spoilt), {})


def test_favorita_lists_what_was_sold_and_the_rest_is_0(tmp_path):
    table = favorita.read.table(write_favorita(tmp_path), {})
    assert rows(table, "1", "103665")[0] == [7.0, 0.0, 0.0, 0.0, 6.0]  # the return of the second day is no demand
    assert rows(table, "1", "99197")[0] == [0.0, 4.0, 0.0, 0.0, 0.0]
    assert rows(table, "2", "103665")[0] == [1.5, 0.0, 0.0, 2.25, 0.0]
    assert len(table.frame) == 3 * 5 and table.frame["price"].isna().all()
    assert table.notes == ("lines of returns, which count as 0 units: 1",)


def test_favorita_is_chosen_by_family_store_item_and_date(tmp_path):
    folder = write_favorita(tmp_path)
    assert favorita.read.table(folder, {"groups": "GROCERY*"}).skus == ["99197"]
    assert favorita.read.table(folder, {"stores": 2}).channels == ["2"]
    late = favorita.read.table(folder, {"items": 103665, "first": "2016-01-04"})
    assert late.frame["units"].tolist() == [0.0, 6.0, 2.25, 0.0]
    with pytest.raises(ScenarioError, match="the options leave no series: no store sold any of the items"):
        favorita.read.table(folder, {"items": "7"})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (FAVORITA_LINES + "9,2016-01-05,1,103665,6.0,\n", "item 103665 of store 1 has two lines of 2016-01-05"),
        (FAVORITA_LINES.replace("2.25", "inf"), r"train\.csv: line 6: unit_sales must be a number, not 'inf'"),
        (FAVORITA_LINES.replace("4,2016-01-04,2", "4,2016-01-04,"), "line 6: store_nbr must be a text, not ''"),
        (FAVORITA_LINES.splitlines()[0] + "\n", r"train\.csv: has no rows"),
    ],
)
def test_favorita_lines_that_are_not_as_published_are_refused(tmp_path, lines, message):
    with pytest.raises(ScenarioError, match=message):
        favorita.read.table(write_favorita(tmp_path, lines), {})


def test_a_file_that_is_still_packed_is_to_be_unpacked(tmp_path):
    folder = write_favorita(tmp_path)
    (folder / "train.csv").rename(folder / "train.csv.7z")
    with pytest.raises(ScenarioError, match=r"train\.csv does not exist; unpack train\.csv\.7z first\. Favorita, published as"):
        favorita.read.table(folder, {})


def test_rossmann_is_turnover_and_a_closed_or_absent_day_is_0(tmp_path):
    table = rossmann.read.table(write_rossmann(tmp_path), {})
    assert rows(table, "1", "turnover")[0] == [2605.0, 0.0, 5263.0]
    assert rows(table, "2", "turnover")[0] == [2269.0, 0.0, 6064.0]
    assert table.notes == (
        "days of closed stores, which count as 0 units: 1",
        "days without a line, which count as 0 units: 1",
    )
    assert rossmann.read.table(tmp_path, {"groups": "c"}).channels == ["1"]
    with pytest.raises(ScenarioError, match="option items: nothing in the data is called 'bread'; allowed: turnover"):
        rossmann.read.table(tmp_path, {"items": "bread"})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (ROSSMANN_LINES + '2,5,2015-01-02,1,1,1,1,"0","1"\n', "store 2 has two lines of 2015-01-02"),
        (ROSSMANN_LINES.replace("2605", "-2605"), "Sales must be >= 0, not -2605"),
        (ROSSMANN_LINES.replace("\n2,", "\n9,"), r"store\.csv has no entry for store 9"),
    ],
)
def test_rossmann_lines_that_are_not_as_published_are_refused(tmp_path, lines, message):
    with pytest.raises(ScenarioError, match=message):
        rossmann.read.table(write_rossmann(tmp_path, lines), {})
