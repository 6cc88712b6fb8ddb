"""Tables as people have them: small inputs that were once answered wrongly without a word, and what is right."""

from pathlib import Path

import pandas as pd
import pytest
from small_tables import planned, reasons, table, units

import allotment
from allotment.scenario.errors import ScenarioError

CASES = Path(__file__).parent / "cases"


def case(name, today=None, **options):
    """Return the plan of a case's tables; an option that names a file there is that table."""
    folder = CASES / name
    tables = {kind: folder / f"{kind}.csv" for kind in ("stock", "demand") if kind not in options}
    given = {key: folder / value if str(value).endswith(".csv") else value for key, value in options.items()}
    return allotment.plan(**{**tables, **given}, today=today)


def test_headers_match_whatever_their_case():
    plan = case("uppercase", "2026-03-01", method="priority_due")
    assert units(plan) == {"A": 10, "B": 8, "C": 2}  # by SKU, due date and priority
    assert [(row["warehouse"], row["sku"]) for row in plan.allocation_rows()] == [
        ("EAST", "TIN"),
        ("EAST", "TIN"),
        ("WEST", "JAR"),
    ]


@pytest.mark.parametrize("header", ["Safety Stock", "safety-stock", "SAFETY_STOCK", " safetyStock "])
def test_headers_match_whatever_their_blanks_hyphens_and_underscores(header):
    stock = pd.DataFrame({"Warehouse": ["A", "B"], "On Hand": [10, 0], header: [4, 0]})
    lanes = table(warehouse=["A", "B"], region=["x", "y"])
    plan = allotment.plan(stock, table(region="y", demand=9), lanes=lanes)
    assert [row["units"] for row in plan.transfers] == [6]


def test_what_no_column_is_called_is_told():
    plan = planned({"order": "A", "demand": 3, "buyer": "Smith", "chain": None})
    assert plan.notes == ("demand: not read: buyer, chain",)


MEANT = {
    "qty": ({"order": "A", "qty": 3}, "column qty is not read; is it meant for 'demand'? Then call it so"),
    "item": ({"order": "A", "demand": 3, "Item": "x"}, "column Item is not read; is it meant for 'sku'?"),
    "due_date": ({"order": "A", "demand": 3, "due_date": "2026-03-01"}, "column due_date is not read; is it meant for 'due'?"),
    "Order ID": ({"Order ID": "A", "demand": 3}, "column Order ID is not read; is it meant for 'order'?"),
    "priorty": ({"order": "A", "demand": 3, "Priorty": 1}, "column Priorty is unknown; did you mean 'priority'?"),
    "two of a kind": (
        {"order": "A", "demand": 3, "Demand": 4},
        "columns 'demand' and 'Demand' are both 'demand'; leave one out",
    ),
}


@pytest.mark.parametrize("header", MEANT)
def test_a_word_for_a_column_that_is_missing_names_both(header):
    demand, words = MEANT[header]
    with pytest.raises(ScenarioError) as error:
        planned(demand)
    assert words in str(error.value)


def test_an_order_without_priority_comes_last():
    plan = case("blank_priority", method="priority")
    assert units(plan) == {"A": 10, "B": 0}
    assert "empty priority of row 2: the channel's, else last" in plan.notes[0]


WORST = {  # of two lanes the other is taken: column, its value there, method
    "km": ("km", 50, "nearest"),
    "freight": ("freight", 5.0, "optimal"),
    "transit": ("transit", 3, "optimal"),
    "cut_off": ("cut_off", "11:00", "optimal"),
    "priority": ("priority", 7, "sourcing"),
}


@pytest.mark.parametrize("column", WORST)
def test_an_empty_cell_of_a_lane_is_never_the_best(column):
    name, known, method = WORST[column]
    lanes = {"warehouse": ["A", "B"], "region": ["x", "x"], name: [None, known]}
    demand = {"region": "x", "demand": 5, "unit_margin": 20.0, "due": 5, "ship_by": 2, "max_lateness": 0}
    plan = planned(demand, {"warehouse": ["A", "B"], "on_hand": [9, 9]}, lanes=lanes, method=method, now="10:00")
    both = plan.day.options
    measure = {
        "km": both.distance,
        "freight": -both.value,
        "transit": both.arrival,
        "cut_off": plan.days[both.date],
        "priority": both.preference,
    }[column]
    assert measure[both.site == 0][0] >= measure[both.site == 1][0]
    assert any(f"empty {column} of row 1" in note for note in plan.notes)


def test_a_column_that_is_empty_everywhere_is_as_if_it_were_not_there():
    plan = planned({"order": ["A", "B"], "demand": [8, 8], "priority": [None, None]}, method="priority")
    assert (units(plan), plan.notes) == ({"A": 8, "B": 2}, ())


@pytest.mark.parametrize(("now", "ships"), [("14:00", "2026-03-02"), ("14:31", "2026-03-03")])
def test_times_may_be_written_with_pm(now, ships):
    for lanes in ("lanes.csv", "lanes_24h.csv"):
        plan = case("ampm", "2026-03-02", lanes=lanes, now=now)
        assert [row["ships"] for row in plan.allocation_rows()] == [ships]


def test_eight_digits_are_a_date():
    numbers = case("day_numbers", "20260227", lanes="lanes.csv", receipts="receipts.csv")
    dates = case("day_numbers", "2026-02-27", lanes="lanes.csv", receipts="receipts_iso.csv", demand="demand_iso.csv")
    assert numbers.to_dict() == {**dates.to_dict(), "notes": list(numbers.notes)}
    assert reasons(numbers) == {"A": "deadline"}


DAYS = {  # as written: as understood
    "2026-03-03": "2026-03-03",
    "2026-03-03 00:00:00": "2026-03-03",
    "2026-03-03T08:30:00": "2026-03-03",
    "2026/3/3": "2026-03-03",
    "20260303": "2026-03-03",
    "3 March 2026": "2026-03-03",
    "Mar 3, 2026": "2026-03-03",
    "13/03/2026": "2026-03-13",
    "03/13/2026": "2026-03-13",
    "03.04.2026": "2026-04-03",
    "04/04/2026": "2026-04-04",
    "3. 4. 2026": "2026-04-03",
    "13. 4. 2026": "2026-04-13",
    "2026-03-03 2:30 PM": "2026-03-03",
}


@pytest.mark.parametrize("text", DAYS)
def test_a_day_is_understood_as_it_is_written(text):
    plan = planned({"order": "A", "demand": 3, "due": text}, today="2026-03-01")
    assert plan.book.clock.written(plan.day.claims.due[0]) == DAYS[text]


NO_DAYS = [
    *("03/04/2026", "2026-03-03T00:00:00+01:00", "2026-02-30", "13/13/2026", "3/4/26", "March 2026", "tomorrow", "123456789"),
    *("20261301", "2026-W10", "1e3", "Tuesday"),
    *("03 04 2026", "03/04 2026", "Fri 03/04/2026", "14:30 03/04/2026", "1/2/3 2026"),
]


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_is_no_day_or_may_be_two_is_refused(text):
    with pytest.raises(ScenarioError, match=r"^demand: row 1, column due: "):
        planned({"order": "A", "demand": 3, "due": text}, today="2026-03-01")


def test_the_order_of_day_and_month_is_read_off_the_other_dates_or_said():
    demand = {"order": ["A", "B"], "demand": [3, 3], "due": ["03/04/2026", "25/04/2026"]}
    plan = planned(demand, today="2026-04-01")
    assert plan.day.claims.due.tolist() == [2, 24]
    assert plan.notes == ("dates begin with the day (25/04/2026 in demand)",)
    plan = planned({"order": "A", "demand": 3, "due": "03/04/2026"}, today="03/01/2026", date_format="MM/DD/YYYY")
    assert plan.day.claims.due.tolist() == [3]
    with pytest.raises(ScenarioError, match=r"'03/25/2026' has the month first, but '25/04/2026' in demand has the day first"):
        planned({**demand, "due": ["03/25/2026", "25/04/2026"]}, today="2026-04-01")
    with pytest.raises(ScenarioError, match=r"date-format must have day, month and year, such as DD/MM/YYYY, not 'YYYY'"):
        planned(demand, date_format="YYYY")


@pytest.mark.parametrize("text", ["25:00", "24:59", "14:30+02:00", "2:30", "noon", "14", "14:61", "2026-03-01 14:30"])
def test_only_a_time_of_day_is_a_time(text):
    if text == "2:30":
        assert planned({"order": "A", "demand": 3}, now=text).book.now == 2.5
        return
    with pytest.raises(ScenarioError, match=r"must be a time like 14:30, not"):
        planned({"order": "A", "demand": 3}, now=text)


def test_a_row_of_totals_is_no_warehouse():
    words = r"total_row\.csv: row 3 \(line 4\), column warehouse: 'TOTAL' is no warehouse but a sum of the others"
    with pytest.raises(ScenarioError, match=words):
        allotment.plan(CASES / "total_row.csv", table(order="A", demand=3))


TOTALS = {
    "another word": {"warehouse": ["north", "south", "Bestand"], "on_hand": [60, 20, 80]},
    "by SKU": {"warehouse": ["n", "n", "s", "s", "*", "*"], "sku": ["a", "b"] * 3, "on_hand": [1, 2, 3, 4, 4, 6]},
    "no SKU": {"warehouse": ["n", "s", "x"], "sku": ["a", "a", ""], "on_hand": [1, 2, 9]},
}


@pytest.mark.parametrize("totals", TOTALS)
def test_a_row_that_sums_up_the_others_or_lacks_a_key_is_refused(totals):
    stock = TOTALS[totals]
    demand = {"order": "A", "demand": 3, **({"sku": "a"} if "sku" in stock else {})}
    with pytest.raises(
        ScenarioError, match=r"^stock: row (3|5), column (on_hand|sku): (\d+ of .* repeats the sum|is empty, but)"
    ):
        planned(demand, stock)


def test_a_warehouse_that_happens_to_hold_the_sum_need_only_not_be_the_last():
    plan = planned({"order": "A", "demand": 3}, {"warehouse": ["A", "C", "B"], "on_hand": [10, 30, 20]})
    assert plan.totals()["supply"] == 60


def test_an_export_of_a_european_system_is_planned_at_the_first_try():
    plan = case("erp_export", "2026-03-01", receipts="receipts.csv")
    assert units(plan) == {"SO-1": 4, "SO-2": 100.5}  # two lines of SO-1, of which the mapping keeps the last
    assert plan.served.tolist() == [2, 4, 100.5]
    supply = plan.day.pools.supply.sum(axis=1)
    assert supply.tolist() == [52, 680.333]  # 12 and the 40 to come; what should have come in 2013 is left out
    told = "\n".join(plan.notes)
    for words in (
        "cells are parted by semicolons",
        "not read: po",
        "demand.csv: decimals are written with a comma (100,5 in column demand)",
        "stock.csv: decimals are written with a comma (680,333 in column on_hand)",
        "dates begin with the day (13/03/2026 in ",
        "1 of 2 receipts should have come before today (2026-03-01) and are left out",
        "units may be fractions",
    ):
        assert words in told


def test_overdue_receipts_may_count_as_todays():
    plan = case("erp_export", "2026-03-01", receipts="receipts.csv", overdue="today")
    assert plan.day.pools.supply.sum(axis=1).tolist() == [53, 680.333]


def test_an_order_may_ask_for_a_sku_on_several_lines():
    plan = case("same_sku_twice", "2026-03-01", method="earliest_due")
    assert [(row["line"], row["units"]) for row in plan.allocation_rows()] == [("10", 10), ("20", 2)]
    with pytest.raises(
        ScenarioError, match=r"'A', 'apple' is listed already in row 1; two lines of an order need a column line"
    ):
        planned({"order": ["A", "A"], "sku": ["apple"] * 2, "demand": [1, 2]}, {"warehouse": "W", "sku": "apple", "on_hand": 3})


def test_the_lines_of_an_order_share_its_reservation():
    demand = {"order": ["A", "A", "B"], "line": ["1", "2", "1"], "demand": [4, 4, 9]}
    plan = planned(demand, reservations={"order": "A", "warehouse": "W", "reserved": 7}, method="first_come")
    assert plan.served.tolist() == [4, 4, 2]  # 7 reserved for A and 3 free, of which A's second line takes one


def test_negative_stock_may_count_as_none():
    stock = {"warehouse": ["A", "B"], "on_hand": [-4, 9]}
    plan = planned({"order": "A", "demand": 20}, stock, negative="zero")
    assert plan.totals()["supply"] == 9
    assert plan.notes == ("stock: 1 rows are below zero and taken for 0",)
    with pytest.raises(ScenarioError, match="negative must be refuse or zero, not 'none'"):
        planned({"order": "A", "demand": 20}, stock, negative="none")


@pytest.mark.parametrize("demand", ["demand.csv", "demand_committed.csv"])
def test_no_rounding_error_stays_short(demand):
    plan = case("continuous_residue", demand=demand, lanes="lanes.csv", offers="offers.csv")
    assert (plan.served.tolist(), plan.unmet_rows(), plan.purchases, plan.broken_commitments()) == ([40.25, 20.5], [], [], [])


def test_sums_of_fractions_may_differ_by_rounding():
    plan = case("precision", reservations="reservations.csv")
    assert units(plan) == {"A": 0.1, "B": 0.2}
    assert plan.left_rows() == []
    demand = {"order": "A", "demand": 0.3, "committed": 0.1 + 0.2}
    assert planned(demand, units="continuous").served.tolist() == [0.3]


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6, 1e9])
def test_the_tolerance_grows_with_the_quantity(scale):
    third = scale / 3.0
    demand = {"order": ["A", "B", "C"], "demand": [third, third, scale - 2.0 * third], "unit_margin": [3.0, 2.0, 1.0]}
    for method in ("optimal", "priority", "fair_share"):
        plan = planned(demand, {"warehouse": "W", "on_hand": third + third + third}, units="continuous", method=method)
        assert (plan.unmet_rows(), plan.left_rows()) == ([], []), method


def test_what_nobody_has_is_told_with_the_nearest_name():
    stock = {"warehouse": ["W", "W"], "sku": ["0017", "AB-1"], "on_hand": [5, 5]}
    with pytest.raises(ScenarioError) as error:
        planned({"order": ["A", "B"], "sku": ["17", "ab_1"], "demand": [2, 2]}, stock)
    asked = "demand asks for '17', 'ab_1', stock has '0017', 'AB-1'"
    assert str(error.value) == f"stock: has none of the SKUs asked for: {asked}; '17' may be '0017', 'ab_1' may be 'AB-1'"
    plan = planned({"order": ["A", "B"], "sku": ["17", "AB-1"], "demand": [2, 2]}, stock)
    assert plan.notes == ("demand: nobody has '17'; '17' may be '0017'",)


def test_data_frames_may_have_types_that_know_nothing():
    stock = pd.DataFrame(
        {
            "warehouse": pd.array(["A", "B"], dtype="string"),
            "on_hand": pd.array([5, 7], dtype="Int64"),
            "safety_stock": pd.array([None, 2], dtype="Int64"),
        }
    )
    demand = pd.DataFrame({"order": ["x", "y"], "demand": [3, 4], "priority": [1, None]}).convert_dtypes(
        dtype_backend="pyarrow"
    )
    plan = allotment.plan(stock, demand.assign(due=pd.array(["2026-03-04", None], dtype="datetime64[ns]")), today="2026-03-01")
    assert plan.served.tolist() == [3, 4]
    reserved = pd.DataFrame(
        {"order": ["x"], "warehouse": ["A"], "reserved": [2], "cancelled": pd.array([True], dtype="boolean")}
    )
    assert allotment.plan(stock, demand, reservations=reserved).reservation_rows()[0]["state"] == "cancelled"
    with pytest.raises(ScenarioError, match=r"^stock: has two columns 'on_hand'"):
        allotment.plan(pd.concat([stock, stock[["on_hand"]]], axis=1), demand)


def test_today_is_written_as_the_tables_write_days():
    demand = {"order": "A", "demand": 3, "due": "2026-04-20"}
    assert planned(demand, today="3.4.2026").day.claims.due.tolist() == [17]
    assert planned({**demand, "due": "20/04/2026"}, today="03/04/2026").day.claims.due.tolist() == [17]
    with pytest.raises(ScenarioError, match=r"^today: '03/04/2026' can begin with the day or the month; say --date-format"):
        planned(demand, today="03/04/2026")


@pytest.mark.parametrize(("written", "text"), [("DDMMYY", "030426"), ("YYYYDDMM", "20260304"), ("DDMMYYYY", "03042026")])
def test_a_format_that_is_said_holds_for_digits_too(written, text):
    plan = planned({"order": "A", "demand": 3, "due": text}, today=text, date_format=written)
    assert plan.book.clock.today.isoformat() == "2026-04-03"


def test_what_another_file_tells_does_not_turn_thousands_into_fractions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("stock.csv").write_text("warehouse;on_hand\nn;1.200\n")
    channels = table(channel="w", otif=0.95, unit_margin=3.0)
    Path("channels.csv").write_text("channel,otif,unit_margin\nw,0.95,3\n")
    with pytest.raises(ScenarioError, match=r"stock\.csv: .*'1\.200' can be thousands or a fraction; say --decimal"):
        allotment.plan("stock.csv", table(channel="w", demand=10), channels="channels.csv")
    plan = allotment.plan("stock.csv", table(channel="w", demand=10), channels=channels, decimal="comma")
    assert plan.totals()["supply"] == 1200


def test_an_order_without_the_channel_that_others_have_is_refused():
    demand = {"order": ["A", "B"], "channel": ["web", None], "demand": [5, 6]}
    with pytest.raises(ScenarioError, match="demand: row 2, column channel: is empty, but transport tells them apart"):
        planned(demand, transport={"warehouse": "W", "channel": "web", "outbound_capacity": 4})


LARGE = [  # stock and demand that once kept the solver busy for ever, or made it fail
    ([333333333.3333333, 666666666.6666666, 0.3], [1e9, 0.3]),
    ([0.1, 285649708.9576868, 0.2], [142824854.6288434, 71412427.3144217, 0.1, 71412427.2144217]),
    ([275971052.2189266, 0.1, 115643628.18754055], [195807340.25323358, 97903670.12661679, 0.1, 97903670.0266168]),
]


@pytest.mark.parametrize(("on_hand", "asked"), LARGE)
def test_large_quantities_beside_small_ones_are_planned(on_hand, asked):
    stock = {"warehouse": [f"w{place}" for place in range(len(on_hand))], "on_hand": on_hand}
    demand = {"order": [f"o{place}" for place in range(len(asked))], "demand": asked}
    plan = planned(demand, stock, units="continuous")
    assert abs(plan.served.sum() - min(sum(on_hand), sum(asked))) < 1e-6
    assert not plan.broken_commitments()


BOUGHT = [([1000000000.5], [2.0], [0.0]), ([1234567.25], [2.0], [0.0]), ([1000.25, 0.1], [2.0, 5.0], [0.3, 0.0])]


@pytest.mark.parametrize(("short", "costs", "minimums"), BOUGHT)
def test_what_is_short_is_bought_to_the_last_digit(short, costs, minimums):
    demand = {"channel": [f"c{place}" for place in range(len(short))], "demand": short}
    offers = {"supplier": [f"s{place}" for place in range(len(costs))], "unit_cost": costs, "minimum": minimums}
    offers["lead_time"] = [1] * len(costs)
    plan = planned(demand, {"warehouse": "W", "on_hand": 0.0}, units="continuous", offers=table(**offers))
    assert plan.uncovered == []
    assert sum(row["units"] for row in plan.purchases) == pytest.approx(sum(short), rel=1e-15)


def test_what_is_no_table_is_refused():
    with pytest.raises(ScenarioError, match="demand: must be a file or a data frame, not a dict"):
        allotment.plan(table(warehouse="W", on_hand=3), {"order": ["A"], "demand": [5]})


def test_receipts_may_happen_to_sum_up():
    receipts = {"warehouse": ["W", "W", "V"], "arrives": [1, 2, 3], "units": [10, 10, 20]}
    plan = planned({"order": "A", "demand": 3}, {"warehouse": ["W", "V"], "on_hand": [1, 1]}, receipts=receipts)
    assert plan.totals()["supply"] == 42


def test_names_are_the_same_however_their_marks_are_written():
    composed, decomposed = "M\u00fcnchen", "Mu\u0308nchen"
    lanes = table(warehouse=decomposed, region="x")
    plan = planned({"region": "x", "demand": "3"}, {"warehouse": composed, "on_hand": 5}, lanes=lanes)
    assert plan.served.tolist() == [3]


def test_a_minus_sign_is_one():
    plan = planned({"channel": "web", "demand": 3, "unit_margin": "\u22122,5"}, decimal="comma", method="optimal")
    assert plan.day.options.value.tolist() == [-2.5]
